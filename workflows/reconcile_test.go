package workflows

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"github.com/f0a90b9a/ferry/activities"
	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
)

// reconcileBundle is a past migration of so many batches of ten records.
type reconcileBundle struct {
	*testsuite.TestWorkflowEnvironment
	batches int
	second  int                         // seconds before the second look
	again   map[int]activities.Look     // by first batch: what differs there
	err     func(activity string) error // what an activity fails with

	calls   []string
	looked  []activities.LookAtBatchesInput
	written activities.WriteReconciliationInput
	wroteAt time.Time
}

func reconcileEnv(t *testing.T) *reconcileBundle {
	t.Helper()
	b := &reconcileBundle{TestWorkflowEnvironment: quietEnv(), batches: 3, second: 10, again: map[int]activities.Look{}}
	RegisterWorkflows(b)
	b.SetTestTimeout(time.Minute)
	on := func(name string, f any) { b.RegisterActivityWithOptions(f, activity.RegisterOptions{Name: name}) }
	on(activities.OpenReconciliationName, func(context.Context, activities.OpenReconciliationInput) (*activities.OpenReconciliationResult, error) {
		return &activities.OpenReconciliationResult{
			Route: "acme-nova", Records: 10 * b.batches, Batches: b.batches, RequestsPerSecond: 7, SecondLookSeconds: b.second,
		}, b.call(activities.OpenReconciliationName)
	})
	on(activities.LookAtBatchesName, func(_ context.Context, in activities.LookAtBatchesInput) (*activities.Look, error) {
		if err := b.call(activities.LookAtBatchesName); err != nil {
			return nil, err
		}
		b.looked = append(b.looked, in)
		n := 10 * (in.To - in.From + 1)
		look := b.again[in.From]
		look.Looked = n
		look.Right = migration.Correlation{Checked: n - len(look.Again), Expected: migration.ByGroup{Active: n - len(look.Again)}}
		return &look, nil
	})
	on(activities.WriteReconciliationName, func(_ context.Context, in activities.WriteReconciliationInput) (*migration.Reconciliation, error) {
		b.written, b.wroteAt = in, b.Now()
		done := in.Reconciliation
		done.Phase = migration.Done
		return &done, b.call(activities.WriteReconciliationName)
	})
	on(activities.ProbeTargetName, func(context.Context) error { return b.call(activities.ProbeTargetName) })
	return b
}

func (b *reconcileBundle) call(name string) error {
	b.calls = append(b.calls, name)
	if b.err == nil {
		return nil
	}
	return b.err(name)
}

func (b *reconcileBundle) start() {
	b.SetStartWorkflowOptions(clientOptions(ReconcileID("acme-1")))
	b.ExecuteWorkflow(ReconcileMigrationName, ReconcileMigrationInput{Migration: "acme-1"})
}

func (b *reconcileBundle) run(t *testing.T) migration.Reconciliation {
	t.Helper()
	b.start()
	require.NoError(t, b.GetWorkflowError())
	var r migration.Reconciliation
	require.NoError(t, b.GetWorkflowResult(&r))
	return r
}

// progress asks the workflow while it runs.
func (b *reconcileBundle) progress(t *testing.T) migration.Reconciliation {
	t.Helper()
	var r migration.Reconciliation
	value, err := b.QueryWorkflow(QueryProgress)
	require.NoError(t, err)
	require.NoError(t, value.Get(&r))
	return r
}

func TestReconciliationOfWhatIsRight(t *testing.T) {
	t.Parallel()
	b := reconcileEnv(t)
	began := b.Now()
	r := b.run(t)
	require.Equal(t, []string{activities.OpenReconciliationName, activities.LookAtBatchesName, activities.WriteReconciliationName}, b.calls)
	require.Equal(t, []activities.LookAtBatchesInput{
		{Migration: "acme-1", Route: "acme-nova", From: 1, To: 3, RequestsPerSecond: 7},
	}, b.looked)
	require.InDelta(t, 7, b.written.RequestsPerSecond, 0)
	require.Equal(t, []int{30, 30, 30}, []int{r.Records, r.Looked, r.Checked})
	require.Equal(t, migration.AgainstTarget, r.Against)
	require.Equal(t, "acme-nova", r.Route)
	require.False(t, r.StartedAt.Before(began.Truncate(time.Millisecond)))
	require.Less(t, b.wroteAt.Sub(began), 10*time.Second, "there is nothing to look at again")
}

