package workflows

import (
	"errors"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/f0a90b9a/ferry/activities"
	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/limits"
	"github.com/f0a90b9a/ferry/internal/migration"
)

// MigrateBatchInput is some consecutive records of a staged file.
type MigrateBatchInput struct {
	activities.BatchRef
	Route     string  `json:"route"`
	Control   Control `json:"control"` // as it was when the batch was started
	Restarted bool    `json:"restarted,omitempty"`
	Behaviour int     `json:"behaviour"`

	RetryBudgetSeconds int `json:"retryBudgetSeconds"`
	HoldAfterSeconds   int `json:"holdAfterSeconds"`
}

// Tally is how far a batch has come: its signal to the root, and, final, its
// result. It is always the whole count, so a later one replaces an earlier.
type Tally struct {
	Number   int                `json:"number"`
	Outcomes migration.Outcomes `json:"outcomes"`
	Partial  int                `json:"partial"`
	Counted  int                `json:"counted"`  // failed records that count for the limits
	Decided  int                `json:"decided"`  // finished records that count for the limits
	Migrated migration.ByGroup  `json:"migrated"` // by status group
	Streak   limits.Streak      `json:"streak"`   // of failures that count
	Groups   migration.Groups   `json:"groups"`   // of what was not migrated
}

// MigrateBatch migrates a batch's records, each in a child workflow, and
// leaves their outcomes in the work bucket.
func MigrateBatch(ctx workflow.Context, in MigrateBatchInput) (*Tally, error) {
	b := newBatchRun(ctx, in)
	workflow.Go(b.ctx, b.listen)
	if err := b.load(); err != nil {
		return nil, err
	}
	b.migrate()
	if err := b.settle(); err != nil {
		return nil, err
	}
	tally := b.tally()
	return &tally, nil
}

// batchRun is the state of one batch's workflow.
type batchRun struct {
	in      MigrateBatchInput
	ctx     workflow.Context // disconnected: a cancelled batch stops in order
	control Control
	changes int // of control, so that a child just started learns what it missed

	records  []activities.BatchRecord
	known    map[int]bool // record numbers that the target had when the batch began
	outcomes map[int]migration.Outcome
	lost     []int // record numbers whose workflow closed without an outcome
	open     map[int]string

	sinceTally   int
	toldFailures int
	lastMove     time.Time // when a record ended last
}

func newBatchRun(ctx workflow.Context, in MigrateBatchInput) *batchRun {
	calls, _ := workflow.NewDisconnectedContext(ctx)
	b := &batchRun{
		in: in, ctx: calls, control: in.Control,
		lastMove: workflow.Now(ctx),
		known:    map[int]bool{}, outcomes: map[int]migration.Outcome{}, open: map[int]string{},
	}
	workflow.Go(calls, func(own workflow.Context) {
		ctx.Done().Receive(own, nil)
		b.apply(Control{Stop: fault.CodeAborted, Width: b.control.Width, Consecutive: b.control.Consecutive})
	})
	return b
}

// load reads the batch's references, and which of its records the target has.
func (b *batchRun) load() error {
	if err := quickThenPatient(b.ctx, activities.LoadBatchName, b.in.BatchRef, &b.records); err != nil {
		return err
	}
	if b.control.Stop != "" && !b.in.Restarted {
		return nil
	}
	var known []int
	in := activities.LookUpBatchInput{BatchRef: b.in.BatchRef, Route: b.in.Route, RequestsPerSecond: b.control.RequestsPerSecond}
	// What a batch has not begun to write, a stop need not wait for.
	if err := b.insist(activities.LookUpBatchName, in, &known, !b.in.Restarted); err != nil {
		return err
	}
	for _, n := range known {
		b.known[n] = true
	}
	return nil
}

// migrate starts a child for each record, as many at once as the width allows,
// and waits for all that were started.
func (b *batchRun) migrate() {
	for _, rec := range b.records {
		_ = workflow.Await(b.ctx, func() bool {
			return b.control.Stop != "" || (!b.control.Hold && len(b.open) < b.control.Width)
		})
		if b.control.Stop != "" {
			break
		}
		b.start(rec)
	}
	_ = workflow.Await(b.ctx, func() bool { return len(b.open) == 0 })
}

