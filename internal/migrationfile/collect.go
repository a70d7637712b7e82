package migrationfile

import (
	"fmt"
	"io"
	"strings"
	"sync/atomic"

	"github.com/f0a90b9a/ferry/internal/entitlement"
)

// maxWarnings bounds the groups that are kept; a file can hold any number of
// unknown names.
const maxWarnings = 100

// collector takes the checked blocks in file order: it counts, compares
// records with each other and stages.
type collector struct {
	opts         ImportOptions
	result       Result
	problemTotal int
	stage        io.Writer
	index        *Index
	ids          *prints
	living       *prints     // nil: no limit
	full         atomic.Bool // no more problems are kept
	fates        tally
	warnings     map[warningKey]int // → place in result.Warnings
	repeated     map[systematicKey]int
}

type warningKey struct{ code, field, message string }

func newCollector(opts ImportOptions) *collector {
	c := &collector{
		opts: opts, stage: opts.Stage, index: &Index{},
		ids:      newPrints(false),
		warnings: make(map[warningKey]int), repeated: make(map[systematicKey]int),
		result: Result{
			Problems: []Problem{}, ProblemCounts: map[string]int{},
			Warnings: []Warning{}, WarningCounts: map[string]int{},
			Statuses: map[entitlement.Status]int{}, Steps: map[entitlement.Step]int{},
		},
	}
	if c.stage == nil {
		c.stage = io.Discard
	}
	if limit := opts.livingLimit(); limit > 0 {
		c.living = newPrints(limit > 1)
	}
	return c
}

// add takes the next block; its error is the stage's.
func (c *collector) add(b *block) error {
	c.compare(b)
	problems, warnings := 0, 0
	for i := range b.checked {
		k := &b.checked[i]
		p := b.pieces[i]
		c.result.Records = max(c.result.Records, p.record) // one that is cut short, too
		before := c.problemTotal
		c.problems(b.problems[problems:k.problems]...)
		c.unique(b, i)
		c.withinLimit(b, i)
		for _, w := range b.warnings[warnings:k.warnings] {
			c.warn(w)
		}
		problems, warnings = k.problems, k.warnings
		if c.problemTotal == before { // faults are problems, so this is a record
			c.fates[k.fate]++
		}
	}
	return c.stageBlock(b)
}

// compare looks the block's ids and customers up. It does nothing else, so
// that the processor can wait for several places in memory at once.
func (c *collector) compare(b *block) {
	for i := range b.checked {
		if k := &b.checked[i]; k.hasID {
			k.sameID, k.ids = c.ids.add(k.idPrint, b.pieces[i].record)
		}
	}
	for i := range b.checked {
		if k := &b.checked[i]; k.living {
			k.sameCustomer, k.customers = c.living.add(k.customerPrint, b.pieces[i].record)
		}
	}
}

// stageBlock writes what is sound, unless the file is refused: nobody needs it
// then.
func (c *collector) stageBlock(b *block) error {
	if c.problemTotal > 0 || len(b.staged) == 0 {
		return nil
	}
	if _, err := c.stage.Write(b.staged); err != nil {
		return fmt.Errorf("stage records %d to %d: %w", b.pieces[0].record, b.pieces[len(b.pieces)-1].record, err)
	}
	for i := range b.checked {
		c.index.add(b.checked[i].line)
	}
	return nil
}

func (c *collector) problems(found ...Problem) {
	c.problemTotal += len(found)
	for _, p := range found {
		c.result.ProblemCounts[p.Code]++
		if p.systematic() {
			c.repeated[p.key()]++
		}
		if len(c.result.Problems) < c.opts.MaxProblems {
			c.result.Problems = append(c.result.Problems, p)
		} else {
			c.full.Store(true)
		}
	}
}

func (c *collector) unique(b *block, i int) {
	if k := &b.checked[i]; k.ids > 1 {
		c.problems(b.problem(i, k.idOffset, entitlement.FieldExternalEntitlementID, CodeDuplicateID,
			fmt.Sprintf("externalEntitlementId is the same as that of record %d", k.sameID),
			"every record needs an id of its own"))
	}
}

func (c *collector) withinLimit(b *block, i int) {
	limit := c.opts.livingLimit()
	if k := &b.checked[i]; k.living && int64(k.customers) > int64(limit) {
		c.problems(b.problem(i, k.customerOffset, entitlement.FieldCustomerIdentifier, CodeTooManyLiving,
			fmt.Sprintf("the customer has more living entitlements at this merchant than the route allows (%d); the first is record %d",
				limit, k.sameCustomer),
			"all but CANCELLED and REVOKED count"))
	}
}

// problem is one of piece i that shows beside other records only.
func (b *block) problem(i, offset int, field, code, message, hint string) Problem {
	p, k := b.pieces[i], &b.checked[i]
	raw := b.bytes(p)
	at := p.place.after(raw[:offset])
	id := ""
	if k.hasID {
		if id = string(unquote(nil, raw[k.idOffset:stringEnd(raw, k.idOffset)])); !quotable(id) {
			id = ""
		}
	}
	return Problem{
		Record: p.record, Line: at.line, Column: at.column, ExternalEntitlementID: id,
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
	if len(c.result.Warnings) == maxWarnings {
		return
	}
	w.Field = strings.Clone(w.Field) // a part of the whole record
	if w.Code == CodeUnknownField {
		w.Hint = nearestField(w.Field)
	}
	key.field = w.Field
	c.warnings[key] = len(c.result.Warnings)
	c.result.Warnings = append(c.result.Warnings, w)
}

// damaged takes damage to the file that shows after its last record.
func (c *collector) damaged(f *formatError, at place) {
	c.problems(Problem{
		Record: c.result.Records, Line: at.line, Column: at.column,
		Code: f.code, Message: f.message, Hint: f.hint,
	})
}

// finish completes the result once all is read.
func (c *collector) finish(in *source) *Result {
	r := &c.result
	if r.Records == 0 && c.problemTotal == 0 {
		c.problems(Problem{
			Line: 1, Column: 1, Code: CodeNoRecords, Message: "the file holds no records",
			Hint: "is it the right file, and was its export complete?",
		})
	}
	c.fold()
	c.fates.into(r)
	r.Bytes, r.SHA256 = in.stored.bytes, in.stored.hex()
	if c.problemTotal == 0 {
		r.Index = c.index
	}
	if c.opts.Progress != nil {
		c.opts.Progress(r.Bytes, int64(r.Records))
	}
	return r
}
