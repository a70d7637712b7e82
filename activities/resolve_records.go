package activities

import (
	"context"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
)

// ResolveRecordsInput names records of a batch whose workflows closed without
// an outcome. No Records means all of the batch.
type ResolveRecordsInput struct {
	BatchRef
	Records           []int   `json:"records,omitempty"`
	Route             string  `json:"route,omitempty"`
	RequestsPerSecond float64 `json:"requestsPerSecond,omitempty"`
}

// ResolveRecords gives such records an outcome by reading the target: one that
// is in its right state is MIGRATED, the rest FAILED with OPERATOR_STOPPED.
func (a *Activities) ResolveRecords(ctx context.Context, in ResolveRecordsInput) ([]migration.Outcome, error) {
	ctx, stop := withPulse(ctx)
	defer stop()
	ctx = a.pace.of(ctx, in.Migration, in.Route, in.RequestsPerSecond)
	wanted := map[int]bool{}
	for _, n := range in.Records {
		wanted[n] = true
	}
	var records []stagedRecord
	err := a.eachRecord(ctx, in.BatchRef, func(r stagedRecord) error {
		if len(wanted) == 0 || wanted[r.number] {
			records = append(records, r)
		}
		return nil
	})
	if err != nil {
		return nil, fault.Activity(err)
	}
	found, err := a.findAll(ctx, records)
	if err != nil {
		return nil, fault.Activity(err)
	}
	out := make([]migration.Outcome, len(records))
	for i, r := range records {
		out[i] = a.resolve(r, found)
	}
	return out, nil
}

func (a *Activities) resolve(r stagedRecord, found map[string]entitlement.Entitlement) migration.Outcome {
	now := a.now().UTC()
	o := migration.Outcome{
		Record: r.number, ExternalEntitlementID: r.decoded.ExternalEntitlementID, Status: r.decoded.Status,
		Fate: migration.Failed, Code: fault.CodeOperatorStopped, Retryable: true, FinishedAt: &now,
		Message: "the record's workflow was ended by hand before it had an outcome",
	}
	steps := entitlement.Steps(&r.decoded, now)
	there, ok := found[r.decoded.ExternalEntitlementID]
	if !ok {
		o.Step = steps[0]
		return o
	}
	c := entitlement.Compare(&r.decoded, there, now)
	switch {
	case c.Done():
		return migration.Outcome{
			Record: o.Record, ExternalEntitlementID: o.ExternalEntitlementID, Status: o.Status,
			Fate: migration.Migrated, EntitlementID: there.EntitlementID, StepsDone: steps, FinishedAt: &now,
		}
	case c.Same():
		o.EntitlementID = there.EntitlementID
		o.StepsDone, o.Step = steps[:len(steps)-len(c.Remaining)], c.Remaining[0]
	default:
		o.Step = steps[len(steps)-1]
		o.Message += "; the target has it with other content"
	}
	return o
}
