package workflows

import (
	"time"

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
	Marks     marks   `json:"marks,omitempty"` // search attributes that the namespace has

	RetryBudgetSeconds int `json:"retryBudgetSeconds"`
	HoldAfterSeconds   int `json:"holdAfterSeconds"`
}

// Tally is how far a batch has come: its signal to the root, and, final, its
// result. It is always the whole count, so a later one replaces an earlier.
type Tally struct {
	stamp

	Number   int                  `json:"number"`
	Outcomes migration.Outcomes   `json:"outcomes"`
	Partial  int                  `json:"partial"`
	Migrated migration.ByGroup    `json:"migrated"`          // by status group
	Steps    migration.StepCounts `json:"steps"`             // done and failed
	Groups   migration.Groups     `json:"groups"`            // of what was not migrated
	Waiting  int                  `json:"waiting,omitempty"` // under way for over a minute
	Sent     int                  `json:"sent"`              // how many were sent before: signals can overtake each other
	Dropped  int                  `json:"dropped,omitempty"` // messages to it and its records that were none of the run's

	// Wrote is the checksum of the batch's outcomes: in its result alone, and
	// empty where a worker of an earlier release wrote them.
	Wrote string `json:"wrote,omitempty"`

	limits.Report // of what counts for the limits
}

// MigrateBatch migrates a batch's records, each in a child workflow, and
// leaves their outcomes in the work bucket.
func MigrateBatch(ctx workflow.Context, in MigrateBatchInput) (*Tally, error) {
	if err := checkBatchParent(workflow.GetInfo(ctx), in); err != nil {
		return nil, err
	}
	b := newBatchRun(ctx, in)
	workflow.Go(b.ctx, b.listen)
	if err := b.load(); err != nil {
		return nil, err
	}
	b.migrate()
	wrote, err := b.settle()
	if err != nil {
		return nil, err
	}
	tally := b.tally()
	tally.Wrote = wrote
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
	book     *limits.Batch
	sent     int   // tallies
	lost     []int // record numbers whose workflow closed without an outcome
	open     map[int]*openRecord
	over     bool // no record is under way or will be
	dropped  int  // messages that were none of the run's

	lastMove time.Time // when a record ended last
}

// openRecord is a record under way.
type openRecord struct {
	workflowID string
	since      time.Time // when it was started, or the run last went on
	slow       bool      // it has waited for long: others need not wait for it
}

func newBatchRun(ctx workflow.Context, in MigrateBatchInput) *batchRun {
	calls, _ := workflow.NewDisconnectedContext(ctx)
	b := &batchRun{
		in: in, ctx: calls, control: in.Control, book: limits.NewBatch(in.First, in.Count),
		lastMove: workflow.Now(ctx),
		known:    map[int]bool{}, outcomes: map[int]migration.Outcome{}, open: map[int]*openRecord{},
	}
	workflow.Go(calls, func(own workflow.Context) {
		ctx.Done().Receive(own, nil)
		b.apply(Control{
			stamp: b.control.stamp, At: b.control.At, Number: b.control.Number, Stop: fault.CodeOperatorStopped,
			Width: b.control.Width, Consecutive: b.control.Consecutive,
		})
	})
	return b
}

