package migrator

import (
	"context"
	"strings"
	"time"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
)

// Migrator carries records to one target, a step at a time.
type Migrator struct {
	target Target
	now    func() time.Time
}

// New gives a Migrator for a target; now is its clock.
func New(target Target, now func() time.Time) *Migrator {
	return &Migrator{target: target, now: now}
}

// Task is one step of one record.
type Task struct {
	Route  string
	Record *entitlement.Record
	Step   entitlement.Step
	// EntitlementID is the target's id, known from an earlier step.
	EntitlementID string
	// Accepted says that the target has already accepted this step (202): it is
	// polled, not called again.
	Accepted bool
	// Unclear says that an earlier call of this step may have taken effect, or
	// may be under way still.
	Unclear bool
}

// Result is where a record stands after a step.
type Result struct {
	EntitlementID string
	Done          []entitlement.Step // done at the target, in order
	Remaining     []entitlement.Step // still to do, in order
	// Found says that the target had the entitlement before this run wrote
	// anything for it.
	Found bool
}

// Do carries out one step, or finds that it was done before. The error is a
// *fault.Fault whose message is free of the record's own values:
// TARGET_DIFFERS and ENTITLEMENT_NOT_FOUND are made here, STILL_PENDING
// (retryable) asks to come back with Accepted, the rest is the target's.
func (m *Migrator) Do(ctx context.Context, t Task) (Result, error) {
	res, err := m.do(ctx, t)
	if err != nil {
		return Result{}, scrubbed(err, t.Record)
	}
	return res, nil
}

func (m *Migrator) do(ctx context.Context, t Task) (Result, error) {
	if t.Accepted && t.EntitlementID != "" {
		return m.poll(ctx, t)
	}
	if t.Step == entitlement.Create {
		return m.create(ctx, t)
	}
	return m.advance(ctx, t)
}

// create makes the entitlement, unless the target has it. What it made is
// never made again, however odd the answer. It always looks
// first: nobody can know that no create was sent before, by a worker that was
// lost with the answer or by an earlier migration, and a target may have
// forgotten its request identifiers and take an external id twice. Callers keep
// two runs from one entitlement, so that nothing comes between look and create.
func (m *Migrator) create(ctx context.Context, t Task) (Result, error) {
	if t.Record.EntitlementID != "" {
		return m.resume(ctx, t)
	}
	found, alike, err := m.find(ctx, t.Record)
	if err != nil {
		return Result{}, err
	}
	if len(found) > 0 {
		return m.takeUp(t, found)
	}
	if err := lookalike(t.Record, alike); err != nil {
		return Result{}, err
	}
	made, err := m.target.Create(ctx, RequestID(t.Route, t.Record, t.Step, ""), t.Record)
	if err != nil {
		return m.recheckCreate(ctx, t, err)
	}
	if others := contradictions(t.Record, made); len(others) > 0 {
		return Result{}, madeOther(made.EntitlementID,
			"the target has created this entitlement with another "+strings.Join(others, ", "))
	}
	if !made.Settled {
		return Result{}, stillPending(made.EntitlementID)
	}
	return m.after(t, made.EntitlementID), nil
}

// resume takes up a record that names its entitlement, as partial records of a
// reload do. One that the target doesn't know is never created anew.
func (m *Migrator) resume(ctx context.Context, t Task) (Result, error) {
	found, err := m.target.Get(ctx, t.Record.EntitlementID)
	if f, ok := fault.As(err); ok && f.Code == fault.CodeNotFound {
		return Result{}, inOwnWords(&fault.Fault{
			Kind: fault.Final, Code: fault.CodeEntitlementNotFound, HTTPStatus: f.HTTPStatus,
			Message: "the target does not know the record's entitlementId", Cause: err,
		})
	}
	if err != nil {
		return Result{}, err
	}
	return m.takeUp(t, []entitlement.Entitlement{found})
}

// advance takes an entitlement one step further.
func (m *Migrator) advance(ctx context.Context, t Task) (Result, error) {
	answer, err := m.call(ctx, t)
	if err != nil {
		return m.recheckStep(ctx, t, err)
	}
	if !answer.Settled {
		return Result{}, stillPending(t.EntitlementID)
	}
	return m.after(t, t.EntitlementID), nil
}

func (m *Migrator) call(ctx context.Context, t Task) (entitlement.Entitlement, error) {
	r := t.Record
	request := RequestID(t.Route, r, t.Step, t.EntitlementID)
	switch t.Step {
	case entitlement.Activate:
		return m.target.Activate(ctx, request, t.EntitlementID, at(r.DateActivated))
	case entitlement.Suspend:
		return m.target.Suspend(ctx, request, t.EntitlementID, at(r.DateSuspended))
	case entitlement.Cancel:
		return m.target.Cancel(ctx, request, t.EntitlementID, ending(r))
	case entitlement.Revoke:
		return m.target.Revoke(ctx, request, t.EntitlementID, ending(r))
	default: // Create included: it has a road of its own
		return entitlement.Entitlement{}, inOwnWords(&fault.Fault{
			Kind: fault.Final, Code: fault.CodeUnexpected, Message: "no call is known for step " + string(t.Step),
		})
	}
}

func at(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}

func ending(r *entitlement.Record) Ending {
	return Ending{
		At: at(r.DateEnded), ReasonCategory: r.ReasonCategory,
		ReasonCode: r.ReasonCode, ReasonDescription: r.ReasonDescription,
	}
}

// poll reads an entitlement that the target was at work on. One that has
// settled without the step is called again: what was accepted came to nothing,
// or was somebody else's call.
func (m *Migrator) poll(ctx context.Context, t Task) (Result, error) {
	found, err := m.target.Get(ctx, t.EntitlementID)
	if err != nil {
		return Result{}, err
	}
	res, err := m.judge(t, found)
	if err != nil {
		return Result{}, err
	}
	if !found.Settled {
		return Result{}, stillPending(t.EntitlementID)
	}
	if contains(res.Remaining, t.Step) {
		return m.advance(ctx, t)
	}
	res.Found = false
	return res, nil
}

func stillPending(id string) error {
	return inOwnWords(&fault.Fault{
		Kind: fault.Retryable, Code: fault.CodeStillPending, HTTPStatus: 202, EntitlementID: id, Unclear: true,
		Message: "the target has accepted the call and not finished it",
	})
}

// after is the result of a step just done.
func (m *Migrator) after(t Task, entitlementID string) Result {
	steps := entitlement.Steps(t.Record, m.now())
	for i, s := range steps {
		if s == t.Step {
			return Result{EntitlementID: entitlementID, Done: steps[:i+1], Remaining: steps[i+1:]}
		}
	}
	return Result{EntitlementID: entitlementID, Done: steps}
}
