package migrationfile

import (
	"slices"
	"time"

	"github.com/f0a90b9a/ferry/internal/entitlement"
)

// fate says in a byte what is to become of a sound record, for counting: the
// place of its expected status in statuses, twice, and 1 more if it was ever
// active. Its steps depend on no more than that.
type fate uint8

var statuses = entitlement.AllStatuses()

func fateOf(r *entitlement.Record, now time.Time) fate {
	f := fate(2 * slices.Index(statuses, entitlement.ExpectedStatus(r, now))) //nolint:gosec // a sound record's status is known
	if r.DateActivated != nil {
		f++
	}
	return f
}

// tally counts sound records by fate.
type tally [256]int

// into adds up statuses and steps.
func (t *tally) into(r *Result) {
	for f, n := range t {
		if n == 0 {
			continue
		}
		like := entitlement.Record{Status: statuses[f/2]}
		if f%2 == 1 {
			like.DateActivated = new(time.Time)
		}
		r.Statuses[like.Status] += n
		for _, step := range entitlement.Steps(&like, time.Time{}) {
			r.Steps[step] += n
		}
	}
}
