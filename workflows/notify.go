package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/f0a90b9a/ferry/activities"
	"github.com/f0a90b9a/ferry/internal/fault"
)

// NotifyCompletionInput names a migration that is over.
type NotifyCompletionInput struct {
	Migration string `json:"migration"`
}

// NotifyCompletion tells another system that a migration is over. It outlives
// the root, so that a receiver that is away delays nobody's result, and fails
// with NOTIFY_FAILED after a day of trying.
func NotifyCompletion(ctx workflow.Context, in NotifyCompletionInput) error {
	show(ctx, "Posts summary.json to notify.url, and tries again for a day.")
	err := workflow.ExecuteActivity(withDelivery(ctx), activities.PostSummaryName,
		activities.PostSummaryInput{Migration: in.Migration}).Get(ctx, nil)
	if err != nil {
		return fault.Run(fault.FromActivity(err))
	}
	return nil
}

// withDelivery is for a receiver that may be away for a night.
func withDelivery(ctx workflow.Context) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout:    callTimeout,
		HeartbeatTimeout:       callHeartbeat,
		ScheduleToCloseTimeout: 24 * time.Hour,
		RetryPolicy:            &temporal.RetryPolicy{InitialInterval: time.Second, MaximumInterval: 10 * time.Minute},
	})
}

// notify has another system told, once the summary is written. A message that
// is under way already, of a root that was reset, is enough.
func (r *fileRun) notify() {
	if !r.Settings.Notify {
		return
	}
	child := workflow.ExecuteChildWorkflow(withNotice(r.ctx, r.id), NotifyCompletionName, NotifyCompletionInput{Migration: r.id})
	_ = child.GetChildWorkflowExecution().Get(r.ctx, nil)
}
