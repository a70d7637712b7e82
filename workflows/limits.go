package workflows

import (
	"fmt"

	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/limits"
	"github.com/f0a90b9a/ferry/internal/migration"
)

// checkLimits decides, at each tally and each batch's end, whether too much
// has failed.
func (r *fileRun) checkLimits() {
	if r.Tripped != nil || r.Stop != "" {
		return
	}
	l, t := r.Settings.Limits, r.total()
	longest, first := r.InOrder.Longest()
	switch {
	case limits.RunReached(l.Consecutive, longest):
		r.trip(migration.Tripped{Rule: migration.RuleConsecutive, First: first, Last: first + l.Consecutive - 1})
	case limits.RateReached(l.ErrorRate, l.MinSample, t.Counted, t.Decided):
		r.trip(migration.Tripped{Rule: migration.RuleErrorRate})
	case limits.CapReached(l.MaxFailures, t.Counted):
		r.trip(migration.Tripped{Rule: migration.RuleMaxFailures})
	}
}

// trip stops the run for a limit.
func (r *fileRun) trip(t migration.Tripped) {
	r.Tripped = &t
	r.stop(fault.CodeStoppedByLimit, r.explain(t))
}

func (r *fileRun) explain(t migration.Tripped) string {
	l, total := r.Settings.Limits, r.total()
	switch t.Rule {
	case migration.RuleConsecutive:
		return fmt.Sprintf("records %d to %d failed one after the other (limit: %d in a row)", t.First, t.Last, l.Consecutive)
	case migration.RuleErrorRate:
		return fmt.Sprintf("%d of %d finished records failed (limit: %.3g %%)", total.Counted, total.Decided, 100*l.ErrorRate)
	case migration.RuleMaxFailures:
		return fmt.Sprintf("%d records failed (limit: %d)", total.Counted, l.MaxFailures)
	}
	return fmt.Sprintf("%d of the %d records of wave %d (records %d to %d) failed: the rest would fare no better",
		r.WaveFailed, r.wave().Records, r.wave().Number, t.First, t.Last)
}
