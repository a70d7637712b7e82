package migrationfile

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/f0a90b9a/ferry/internal/entitlement"
)

// maxWarnings bounds the groups that are kept; a file can hold any number of
// unknown names.
const maxWarnings = 100

// collector takes the checked pieces in file order: it counts, compares
// records with each other and stages.
type collector struct {
	opts     ImportOptions
	result   Result
	stage    *bufio.Writer
	index    *Index
	ids      map[fingerprint]uint32 // → record
	living   map[fingerprint]livingCount
	warnings map[warningKey]int // → place in result.Warnings
}

type livingCount struct{ first, count uint32 }

type warningKey struct{ code, field, message string }

func newCollector(opts ImportOptions) *collector {
	stage := opts.Stage
	if stage == nil {
		stage = io.Discard
	}
	return &collector{
		opts: opts, stage: bufio.NewWriterSize(stage, windowBytes), index: &Index{},
		ids:      make(map[fingerprint]uint32),
		living:   make(map[fingerprint]livingCount),
		warnings: make(map[warningKey]int),
		result: Result{
			Problems: []Problem{}, ProblemCounts: map[string]int{},
			Warnings: []Warning{}, WarningCounts: map[string]int{},
			Statuses: map[entitlement.Status]int{}, Steps: map[entitlement.Step]int{},
		},
	}
}

// add takes the next piece; its error is the stage's.
func (c *collector) add(k *checked) error {
	c.result.Records = max(c.result.Records, k.record) // one that is cut short, too
	problems := slices.Concat(k.problems, c.unique(k), c.withinLimit(k))
	c.problems(problems)
	for _, w := range k.warnings {
		c.warn(w)
	}
	if len(problems) > 0 || !k.isRecord {
		return nil
	}
	c.result.Statuses[k.status]++
	for _, step := range k.steps {
		c.result.Steps[step]++
	}
	if len(c.result.Problems) > 0 { // the file is refused: nobody needs the rest
		return nil
	}
	c.index.add(len(k.line))
	if _, err := c.stage.Write(k.line); err != nil {
		return fmt.Errorf("stage record %d: %w", k.record, err)
	}
	return nil
}

func (c *collector) problems(found []Problem) {
	for _, p := range found {
		c.result.ProblemCounts[p.Code]++
		if len(c.result.Problems) < c.opts.MaxProblems {
			c.result.Problems = append(c.result.Problems, p)
		}
	}
}

func (c *collector) unique(k *checked) []Problem {
	if !k.hasID {
		return nil
	}
	first, found := c.ids[k.idPrint]
	if !found {
		c.ids[k.idPrint] = shortNumber(k.record)
		return nil
	}
	return []Problem{k.problem(k.idPlace, entitlement.FieldExternalEntitlementID, CodeDuplicateID,
		fmt.Sprintf("externalEntitlementId is the same as that of record %d", first),
		"every record needs an id of its own")}
}

func (c *collector) withinLimit(k *checked) []Problem {
	if !k.living || c.opts.Route == nil || c.opts.Route.EntitlementsPerCustomer <= 0 {
		return nil
	}
	limit := c.opts.Route.EntitlementsPerCustomer
	n := c.living[k.customerPrint]
	n.count++
	if n.first == 0 {
		n.first = shortNumber(k.record)
	}
	c.living[k.customerPrint] = n
	if int(n.count) <= limit {
		return nil
	}
	return []Problem{k.problem(k.customerPlace, entitlement.FieldCustomerIdentifier, CodeTooManyLiving,
		fmt.Sprintf("the customer has more living entitlements at this merchant than the route allows (%d); the first is record %d",
			limit, n.first),
		"all but CANCELLED and REVOKED count")}
}

// shortNumber keeps a record's number in 32 bits, as there is one for every id.
// It serves messages alone: those of records beyond four billion name the last
// that fits.
func shortNumber(record int) uint32 {
	return uint32(min(int64(record), math.MaxUint32)) //nolint:gosec // bounded here; records count from 1
}

func (k *checked) problem(at place, field, code, message, hint string) Problem {
	return Problem{
		Record: k.record, Line: at.line, Column: at.column, ExternalEntitlementID: k.id,
		Pointer: "/" + field, Code: code, Message: message, Hint: hint,
	}
}

func (c *collector) warn(w Warning) {
	c.result.WarningCounts[w.Code]++
	key := warningKey{w.Code, w.Field, w.Message}
	if i, found := c.warnings[key]; found {
		c.result.Warnings[i].Count++
		return
	}
	if len(c.result.Warnings) < maxWarnings {
		c.warnings[key] = len(c.result.Warnings)
		c.result.Warnings = append(c.result.Warnings, w)
	}
}

// finish completes the result once all is read.
func (c *collector) finish(in *source) (*Result, error) {
	r := &c.result
	if r.Records == 0 && len(r.Problems) == 0 {
		c.problems([]Problem{{Line: 1, Column: 1, Code: CodeNoRecords, Message: "the file holds no records"}})
	}
	r.Bytes, r.SHA256 = in.stored.bytes, in.stored.hex()
	if len(r.Problems) == 0 {
		if err := c.stage.Flush(); err != nil {
			return nil, fmt.Errorf("stage records: %w", err)
		}
		r.Index = c.index
	}
	if c.opts.Progress != nil {
		c.opts.Progress(r.Bytes, int64(r.Records))
	}
	return r, nil
}