// What differs is looked at again only after the wait, and said meanwhile.
func TestReconciliationWaitsForItsSecondLook(t *testing.T) {
	t.Parallel()
	b := reconcileEnv(t)
	b.batches, b.second = 250, 600
	b.again[1] = activities.Look{Again: []int{7, 9}}
	b.again[201] = activities.Look{Again: []int{2001}, Rest: &activities.Stretch{First: 2002, Last: 2500}}
	began := b.Now()
	b.RegisterDelayedCallback(func() {
		r := b.progress(t)
		require.Equal(t, migration.Reconciling, r.Phase)
		require.Contains(t, r.Reason, "3 records or more are looked at again at")
		require.Equal(t, 2500, r.Looked)
	}, 5*time.Minute)
	r := b.run(t)
	require.Len(t, b.looked, 3)
	require.Equal(t, activities.SecondLook{Again: []int{7, 9, 2001}, Rest: []activities.Stretch{{First: 2002, Last: 2500}}}, b.written.SecondLook)
	require.False(t, b.wroteAt.Before(began.Add(10*time.Minute)))
	require.Equal(t, 2497, r.Checked)
}

// The history is bounded however large the file is.
func TestReconciliationOfManyBatches(t *testing.T) {
	t.Parallel()
	b := reconcileEnv(t)
	b.batches = 2_000_001
	require.Equal(t, 20_000_010, b.run(t).Checked)
	require.Len(t, b.looked, workPages)
	next := 1
	for _, in := range b.looked {
		require.Equal(t, next, in.From)
		next = in.To + 1
	}
	require.Equal(t, 2_000_002, next)
}

func TestReconciliationWaitsForATargetThatIsAway(t *testing.T) {
	t.Parallel()
	b := reconcileEnv(t)
	back := b.Now().Add(24 * hour)
	b.err = func(name string) error {
		if b.Now().Before(back) && (name == activities.LookAtBatchesName || name == activities.ProbeTargetName) {
			return fault.Activity(&fault.Fault{Kind: fault.Retryable, Code: fault.CodeServiceUnavailable, Message: "down"})
		}
		return nil
	}
	b.RegisterDelayedCallback(func() {
		r := b.progress(t)
		require.Equal(t, migration.Paused, r.Phase)
		require.Contains(t, r.Reason, "SERVICE_UNAVAILABLE: down")
	}, 12*hour)
	r := b.run(t)
	require.False(t, b.Now().Before(back))
	require.Equal(t, 30, r.Checked)
	require.Empty(t, r.Reason)
}

func TestReconciliationBeginsAnewBeforeItsHistoryIsLong(t *testing.T) {
	t.Parallel()
	b := reconcileEnv(t)
	b.SetContinueAsNewSuggested(true)
	b.err = failsAt(activities.LookAtBatchesName, fault.Fault{Kind: fault.Retryable, Code: fault.CodeStoreFault, Message: "away"})
	b.start()
	var again *workflow.ContinueAsNewError
	require.ErrorAs(t, b.GetWorkflowError(), &again)
	require.Equal(t, ReconcileMigrationName, again.WorkflowType.Name)
}

func TestReconciliationFailsForWhatWaitingCannotHelp(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		at, code string
		kind     fault.Kind
	}{
		{activities.OpenReconciliationName, fault.CodeBadInput, fault.Final},
		{activities.LookAtBatchesName, fault.CodeUnauthorized, fault.Unauthorized},
		{activities.WriteReconciliationName, fault.CodeStoreFault, fault.Final},
	} {
		t.Run(c.at, func(t *testing.T) {
			t.Parallel()
			b := reconcileEnv(t)
			b.err = failsAt(c.at, fault.Fault{Kind: c.kind, Code: c.code, Message: "no"})
			b.start()
			var app *temporal.ApplicationError
			require.ErrorAs(t, b.GetWorkflowError(), &app)
			require.Equal(t, c.code, app.Type())
			require.True(t, app.NonRetryable())
			require.Equal(t, c.at, b.calls[len(b.calls)-1], "nothing is done after it")
		})
	}
}

func TestReconciliationMayBeCancelled(t *testing.T) {
	t.Parallel()
	b := reconcileEnv(t)
	b.second, b.again[1] = 3600, activities.Look{Again: []int{7}}
	b.RegisterDelayedCallback(b.CancelWorkflow, time.Minute)
	b.start()
	require.True(t, temporal.IsCanceledError(b.GetWorkflowError()))
	require.NotContains(t, b.calls, activities.WriteReconciliationName)
}
