package migration

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Reconciliation is a comparison of a migration's records with what a platform
// has: the progress and the result of `ferry reconcile`, its JSON output, and
// reconciliations/<time>.json.
type Reconciliation struct {
	Migration string `json:"migration"`
	Route     string `json:"route"`
	// Against is TARGET, or the name of a report of the platform's.
	Against    string     `json:"against"`
	Phase      Phase      `json:"phase"`
	Reason     string     `json:"reason,omitempty"` // what it waits for
	StartedAt  time.Time  `json:"startedAt"`
	FinishedAt *time.Time `json:"finishedAt"` // null while it runs
	Records    int        `json:"records"`    // of the file
	Looked     int        `json:"looked"`     // of these, so far
	Correlation
	// Report is set after a comparison with a report alone.
	Report *ReportCounts       `json:"report,omitempty"`
	Files  map[string]FileInfo `json:"files"`
}

// AgainstTarget is what Reconciliation.Against says of the target itself.
const AgainstTarget = "TARGET"

// ReportCounts says what a report has that the migration hasn't, or the other
// way round, without either being wrong.
type ReportCounts struct {
	Rows   int `json:"rows"`   // of the report
	Others int `json:"others"` // rows of entitlements that are not this migration's
	Beyond int `json:"beyond"` // migrated records of which this kind of report need not speak
}

// MaxListed is how many differences are listed in full; all are in the CSV
// file.
const MaxListed = 100

// Correlation counts how migrated records compare with a platform.
type Correlation struct {
	Checked   int     `json:"checked"`   // migrated records that were compared
	Expected  ByGroup `json:"expected"`  // of these, by the status due now
	Found     ByGroup `json:"found"`     // of these, at the platform
	Differing int     `json:"differing"` // of these, in anything
	// Extra are the entitlements that the platform has besides, under an
	// external id of the file.
	Extra int `json:"extra"`
	// Forgiven are those that differed at the first look and not at the second.
	Forgiven int `json:"forgiven"`
	// Since are records that the run did not migrate and that are there all the
	// same: by a reload, or by an answer that was lost.
	Since       int              `json:"since"`
	Kinds       []DifferenceKind `json:"kinds"`       // by frequency
	Differences []Difference     `json:"differences"` // the first MaxListed
}

// DifferenceKind counts differences of one result.
type DifferenceKind struct {
	Result   string   `json:"result"` // as correlation.csv says it
	Count    int      `json:"count"`
	Examples []string `json:"examples"` // external ids, at most MaxErrorExamples
}

// Difference is a row of correlation.csv with what it is about. It names
// fields and never their values.
type Difference struct {
	Record                int      `json:"record"` // from 1, in file order
	ExternalEntitlementID string   `json:"externalEntitlementId"`
	EntitlementID         string   `json:"entitlementId"` // the platform's; of an extra one its own
	Result                string   `json:"result"`
	Fields                []string `json:"fields,omitempty"` // all that differ
}

// Different is how many differences there are.
func (c *Correlation) Different() int {
	n := 0
	for _, k := range c.Kinds {
		n += k.Count
	}
	return n
}

// Tell counts and lists one difference.
func (c *Correlation) Tell(d Difference) {
	if len(c.Differences) < MaxListed {
		c.Differences = append(c.Differences, d)
	}
	i := slices.IndexFunc(c.Kinds, func(k DifferenceKind) bool { return k.Result == d.Result })
	if i < 0 {
		i = len(c.Kinds)
		c.Kinds = append(c.Kinds, DifferenceKind{Result: d.Result})
	}
	k := &c.Kinds[i]
	k.Count++
	if len(k.Examples) < MaxErrorExamples {
		k.Examples = append(k.Examples, d.ExternalEntitlementID)
	}
}

// Plus adds up the counts of records that match; differences are told when
// both are known.
func (c *Correlation) Plus(d Correlation) {
	c.Checked += d.Checked
	c.Expected, c.Found = c.Expected.Plus(d.Expected), c.Found.Plus(d.Found)
}

// Sort brings the kinds into their order and leaves no null in JSON.
func (c *Correlation) Sort() {
	c.Kinds = append([]DifferenceKind{}, c.Kinds...)
	slices.SortStableFunc(c.Kinds, func(a, b DifferenceKind) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Result, b.Result))
	})
	c.Differences = append([]Difference{}, c.Differences...)
}

// Says puts the differences into a sentence with counts by kind and examples;
// empty if there is nothing to tell.
func (c *Correlation) Says() string {
	var parts, kinds []string
	if c.Differing > 0 {
		parts = append(parts, fmt.Sprintf("%d of %d migrated records differ at the target from the file", c.Differing, c.Checked))
	}
	if c.Extra > 0 {
		parts = append(parts, fmt.Sprintf("the target has %d more under the file's ids than were migrated", c.Extra))
	}
	for _, k := range c.Kinds {
		kinds = append(kinds, k.says())
	}
	if len(kinds) > 0 {
		parts = append(parts, strings.Join(kinds, ", "))
	}
	if c.Since > 0 {
		parts = append(parts, fmt.Sprintf("%d that were not migrated are there all the same", c.Since))
	}
	return strings.Join(parts, "; ")
}

// says gives the kind's count and an example or two.
func (k *DifferenceKind) says() string {
	text := fmt.Sprintf("%d × %s", k.Count, strings.TrimPrefix(k.Result, "Error: "))
	if n := min(len(k.Examples), 2); n > 0 {
		text += " (" + strings.Join(k.Examples[:n], ", ") + ")"
	}
	return text
}

// ReconciliationFile names a file of the reconciliation that began at a time,
// such as reconciliations/20261121T220000.123Z.csv.
func ReconciliationFile(at time.Time, extension string) string {
	return ReconciliationsFolder + at.UTC().Format("20060102T150405.000Z") + extension
}

// ReconciliationsFolder holds the files of reconciliations after a run.
const ReconciliationsFolder = "reconciliations/"
