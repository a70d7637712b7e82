package activities

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migrationfile"
	"github.com/f0a90b9a/ferry/internal/migrator"
)

// RecordRef says where a record's bytes are. It holds nothing of the record
// but its external id.
type RecordRef struct {
	Migration             string `json:"migration"`
	Record                int    `json:"record"` // from 1
	ExternalEntitlementID string `json:"externalEntitlementId"`
	At                    Range  `json:"at"`    // in records.ndjson
	Batch                 Range  `json:"batch"` // what is read and cached at once
}

// PerformStepInput is one step of one record.
type PerformStepInput struct {
	RecordRef
	Route             string           `json:"route"`
	Step              entitlement.Step `json:"step"`
	EntitlementID     string           `json:"entitlementId,omitempty"` // once it is known
	Accepted          bool             `json:"accepted,omitempty"`      // answered 202 before: poll
	Unclear           bool             `json:"unclear,omitempty"`       // an earlier call may have taken effect
	RequestsPerSecond float64          `json:"requestsPerSecond,omitempty"`
	RunMark           string           `json:"runMark,omitempty"` // of the migration's run; runs of the first behaviour have none
}

// PerformStepResult is where the record stands after the step.
type PerformStepResult struct {
	EntitlementID string             `json:"entitlementId"`
	Done          []entitlement.Step `json:"done"`
	Remaining     []entitlement.Step `json:"remaining"`
	Found         bool               `json:"found,omitempty"` // the target had it before
}

// PerformStep makes one lifecycle call for one record, or finds that it was
// made before, for records of a migration that may write alone. Run locally it fails so that only quick retries follow; run as
// an ordinary activity it fails once, and the workflow decides. Faults: the
// target's, TARGET_DIFFERS, ENTITLEMENT_NOT_FOUND, STILL_PENDING, BAD_INPUT, the
// store's.
// A fault with Made names what a create has made: it is polled from then on.
func (a *Activities) PerformStep(ctx context.Context, in PerformStepInput) (*PerformStepResult, error) {
	ctx, stopPulse := withPulse(ctx)
	defer stopPulse()
	began := time.Now()
	res, err := a.performStep(ctx, in)
	info := activity.GetInfo(ctx)
	a.meter.Step(StepAttempt{
		Step: in.Step, Took: time.Since(began), Err: err, Found: err == nil && res.Found,
		Again: info.Attempt > 1 || !info.IsLocalActivity, // the first attempt is a local one
	})
	if err == nil {
		return res, nil
	}
	if info.IsLocalActivity {
		return nil, fault.Quick(err)
	}
	return nil, fault.Once(err)
}

func (a *Activities) performStep(ctx context.Context, in PerformStepInput) (*PerformStepResult, error) {
	if err := a.mayWrite(ctx, writer{in.Migration, in.Route, in.RunMark}); err != nil {
		return nil, err
	}
	record, err := a.record(ctx, in.RecordRef)
	if err != nil {
		return nil, err
	}
	res, err := a.migrator.Do(a.pace.of(ctx, in.Migration, in.Route, in.RequestsPerSecond), migrator.Task{
		Route: in.Route, Record: record, Step: in.Step, EntitlementID: in.EntitlementID, Accepted: in.Accepted,
		Unclear: in.Unclear || activity.GetInfo(ctx).Attempt > 1,
	})
	if err != nil {
		return nil, err
	}
	return &PerformStepResult{
		EntitlementID: res.EntitlementID, Done: res.Done, Remaining: res.Remaining, Found: res.Found,
	}, nil
}

// record reads and decodes a staged record. It must be the one whose workflow
// asks: that workflow's id keeps others from the same entitlement, and from no
// other.
func (a *Activities) record(ctx context.Context, ref RecordRef) (*entitlement.Record, error) {
	line, err := a.ranges.record(ctx, ref.Migration, ref.Batch, ref.At)
	if err != nil {
		return nil, err
	}
	r, err := migrationfile.Decode(line)
	if err != nil || r.ExternalEntitlementID != ref.ExternalEntitlementID {
		return nil, a.stagedFault(ref.Migration, ref.Batch, ref.Record)
	}
	return &r, nil
}
