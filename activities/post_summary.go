package activities

import (
	"context"

	"go.temporal.io/sdk/activity"

	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
)

// PostSummaryInput names a migration that is over.
type PostSummaryInput struct {
	Migration string `json:"migration"`
}

// maxSummaryBytes bounds summary.json: some hundred error examples, audit
// entries and files.
const maxSummaryBytes = 1 << 20

// PostSummary posts summary.json as it was written to whom the worker's
// configuration names. The message's id is the run's, so that a receiver
// knows a repeat. Faults: NOTIFY_FAILED, STORE_FAULT.
func (a *Activities) PostSummary(ctx context.Context, in PostSummaryInput) error {
	ctx, stopPulse := withPulse(ctx)
	defer stopPulse()
	return fault.Activity(a.postSummary(ctx, in, activity.GetInfo(ctx).WorkflowExecution.RunID))
}

func (a *Activities) postSummary(ctx context.Context, in PostSummaryInput, id string) error {
	if a.notifier == nil {
		// Another worker may have it: the setting was made by one that did.
		return &fault.Fault{Kind: fault.Retryable, Code: fault.CodeNotifyFailed, Message: "this worker has no notify.url"}
	}
	body, _, err := a.store.Read(ctx, a.store.Work(migration.Key(in.Migration, migration.FileSummary)), maxSummaryBytes)
	if err != nil {
		return err
	}
	return a.notifier.Send(ctx, id, body)
}
