package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/f0a90b9a/ferry/internal/migration"
)

// settle waits until nothing of the migration can be under way any more:
// before that, what the target shows need not be the end of it.
func (r *rebuildRun) settle() error {
	quiet := r.in.ClosedAt.Add(time.Duration(r.in.SettleSeconds * float64(time.Second)))
	wait := quiet.Sub(workflow.Now(r.ctx))
	if wait <= 0 {
		return nil
	}
	goOn := r.pause("calls of the migration may be under way until " + quiet.UTC().Format(time.RFC3339))
	err := workflow.Sleep(r.ctx, wait)
	goOn()
	return err
}

// reading is for passes over the whole migration, tried for some minutes.
func (r *rebuildRun) reading() workflow.Context {
	return withReading(r.ctx, max(r.sum.Settings.HoldAfter(), time.Minute))
}

// insist runs an activity until it succeeds, outages outlasted.
func (r *rebuildRun) insist(ctx workflow.Context, name string, in, out any) error {
	again := func() error { return workflow.NewContinueAsNewError(r.ctx, RebuildReportsName, r.in) }
	return aftermath{again: again, pause: r.pause}.outlast(ctx, name, in, out)
}

// pause shows that the workflow waits, and for what, until goOn is called.
func (r *rebuildRun) pause(reason string) (goOn func()) {
	phase, before := r.sum.Phase, r.sum.Reason
	r.sum.Reason = reason
	r.enter(migration.Paused)
	return func() {
		r.sum.Reason = before
		r.enter(phase)
	}
}

// enter begins a phase, and shows it in the Temporal UI, which costs no event.
func (r *rebuildRun) enter(p migration.Phase) {
	r.sum.Phase = p
	show(r.ctx, details(&r.sum, nil, ""))
}
