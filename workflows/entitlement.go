package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/f0a90b9a/ferry/activities"
	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
)

// MigrateEntitlementInput is one record, by reference.
type MigrateEntitlementInput struct {
	activities.RecordRef
	Route     string             `json:"route"`
	Status    entitlement.Status `json:"status"`
	Steps     []entitlement.Step `json:"steps"`
	Look      bool               `json:"look,omitempty"`      // the target had its external id when the batch began
	Restarted bool               `json:"restarted,omitempty"` // its batch was started again: what is found may be this run's
	Behaviour int                `json:"behaviour"`
	RunMark   string             `json:"runMark,omitempty"` // by which it knows the messages of its batch
	Resumes   int                `json:"resumes,omitempty"` // of the run, before the record began

	RequestsPerSecond  float64 `json:"requestsPerSecond,omitempty"`
	RetryBudgetSeconds int     `json:"retryBudgetSeconds"`
	HoldAfterSeconds   int     `json:"holdAfterSeconds"`
}

// MigrateEntitlement carries one record through its steps. A record that
// fails, fails this workflow: the error's type is the code, its details are
// the outcome.
func MigrateEntitlement(ctx workflow.Context, in MigrateEntitlementInput) (migration.Outcome, error) {
	if err := checkRecordParent(workflow.GetInfo(ctx), in); err != nil {
		return migration.Outcome{}, err
	}
	r := newRecordRun(ctx, in)
	out := r.run()
	if out.Fate == migration.Failed {
		return migration.Outcome{}, fault.Record(out.Code, out.Message, out)
	}
	return out, nil
}

// recordRun is the state of one record's workflow.
type recordRun struct {
	in      MigrateEntitlementInput
	ctx     workflow.Context // cancelled by hand: see stopped
	calls   workflow.Context // disconnected: a call under way is finished
	control workflow.ReceiveChannel
	start   time.Time

	id        string // the target's, once known to be this record's
	done      []entitlement.Step
	remaining []entitlement.Step
	wrote     bool // this run has changed something at the target
	unclear   bool // a call may have taken effect
	accepted  bool // the current step was answered 202
	attempts  int  // of the current step
	refusals  int  // of these, how many in a row were turned away while echo passed
	called    time.Time

	heard   Control // the last
	held    bool
	stop    string
	dropped int // messages that were none of the run's
}

func newRecordRun(ctx workflow.Context, in MigrateEntitlementInput) *recordRun {
	calls, _ := workflow.NewDisconnectedContext(ctx)
	return &recordRun{
		in: in, ctx: ctx, calls: calls,
		control:   workflow.GetSignalChannel(ctx, signalControl),
		start:     workflow.GetInfo(ctx).WorkflowStartTime,
		remaining: in.Steps,
		heard:     Control{Resumes: in.Resumes},
	}
}

func (r *recordRun) run() migration.Outcome {
	for len(r.remaining) > 0 {
		r.attempts, r.refusals, r.accepted = 0, 0, false
		if out := r.step(r.remaining[0]); out != nil {
			return *out
		}
	}
	fate := migration.Migrated
	if !r.wrote {
		fate = migration.AlreadyMigrated
	}
	return r.outcome(fate)
}

// step takes the record one step further; an outcome ends the record.
func (r *recordRun) step(step entitlement.Step) *migration.Outcome {
	began := workflow.Now(r.ctx)
	patience := newPatience(r, began)
	res, f := r.try(withQuick, step)
	for f != nil {
		if out := r.judge(step, f, patience); out != nil {
			return out
		}
		res, f = r.try(withOneAttempt, step)
	}
	r.advance(res)
	return nil
}

// try makes one attempt, or with withQuick a few.
func (r *recordRun) try(with func(workflow.Context) workflow.Context, step entitlement.Step) (*activities.PerformStepResult, *fault.Fault) {
	in := activities.PerformStepInput{
		RecordRef: r.in.RecordRef, Route: r.in.Route, Step: step, EntitlementID: r.id,
		Accepted: r.accepted, Unclear: r.unclear,
		RequestsPerSecond: r.in.RequestsPerSecond, RunMark: r.in.RunMark,
	}
	r.attempts++
	r.called = workflow.Now(r.ctx)
	ctx := with(r.calls)
	var res activities.PerformStepResult
	var err error
	if r.attempts == 1 {
		err = workflow.ExecuteLocalActivity(ctx, activities.PerformStepName, in).Get(ctx, &res)
	} else {
		err = workflow.ExecuteActivity(ctx, activities.PerformStepName, in).Get(ctx, &res)
	}
	if err != nil {
		return nil, fault.FromActivity(err)
	}
	return &res, nil
}

