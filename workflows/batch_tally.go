package workflows

import (
	"go.temporal.io/sdk/workflow"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/limits"
	"github.com/f0a90b9a/ferry/internal/migration"
)

const (
	tallyEveryFinished = 25
	tallyEveryFailures = 5
)

// judge looks at the batch after a record has ended: whether its own streak
// stops it, and whether the root is to hear of it.
func (b *batchRun) judge() {
	b.lastMove = workflow.Now(b.ctx)
	b.sinceTally++
	t := b.tally()
	if b.control.Stop == "" && limits.RunReached(b.control.Consecutive, t.Streak.Longest) {
		c := b.control
		c.Stop = fault.CodeStoppedByLimit
		b.apply(c)
		b.send(t)
		return
	}
	if t.Outcomes.Total() == b.in.Count {
		return // the result tells it
	}
	newFailure := t.Counted > 0 && t.Counted%tallyEveryFailures == 0 && t.Counted != b.toldFailures
	if b.sinceTally >= tallyEveryFinished || newFailure {
		b.send(t)
	}
}

func (b *batchRun) send(t Tally) {
	b.sinceTally, b.toldFailures = 0, t.Counted
	b.signalRoot(signalTally, t)
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
	t := Tally{Number: b.in.Number}
	failed := make([]bool, b.in.Count)
	for i := range failed {
		out, ok := b.outcomes[b.in.First+i]
		if !ok {
			continue
		}
		t.Outcomes.Add(out.Fate, 1)
		failed[i] = countsAsFailure(out)
		t.count(out, failed[i])
	}
	t.Streak = limits.Of(b.in.First, failed)
	return t
}

func (t *Tally) count(out migration.Outcome, failed bool) {
	if failed {
		t.Counted++
	}
	if failed || out.Fate == migration.Migrated || out.Fate == migration.AlreadyMigrated {
		t.Decided++
	}
	if out.Partial() {
		t.Partial++
	}
	switch out.Fate {
	case migration.Migrated, migration.AlreadyMigrated:
		t.Migrated.Add(entitlement.StatusGroup(out.Status), 1)
	default:
		t.Groups.Add(out)
	}
}

// countsAsFailure tells a record's own failure from one that operators or the
// end of the run brought about.
func countsAsFailure(out migration.Outcome) bool {
	if out.Fate != migration.Failed {
		return false
	}
	return out.Code != fault.CodeInterrupted && out.Code != fault.CodeOperatorStopped
}
