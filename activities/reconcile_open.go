package activities

import (
	"context"
	"fmt"

	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
)

// OpenReconciliationInput names a migration that is over.
type OpenReconciliationInput struct {
	Migration string `json:"migration"`
}

// OpenReconciliationResult is what a reconciliation of it goes by.
type OpenReconciliationResult struct {
	Route             string  `json:"route"`
	Records           int     `json:"records"`
	Batches           int     `json:"batches"`
	RequestsPerSecond float64 `json:"requestsPerSecond"` // as the migration ran
	SecondLookSeconds int     `json:"secondLookSeconds"` // as this worker is configured
}

// OpenReconciliation reads from the work bucket alone what a past migration was,
// so that it may be forgotten by Temporal. Faults: BAD_INPUT (final) for a
// migration that is not over, sent nothing or was purged, or that went to
// another target than this worker's; STORE_FAULT.
func (a *Activities) OpenReconciliation(ctx context.Context, in OpenReconciliationInput) (*OpenReconciliationResult, error) {
	ctx, stop := withPulse(ctx)
	defer stop()
	heartbeat(ctx, nil)
	res, err := a.openReconciliation(ctx, in.Migration)
	if err != nil {
		return nil, fault.Activity(err)
	}
	return res, nil
}

func (a *Activities) openReconciliation(ctx context.Context, id string) (*OpenReconciliationResult, error) {
	var plan Plan
	var summary migration.Summary
	planned, err := a.readJSON(ctx, id, migration.FilePlan, &plan)
	if err != nil {
		return nil, err
	}
	summarised, err := a.readJSON(ctx, id, migration.FileSummary, &summary)
	if err != nil {
		return nil, err
	}
	why, err := a.purged(ctx, id)
	switch {
	case err != nil:
		return nil, err
	case why != "":
	case !planned:
		why = "it ended before its import did: nothing was sent to the target"
	case plan.Settings.DryRun:
		why = "it was a dry run: nothing was sent to the target"
	case summary.Result == migration.Rejected:
		why = "its file was rejected: nothing was sent to the target"
	case !summarised:
		why = "it has no summary, so that it may still run"
	case plan.Settings.Environment != a.defaults.Environment:
		why = fmt.Sprintf("it went to the target %q, and the workers reach %q", plan.Settings.Environment, a.defaults.Environment)
	}
	if why != "" {
		return nil, &fault.Fault{Kind: fault.Final, Code: fault.CodeBadInput, Message: fmt.Sprintf(
			"migration %s can't be reconciled: %s", id, why)}
	}
	there, err := a.filesThere(ctx, id)
	if err != nil {
		return nil, err
	}
	if err := sameFiles(id, summary.Files, there); err != nil {
		return nil, err
	}
	return &OpenReconciliationResult{
		Route: plan.Route, Records: plan.Records, Batches: plan.Batches,
		RequestsPerSecond: summary.Settings.RequestsPerSecond, SecondLookSeconds: a.defaults.SecondLookSeconds,
	}, nil
}
