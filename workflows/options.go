package workflows

import (
	"fmt"
	"strings"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/f0a90b9a/ferry/activities"
	"github.com/f0a90b9a/ferry/internal/entitlement"
)

// callTimeout is longer than any one call of an activity: the target's
// request timeout is at most a minute, and a step may need a read besides.
const callTimeout = 3 * time.Minute

// callHeartbeat is when a call's worker counts as lost.
const callHeartbeat = 10 * time.Second

// withCheck is for looking before the leap: an operator waits for the answer,
// and nothing is taken yet, so it gives up after some minutes.
func withCheck(ctx workflow.Context) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout:    callTimeout,
		HeartbeatTimeout:       callHeartbeat,
		ScheduleToCloseTimeout: 5 * time.Minute,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval: time.Second, MaximumInterval: 15 * time.Second, MaximumAttempts: 8,
		},
	})
}

// passHeartbeat is when the worker of a pass over a whole file counts as lost.
const passHeartbeat = 30 * time.Second

// withLong is for passes over a whole file. They report by heartbeat; waiting for a store or target that
// is away is not failing, so they are tried until they succeed or are
// cancelled.
func withLong(ctx workflow.Context) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 7 * 24 * time.Hour,
		HeartbeatTimeout:    passHeartbeat,
		WaitForCancellation: true,
		RetryPolicy:         patient(),
	})
}

// withReading is withLong for passes that read the target: tried for as long as
// an outage is to last before the run holds itself.
func withReading(ctx workflow.Context, limit time.Duration) workflow.Context {
	policy := patient()
	policy.MaximumAttempts = attemptsWithin(policy, limit)
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 7 * 24 * time.Hour,
		HeartbeatTimeout:    passHeartbeat,
		WaitForCancellation: true,
		RetryPolicy:         policy,
	})
}

// attemptsWithin is how many attempts a policy makes until its waits add up to
// a limit.
func attemptsWithin(p *temporal.RetryPolicy, limit time.Duration) int32 {
	attempts := int32(1)
	for wait := p.InitialInterval; limit > 0; wait = min(2*wait, p.MaximumInterval) {
		limit -= wait
		attempts++
	}
	return attempts
}

// withPatient is for short calls that must succeed in the end.
func withPatient(ctx workflow.Context) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: callTimeout,
		HeartbeatTimeout:    callHeartbeat,
		RetryPolicy:         patient(),
	})
}

// withLimit is withPatient for so long and no longer.
func withLimit(ctx workflow.Context, limit time.Duration) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout:    callTimeout,
		HeartbeatTimeout:       callHeartbeat,
		ScheduleToCloseTimeout: limit,
		RetryPolicy:            patient(),
	})
}

// withOneAttempt is for a step that has used up its quick retries: the
// workflow itself waits between attempts, where it can hear a control signal.
func withOneAttempt(ctx workflow.Context) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: callTimeout,
		HeartbeatTimeout:    callHeartbeat,
		RetryPolicy:         &temporal.RetryPolicy{MaximumAttempts: 1},
	})
}

// withQuick is for the usual case, in which a call succeeds at once: a local
// activity costs one event, and a few quick retries ride out a hiccup.
func withQuick(ctx workflow.Context) workflow.Context {
	return workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{
		StartToCloseTimeout: callTimeout,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval: 200 * time.Millisecond, BackoffCoefficient: 3, MaximumAttempts: 3,
		},
	})
}

// withProbe is for asking a target that is away whether it is back: often
// enough to lose no time, rarely enough to be no burden.
func withProbe(ctx workflow.Context) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: callTimeout,
		HeartbeatTimeout:    callHeartbeat,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval: 5 * time.Second, MaximumInterval: 30 * time.Second, MaximumAttempts: 1_000_000, // a year
		},
	})
}

func patient() *temporal.RetryPolicy {
	return &temporal.RetryPolicy{InitialInterval: time.Second, MaximumInterval: time.Minute}
}

// withBatch starts a batch. One that an operator ended may be started again
// under its id.
func withBatch(ctx workflow.Context, in MigrateBatchInput) workflow.Context {
	return workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
		WorkflowID:            BatchID(in.Migration, in.Number),
		ParentClosePolicy:     enums.PARENT_CLOSE_POLICY_TERMINATE,
		WorkflowIDReusePolicy: enums.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		WorkflowTaskTimeout:   workflow.GetInfo(ctx).WorkflowTaskTimeout, // the SDK would take the server's
		TypedSearchAttributes: temporal.NewSearchAttributes(in.Marks.of(in.Migration, in.Route)...),
		StaticSummary:         fmt.Sprintf("records %d to %d", in.First, in.First+in.Count-1),
	})
}

// withNotice starts the workflow that tells of a migration's end, which goes on
// when the migration is over.
func withNotice(ctx workflow.Context, migrationID string) workflow.Context {
	return workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
		WorkflowID:            NotifyID(migrationID),
		ParentClosePolicy:     enums.PARENT_CLOSE_POLICY_ABANDON,
		WorkflowIDReusePolicy: enums.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		StaticSummary:         "tells of the migration's end",
	})
}

// withEntitlement starts a record's workflow. Its id is the entitlement's in
// every migration: a later run may use it again, two at once may not.
func withEntitlement(ctx workflow.Context, in MigrateBatchInput, rec activities.BatchRecord) workflow.Context {
	return workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
		WorkflowID:            EntitlementID(in.Route, rec.ExternalEntitlementID),
		ParentClosePolicy:     enums.PARENT_CLOSE_POLICY_TERMINATE,
		WorkflowIDReusePolicy: enums.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		WorkflowTaskTimeout:   workflow.GetInfo(ctx).WorkflowTaskTimeout, // the SDK would take the server's
		TypedSearchAttributes: temporal.NewSearchAttributes(in.Marks.of(in.Migration, in.Route)...),
		StaticSummary:         fmt.Sprintf("record %d, %s: %s", rec.Record, rec.Status, listed(rec.Steps)),
	})
}

// listed names steps in their order.
func listed(steps []entitlement.Step) string {
	names := make([]string, len(steps))
	for i, s := range steps {
		names[i] = string(s)
	}
	return strings.Join(names, ", ")
}