// judge decides what a fault means: an outcome, or, by returning nil after a
// wait, another attempt.
func (r *recordRun) judge(step entitlement.Step, f *fault.Fault, p *patience) *migration.Outcome {
	r.unclear = r.unclear || f.Unclear
	if f.Code == fault.CodeStillPending || f.Made {
		r.id, r.accepted, r.wrote = f.EntitlementID, true, true
	}
	switch f.Kind {
	case fault.Final:
		return r.failed(step, f.Code, f, false)
	case fault.Unauthorized:
		r.describe(whyHeld(f), f.Message)
		r.report(step, f, r.called)
		r.awaitRelease(p)
	default:
		if r.turnedAway(f) {
			return r.failed(step, f.Code, f, false)
		}
		if p.spent(f) {
			return r.failed(step, exhausted(f), f, true)
		}
		p.wait(step, f)
	}
	if r.stop != "" {
		return r.interrupted(step, f)
	}
	return nil
}

// maxRefusals is how often in a row a call is made that something before the
// target turns away while echo passes: a page may go as it came.
const maxRefusals = 5

// turnedAway counts refusals of this record's call alone, and reports whether
// they are so many that waiting can't help.
func (r *recordRun) turnedAway(f *fault.Fault) bool {
	if !f.Alone {
		r.refusals = 0
		return false
	}
	r.refusals++
	return r.refusals >= maxRefusals
}

func whyHeld(f *fault.Fault) string {
	if f.Code == fault.CodeUnauthorized {
		return "Held: the target refuses the credentials"
	}
	return "Held: every call is turned away before it reaches the target"
}

func exhausted(f *fault.Fault) string {
	switch f.Code {
	case fault.CodeStillPending, fault.CodeStoreFault:
		return f.Code
	}
	return fault.CodeTargetUnavailable
}

// advance takes over what a step has reached.
func (r *recordRun) advance(res *activities.PerformStepResult) {
	r.id, r.done, r.remaining = res.EntitlementID, res.Done, res.Remaining
	r.unclear = false
	// What the target had before the batch began is not this run's work; what
	// appeared since can only be.
	if !res.Found || !r.in.Look || r.in.Restarted {
		r.wrote = true
	}
}

// outcome fills in what every outcome tells.
func (r *recordRun) outcome(fate migration.Fate) migration.Outcome {
	start, end := r.start.UTC(), workflow.Now(r.ctx).UTC()
	return migration.Outcome{
		Record: r.in.Record, ExternalEntitlementID: r.in.ExternalEntitlementID, Fate: fate,
		Status: r.in.Status, EntitlementID: r.id, StepsDone: r.done, Attempts: r.attempts, Dropped: r.dropped,
		StartedAt: &start, FinishedAt: &end,
	}
}

func (r *recordRun) failed(step entitlement.Step, code string, f *fault.Fault, retryable bool) *migration.Outcome {
	out := r.outcome(migration.Failed)
	out.Step, out.Code, out.HTTPStatus, out.Retryable = step, code, f.HTTPStatus, retryable
	out.Message = f.Message
	if code != f.Code {
		out.Message = "gave up waiting; last answer " + f.Code + ": " + f.Message
	}
	return &out
}

// interrupted is the outcome of a record that was waiting when the run ended:
// not attempted if nothing can have been done for it, else failed on account
// of nobody.
func (r *recordRun) interrupted(step entitlement.Step, f *fault.Fault) *migration.Outcome {
	if !r.wrote && !r.unclear {
		out := r.outcome(migration.NotAttempted)
		out.Step, out.Code, out.Message, out.Retryable = step, r.stop, migration.WhyNotAttempted(r.stop), true
		out.EntitlementID, out.StepsDone = "", nil
		return &out
	}
	code := fault.CodeInterrupted
	if r.stop == fault.CodeOperatorStopped {
		code = r.stop
	}
	out := r.outcome(migration.Failed)
	out.Step, out.Code, out.HTTPStatus, out.Retryable = step, code, f.HTTPStatus, true
	out.Message = "stopped while waiting to try again; last answer " + f.Code + ": " + f.Message
	return &out
}
