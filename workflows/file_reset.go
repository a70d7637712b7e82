package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
)

// heirWait is the longest wait for a batch that an earlier run of the root has
// left running.
const heirWait = 5 * time.Minute

// noteReset finds out whether an operator has reset the root. The server leaves
// running what the earlier run had started, so its heir takes over each batch
// before it ends, stopped or not. A run that was reset to a later point than
// its beginning keeps to what it did before.
func (r *fileRun) noteReset() {
	if !wasReset(r.ctx) || workflow.GetVersion(r.ctx, "heir", workflow.DefaultVersion, 1) != 1 {
		return
	}
	r.Heir = true
	r.ReleasedAt = workflow.Now(r.ctx) // what the earlier run was told is old
	r.note("reset", OperatorAction{By: self, Reason: "the workflow was reset by hand; this run takes over what the earlier one did"}, "")
}

// mustImport reports whether an abort has to wait for the plan, by which an
// heir finds the batches to take over.
func (r *fileRun) mustImport() bool {
	return r.Heir && (r.phase == migration.Checking || r.phase == migration.Importing)
}

// endLeftover tells a batch of an earlier run to end after its records' current
// calls, and gives it time.
func (r *fileRun) endLeftover(ctx workflow.Context, batch, waits int) {
	c := r.control()
	c.Stop = fault.CodeOperatorStopped
	if c.Mark != "" {
		c.Leftover = workflow.GetInfo(ctx).WorkflowExecution.RunID
	}
	workflow.SignalExternalWorkflow(ctx, BatchID(r.id, batch), "", signalControl, c)
	_ = workflow.Sleep(ctx, min(leftoverWait<<min(waits, 10), heirWait))
}

// takeOver starts, stopped, the batches that a stopped heir has not come to:
// the earlier run may have begun them, and they tell what became of it.
func (r *fileRun) takeOver() {
	for r.Heir && r.Stop != "" && r.Next <= r.Batches {
		if err := r.openNext(); err != nil {
			r.block(r.ctx, "the plan can't be read", err)
			continue
		}
		_ = workflow.Await(r.ctx, func() bool { return len(r.open) < r.Settings.Concurrency.Batches })
	}
	_ = workflow.Await(r.ctx, func() bool { return len(r.open) == 0 })
}
