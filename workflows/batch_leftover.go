package workflows

import (
	"errors"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/f0a90b9a/ferry/activities"
	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
)

// A leftover is a record's workflow that an earlier run of its batch has begun
// and that is still there: the server is just ending it, because that run was
// terminated, or it runs on, because that run was reset.
const (
	leftoverTries = 8
	leftoverWait  = 2 * time.Second // and twice as long each time, to a minute: in all longer than any call
)

// wasReset reports whether an operator has reset this workflow. What its
// earlier run began after the point of reset goes on or is done, and is not in
// its history. It may decide what a child is told, but not which commands are
// given: the part of the history that is kept was made without it.
func wasReset(ctx workflow.Context) bool {
	info := workflow.GetInfo(ctx)
	return info.OriginalRunID != "" && info.OriginalRunID != info.WorkflowExecution.RunID
}

// again reports whether an earlier run of this batch may have begun records of
// it.
func (b *batchRun) again() bool { return b.in.Restarted || wasReset(b.ctx) }

// see waits for a record's end. A leftover in its way is ended first.
func (b *batchRun) see(
	ctx workflow.Context, rec activities.BatchRecord, child workflow.ChildWorkflowFuture, seen int,
) (migration.Outcome, error) {
	id := EntitlementID(b.in.Route, rec.ExternalEntitlementID)
	out, err := b.await(ctx, child, id, seen)
	for try := 0; try < leftoverTries && inTheWay(err) && b.control.Stop == "" && b.mayLeave(); try++ {
		b.endLeftover(id)
		_ = workflow.Sleep(ctx, min(leftoverWait<<try, longWait))
		seen = b.changes
		child = b.launch(ctx, rec)
		out, err = b.await(ctx, child, id, seen)
	}
	return out, err
}

// await waits for a workflow's end. A control that came between its start and
// now has missed it, and is told again.
func (b *batchRun) await(
	ctx workflow.Context, child workflow.ChildWorkflowFuture, id string, seen int,
) (migration.Outcome, error) {
	if child.GetChildWorkflowExecution().Get(ctx, nil) == nil && b.changes != seen {
		b.tell(id)
	}
	var out migration.Outcome
	err := child.Get(ctx, &out)
	return out, err
}

// inTheWay reports whether a record could not be started because its id is
// taken, by another migration or by a leftover.
func inTheWay(err error) bool {
	var taken *temporal.ChildWorkflowExecutionAlreadyStartedError
	return errors.As(err, &taken)
}

// mayLeave reports whether what is in the way may be a leftover. A run that was
// reset to after it had found a record in the way decides as it did then.
func (b *batchRun) mayLeave() bool {
	return b.in.Restarted || wasReset(b.ctx) && workflow.GetVersion(b.ctx, "leftovers", workflow.DefaultVersion, 1) == 1
}

// endLeftover tells a leftover to end after its current call. A record of
// another migration doesn't listen to it.
func (b *batchRun) endLeftover(id string) {
	c := b.control
	c.Stop = fault.CodeOperatorStopped
	if c.Mark != "" {
		c.Leftover = workflow.GetInfo(b.ctx).WorkflowExecution.RunID
	}
	b.signalRecord(id, c)
}

// recordControl is the control as records get it. The id of a record's workflow
// is the same in every migration, so it says whose it is.
type recordControl struct {
	Control

	Migration string `json:"migration,omitempty"`
}

func (b *batchRun) signalRecord(id string, c Control) {
	workflow.SignalExternalWorkflow(b.ctx, id, "", signalControl, recordControl{Control: c, Migration: b.in.Migration})
}