func (b *batchRun) start(rec activities.BatchRecord) {
	id := EntitlementID(b.in.Route, rec.ExternalEntitlementID)
	b.open[rec.Record] = id
	seen := b.changes
	child := workflow.ExecuteChildWorkflow(withEntitlement(b.ctx, id), MigrateEntitlementName, b.childInput(rec))
	workflow.Go(b.ctx, func(ctx workflow.Context) {
		out, err := b.await(ctx, child, id, seen)
		for try := 0; b.inTheWay(err) && try < leftoverTries; try++ {
			_ = workflow.Sleep(ctx, leftoverWait)
			seen = b.changes
			child = workflow.ExecuteChildWorkflow(withEntitlement(ctx, id), MigrateEntitlementName, b.childInput(rec))
			out, err = b.await(ctx, child, id, seen)
		}
		delete(b.open, rec.Record)
		b.finish(rec, out, err)
	})
}

// await waits for a record's end. A control that came between its start and
// now has missed it, and is told again.
func (b *batchRun) await(ctx workflow.Context, child workflow.ChildWorkflowFuture, id string, seen int) (migration.Outcome, error) {
	if child.GetChildWorkflowExecution().Get(ctx, nil) == nil && b.changes != seen {
		b.tell(id)
	}
	var out migration.Outcome
	err := child.Get(ctx, &out)
	return out, err
}

const (
	leftoverTries = 5
	leftoverWait  = 2 * time.Second
)

// inTheWay reports whether a record could not be started because its workflow
// of this batch's earlier run is still being ended by the server.
func (b *batchRun) inTheWay(err error) bool {
	var another *temporal.ChildWorkflowExecutionAlreadyStartedError
	return b.in.Restarted && b.control.Stop == "" && errors.As(err, &another)
}

func (b *batchRun) childInput(rec activities.BatchRecord) MigrateEntitlementInput {
	return MigrateEntitlementInput{
		RecordRef: activities.RecordRef{
			Migration: b.in.Migration, Record: rec.Record, ExternalEntitlementID: rec.ExternalEntitlementID,
			At: rec.At, Batch: b.in.At,
		},
		Route: b.in.Route, Status: rec.Status, Steps: rec.Steps,
		Look: b.known[rec.Record], Restarted: b.in.Restarted, Behaviour: b.in.Behaviour,
		RequestsPerSecond:  b.control.RequestsPerSecond,
		RetryBudgetSeconds: b.in.RetryBudgetSeconds, HoldAfterSeconds: b.in.HoldAfterSeconds,
	}
}

// finish takes over what became of a record.
func (b *batchRun) finish(rec activities.BatchRecord, out migration.Outcome, err error) {
	var another *temporal.ChildWorkflowExecutionAlreadyStartedError
	switch {
	case err == nil, fault.Outcome(err, &out):
		b.outcomes[rec.Record] = out
	case errors.As(err, &another):
		b.outcomes[rec.Record] = elsewhere(rec)
	default:
		b.lost = append(b.lost, rec.Record)
	}
	b.judge()
}

func elsewhere(rec activities.BatchRecord) migration.Outcome {
	return migration.Outcome{
		Record: rec.Record, ExternalEntitlementID: rec.ExternalEntitlementID, Status: rec.Status,
		Fate: migration.NotAttempted, Step: firstStep(rec.Steps), Code: fault.CodeInAnotherMigration,
		Message: migration.WhyNotAttempted(fault.CodeInAnotherMigration), Retryable: true,
	}
}

func firstStep(steps []entitlement.Step) entitlement.Step {
	if len(steps) == 0 {
		return ""
	}
	return steps[0]
}

// settle gives every record that was touched an outcome and writes them down.
func (b *batchRun) settle() error {
	if err := b.resolveLost(); err != nil {
		return err
	}
	in := activities.WriteOutcomesInput{BatchRef: b.in.BatchRef, Code: b.control.Stop}
	for _, rec := range b.records {
		if out, ok := b.outcomes[rec.Record]; ok {
			in.Outcomes = append(in.Outcomes, out)
		}
	}
	return quickThenPatient(b.ctx, activities.WriteOutcomesName, in, nil)
}

// resolveLost reads the target for records whose workflow left no outcome. In
// a batch that was started again and then stopped, those are also the records
// that the target has and this batch did not come to.
func (b *batchRun) resolveLost() error {
	lost := b.lost
	if b.in.Restarted {
		for _, rec := range b.records {
			if _, ok := b.outcomes[rec.Record]; !ok && b.known[rec.Record] {
				lost = append(lost, rec.Record)
			}
		}
	}
	if len(lost) == 0 {
		return nil
	}
	var outs []migration.Outcome
	in := activities.ResolveRecordsInput{
		BatchRef: b.in.BatchRef, Route: b.in.Route, Records: lost, RequestsPerSecond: b.control.RequestsPerSecond,
	}
	if err := b.insist(activities.ResolveRecordsName, in, &outs, false); err != nil {
		return err
	}
	for _, out := range outs {
		b.outcomes[out.Record] = out
	}
	return nil
}
