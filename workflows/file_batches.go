package workflows

import (
	"slices"

	"go.temporal.io/sdk/workflow"

	"github.com/f0a90b9a/ferry/internal/limits"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/migrationfile"
)

// openBatch is a batch under way.
type openBatch struct {
	migrationfile.Batch
	tally Tally  // the last that was heard
	run   string // of its workflow, once it is started
}

// idle reports whether all that a batch still does is to wait for slow
// records.
func (b *openBatch) idle() bool {
	return b.tally.Waiting > 0 && b.tally.Outcomes.Total()+b.tally.Waiting == b.Count
}

// at finds a batch under way; nil if it is not.
func (r *fileRun) at(number int) *openBatch {
	for _, b := range r.open {
		if b.Number == number {
			return b
		}
	}
	return nil
}

// busy is how many batches under way have more to do than to wait.
func (r *fileRun) busy() int {
	n := 0
	for _, b := range r.open {
		if !b.idle() {
			n++
		}
	}
	return n
}

// hear takes over a tally of a batch under way; one of a batch that is over, or
// that a later one has overtaken, says nothing new.
func (r *fileRun) hear(t Tally) {
	b := r.at(t.Number)
	if b == nil || t.Sent < b.tally.Sent {
		return
	}
	b.tally = t
	r.noteDropped("")
	r.judge(r.Failures.Hear(t.Report, false, r.limits()))
}

// close takes over a batch's result.
func (r *fileRun) close(b *openBatch, t Tally) {
	r.open = slices.DeleteFunc(r.open, func(o *openBatch) bool { return o == b })
	r.Closed = r.Closed.plus(t)
	r.noteDropped("")
	r.Written.Add(b.Number, t.Wrote)
	if b.Number >= r.firstOfWave() {
		r.WaveFailed += t.Count().Failed
	}
	r.judge(r.Failures.Hear(t.Report, true, r.limits()))
}

// forget drops what was heard of a batch that is started again.
func (r *fileRun) forget(b *openBatch) {
	b.tally, b.run = Tally{}, ""
	r.Failures.Forget(b.First)
}

// judge acts on news of finished records.
func (r *fileRun) judge(t *limits.Trip) {
	r.lastMove = workflow.Now(r.ctx)
	r.trip(t)
	r.narrow()
	r.describe()
}

// plus adds a batch's counts; what the limits look at is kept elsewhere.
func (t Tally) plus(u Tally) Tally {
	sum := Tally{
		Dropped: t.Dropped + u.Dropped, Outcomes: t.Outcomes.Plus(u.Outcomes), Partial: t.Partial + u.Partial,
		Migrated: t.Migrated.Plus(u.Migrated), Steps: t.Steps.Plus(u.Steps), Groups: append(migration.Groups(nil), t.Groups...),
	}
	for _, g := range u.Groups {
		sum.Groups.AddGroup(g)
	}
	return sum
}

// total counts all batches, those under way by their last tally.
func (r *fileRun) total() Tally {
	sum := r.Closed
	for _, b := range r.open {
		sum = sum.plus(b.tally)
	}
	return sum
}
