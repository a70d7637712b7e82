package workflows

import (
	"fmt"
	"strings"

	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/limits"
	"github.com/f0a90b9a/ferry/internal/migration"
)

func (r *fileRun) limits() limits.Limits {
	l := r.Settings.Limits
	return limits.Limits{
		Rules:       limits.Rules{ErrorRate: l.ErrorRate, MinSample: l.MinSample, MaxFailures: l.MaxFailures},
		Consecutive: l.Consecutive,
	}
}

// recheckLimits looks at the limits after they were changed.
func (r *fileRun) recheckLimits() {
	r.trip(r.Failures.Check(r.limits()))
	r.narrow()
}

// trip stops the run for a limit that was reached; nil is none.
func (r *fileRun) trip(t *limits.Trip) {
	if t == nil || r.Tripped != nil || r.Stop != "" {
		return
	}
	r.Tripped = &migration.Tripped{Rule: string(t.Rule), First: t.First, Last: t.Last}
	r.stopFor(*r.Tripped, t.At)
}

// tripWave stops the run because a wave did not do well.
func (r *fileRun) tripWave() {
	first := r.waveStart()
	r.Tripped = &migration.Tripped{Rule: migration.RuleCanary, First: first, Last: first + r.wave().Records - 1}
	r.stopFor(*r.Tripped, r.Failures.Count())
}

func (r *fileRun) stopFor(t migration.Tripped, at limits.Count) {
	why := r.explain(t, at)
	r.note("stop", OperatorAction{By: self, Reason: why}, t.Rule)
	r.stop(fault.CodeStoppedByLimit, why)
}

// explain says which rule it was, which records, and what to do.
func (r *fileRun) explain(t migration.Tripped, at limits.Count) string {
	l := r.Settings.Limits
	var what string
	switch t.Rule {
	case migration.RuleConsecutive:
		what = fmt.Sprintf("records %d to %d failed one after the other (limit: %d in a row)", t.First, t.Last, l.Consecutive)
		if t.First == t.Last {
			what = fmt.Sprintf("record %d failed (limit: %d in a row)", t.First, l.Consecutive)
		}
	case migration.RuleErrorRate:
		what = fmt.Sprintf("%d of %d finished records failed (limit: %.3g %%)", at.Failed, at.Finished, 100*l.ErrorRate)
	case migration.RuleMaxFailures:
		what = fmt.Sprintf("%d records failed (limit: %d)", at.Failed, l.MaxFailures)
	default:
		what = fmt.Sprintf("%d of the %d records of wave %d (records %d to %d) failed: the rest would fare no better",
			r.waveFailed(), r.wave().Records, r.wave().Number, t.First, t.Last)
	}
	return what + r.mostly() + "; look into " + migration.FileErrors + ", repair the cause, then 'ferry reload " + r.id +
		"' takes up what is left; '--only not-attempted' leaves out what failed and can't be repaired"
}

// mostly names what failed most, with examples.
func (r *fileRun) mostly() string {
	groups := r.total().Groups.Top()
	if len(groups) == 0 {
		return ""
	}
	g := groups[0]
	return fmt.Sprintf(", most failures are %s at %s (%d, e.g. %s)", g.Code, g.Step, g.Count, strings.Join(g.Examples, ", "))
}

// narrow lets less be under way the nearer a limit is, so that a trip finds
// less of it.
func (r *fileRun) narrow() {
	if n := limits.Narrow(r.Narrow, r.limits().Used(r.Failures.Count())); n != r.Narrow {
		r.Narrow = n
		r.broadcast()
	}
}