// load reads the batch's references, and which of its records the target has.
func (b *batchRun) load() error {
	if err := b.insistOnStore(activities.LoadBatchName, b.in.BatchRef, &b.records); err != nil {
		return err
	}
	if b.control.Stop != "" && !b.again() {
		return nil
	}
	var known []int
	in := activities.LookUpBatchInput{BatchRef: b.in.BatchRef, Route: b.in.Route, RequestsPerSecond: b.control.RequestsPerSecond}
	// What a batch has not begun to write, a stop need not wait for.
	if err := b.insist(activities.LookUpBatchName, in, &known, !b.again()); err != nil {
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
	workflow.Go(b.ctx, b.age)
	workflow.Go(b.ctx, b.catchUp)
	for _, rec := range b.records {
		_ = workflow.Await(b.ctx, func() bool { return b.control.Stop != "" || (!b.control.Hold && b.mayStart()) })
		if b.control.Stop != "" {
			break
		}
		b.start(rec)
	}
	_ = workflow.Await(b.ctx, func() bool { return len(b.open) == 0 })
	b.over = true
}

// mayStart reports whether the width has room for another record. Slow ones
// leave theirs to others, up to as many again.
func (b *batchRun) mayStart() bool {
	return len(b.open)-b.slow() < b.control.Width && len(b.open) < 2*b.control.Width
}

func (b *batchRun) start(rec activities.BatchRecord) {
	id := EntitlementID(b.in.Route, rec.ExternalEntitlementID)
	b.open[rec.Record] = &openRecord{workflowID: id, since: workflow.Now(b.ctx)}
	seen := b.changes
	child := b.launch(b.ctx, rec)
	workflow.Go(b.ctx, func(ctx workflow.Context) {
		out, err := b.see(ctx, rec, child, seen)
		delete(b.open, rec.Record)
		b.finish(rec, out, err)
	})
}

func (b *batchRun) launch(ctx workflow.Context, rec activities.BatchRecord) workflow.ChildWorkflowFuture {
	return workflow.ExecuteChildWorkflow(withEntitlement(ctx, b.in, rec), MigrateEntitlementName, b.childInput(rec))
}

func (b *batchRun) childInput(rec activities.BatchRecord) MigrateEntitlementInput {
	return MigrateEntitlementInput{
		RecordRef: activities.RecordRef{
			Migration: b.in.Migration, Record: rec.Record, ExternalEntitlementID: rec.ExternalEntitlementID,
			At: rec.At, Batch: b.in.At,
		},
		Route: b.in.Route, Status: rec.Status, Steps: rec.Steps,
		Look: b.known[rec.Record] || wasReset(b.ctx), Restarted: b.again(), Behaviour: b.in.Behaviour,
		RunMark: b.in.Control.Mark, Resumes: b.control.Resumes,
		RequestsPerSecond:  b.control.RequestsPerSecond,
		RetryBudgetSeconds: b.in.RetryBudgetSeconds, HoldAfterSeconds: b.in.HoldAfterSeconds,
	}
}

// finish takes over what became of a record.
func (b *batchRun) finish(rec activities.BatchRecord, out migration.Outcome, err error) {
	switch {
	case err == nil, fault.Outcome(err, &out):
		b.keep(out, rec.Record)
	case inTheWay(err) && (b.control.Stop == "" || !b.again()):
		b.keep(elsewhere(rec), rec.Record)
	default:
		b.lost = append(b.lost, rec.Record)
	}
	b.judge()
}

// keep takes an outcome over.
func (b *batchRun) keep(out migration.Outcome, record int) {
	b.dropped, out.Dropped = b.dropped+out.Dropped, 0
	b.outcomes[record] = out
	switch {
	case countsAsFailure(out):
		b.book.Failed(record)
	case carried(out):
		b.book.Passed()
	default:
		b.book.Uncounted()
	}
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

// settle gives every record that was touched an outcome, writes them down, and
// gives the checksum of what was written.
func (b *batchRun) settle() (string, error) {
	if err := b.resolveLost(); err != nil {
		return "", err
	}
	in := activities.WriteOutcomesInput{BatchRef: b.in.BatchRef, Code: b.control.Stop}
	for _, rec := range b.records {
		if out, ok := b.outcomes[rec.Record]; ok {
			in.Outcomes = append(in.Outcomes, out)
		}
	}
	var written activities.WriteOutcomesResult
	err := b.insistOnStore(activities.WriteOutcomesName, in, &written)
	return written.Sum, err
}

// resolveLost reads the target for records whose workflow left no outcome. In
// a batch that was started again and then stopped, those are also the records
// that the target has and this batch did not come to.
func (b *batchRun) resolveLost() error {
	lost := b.lost
	if b.again() {
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
		b.keep(out, out.Record)
	}
	return nil
}
