package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/limits"
	"github.com/f0a90b9a/ferry/internal/migration"
)

// judge looks at the batch after a record has ended: whether its own streak
// stops it, and whether the root is to hear of it.
func (b *batchRun) judge() {
	b.lastMove = workflow.Now(b.ctx)
	t := b.tally()
	b.describe(t)
	switch {
	case b.control.Stop == "" && limits.RunReached(b.control.Consecutive, t.Streak.Longest):
		c := b.control
		c.Stop = fault.CodeStoppedByLimit
		b.apply(c)
		b.send(t)
	case t.Outcomes.Total() < b.in.Count && b.book.News(): // at its end the result tells it
		b.send(t)
	}
}

// heldNews is how long a hold lasts before the root is told what has ended
// since the last tally: most of what was in flight has, by then.
const heldNews = 5 * time.Second

// catchUp tells the root of what ended since the last tally when the run is
// held, so that nobody looks at old counts for as long as that lasts.
func (b *batchRun) catchUp(ctx workflow.Context) {
	for {
		_ = workflow.Await(ctx, func() bool { return b.over || b.control.Hold && b.book.Untold() })
		if b.over {
			return
		}
		_, _ = workflow.AwaitWithTimeout(ctx, heldNews, func() bool { return b.over || !b.control.Hold })
		if !b.over && b.control.Hold {
			b.send(b.tally())
		}
	}
}

func (b *batchRun) send(t Tally) {
	b.book.Told()
	t.stamp, t.Sent = b.stamp(), b.sent
	b.sent++
	b.signalRoot(signalTally, t)
}

// stamp is what the root knows the batch's messages by.
func (b *batchRun) stamp() stamp {
	if b.in.Control.Mark == "" {
		return stamp{}
	}
	return stamp{Mark: b.in.Control.Mark, Run: firstRun(workflow.GetInfo(b.ctx))}
}

// signalRoot tells the root something; a root that is gone needs no telling.
func (b *batchRun) signalRoot(name string, msg any) {
	if parent := workflow.GetInfo(b.ctx).ParentWorkflowExecution; parent != nil {
		workflow.SignalExternalWorkflow(b.ctx, parent.ID, parent.RunID, name, msg)
	}
}

// tally counts the batch. Records without an outcome count once the batch is
// over: they were not attempted.
func (b *batchRun) tally() Tally {
	t := Tally{Number: b.in.Number, Waiting: b.slow(), Dropped: b.dropped, Report: b.book.Report()}
	for i := range b.in.Count {
		if out, ok := b.outcomes[b.in.First+i]; ok {
			t.add(out)
		}
	}
	return t
}

func (t *Tally) add(out migration.Outcome) {
	t.Outcomes.Add(out.Fate, 1)
	if out.Partial() {
		t.Partial++
	}
	t.Steps.Add(out)
	if carried(out) {
		t.Migrated.Add(entitlement.StatusGroup(out.Status), 1)
	} else {
		t.Groups.Add(out)
	}
}

// carried reports whether a record was carried to its end.
func carried(out migration.Outcome) bool {
	return out.Fate == migration.Migrated || out.Fate == migration.AlreadyMigrated
}

// countsAsFailure tells a record's own failure from one that operators or the
// end of the run brought about.
func countsAsFailure(out migration.Outcome) bool {
	if out.Fate != migration.Failed {
		return false
	}
	return out.Code != fault.CodeInterrupted && out.Code != fault.CodeOperatorStopped
}
