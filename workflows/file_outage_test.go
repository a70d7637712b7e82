package workflows

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"github.com/f0a90b9a/ferry/activities"
	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
)

func sick() error {
	return &fault.Fault{Kind: fault.Retryable, Code: fault.CodeInternalError, HTTPStatus: 500, Message: "report: status 500"}
}

// actions are those of an audit trail.
func actions(s Summary) []string {
	out := []string{}
	for _, a := range s.Audit {
		out = append(out, a.Action)
	}
	return out
}

// A record whose look never succeeds, though the target answers its echo, waits
// out its own budget and fails; the others are migrated, and nothing is held
// for it and let go again.
func TestOneRecordsTroubleHoldsNobody(t *testing.T) {
	t.Parallel()
	o := outageEnv(t)
	o.settings.Limits.Consecutive = 10
	o.OnActivity(activities.PerformStepName, mock.Anything, mock.Anything).Return(
		func(_ context.Context, in activities.PerformStepInput) (*activities.PerformStepResult, error) {
			if in.Record == 97 {
				return nil, fault.Once(sick())
			}
			return &activities.PerformStepResult{EntitlementID: "id", Done: []entitlement.Step{entitlement.Create}}, nil
		})
	sum := o.run(t)
	require.Equal(t, map[migration.Fate]int{migration.Migrated: fileRecords - 1, migration.Failed: 1}, o.fates)
	require.NotContains(t, actions(sum), "hold")
	require.NotContains(t, actions(sum), "release")
	require.Contains(t, actions(sum), "wait")
	require.Contains(t, sum.Audit[0].Reason, "record 97")
	require.Contains(t, sum.Audit[0].Reason, "INTERNAL_ERROR")
	require.LessOrEqual(t, len(sum.Audit), 8, "once each two minutes of a budget of fifteen")
}

// reconciling is a run whose reconciliation fails until it is mended, at a
// target that answers its echo.
func reconciling(t *testing.T, err func() error) *fileBundle {
	t.Helper()
	b := fileEnv(t)
	b.settings.Reconcile, b.settings.HoldAfterSeconds = true, 120
	b.RegisterActivityWithOptions(func(context.Context) error { return nil }, activity.RegisterOptions{Name: activities.ProbeTargetName})
	b.OnActivity(activities.ReconcileName, mock.Anything, mock.Anything).Return(
		func(context.Context, activities.ReconcileInput) (*activities.ReconcileResult, error) {
			if err := err(); err != nil {
				return nil, fault.Activity(err)
			}
			return &activities.ReconcileResult{Checked: fileRecords}, nil
		})
	return b
}

// A pass over the file that fails though the target answers its echo says what
// it waits for, is tried again by itself, ever more rarely, and in the end by an
// operator alone.
func TestAPassThatFailsSaysWhyItWaits(t *testing.T) {
	t.Parallel()
	for name, trouble := range map[string]error{
		"INTERNAL_ERROR: report: status 500 (the target answers its echo": sick(),
		"STORE_FAULT: away (the work bucket can't be read":                &fault.Fault{Kind: fault.Retryable, Code: fault.CodeStoreFault, Message: "away"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			repaired := false
			b := reconciling(t, func() error {
				if repaired {
					return nil
				}
				return trouble
			})
			b.RegisterDelayedCallback(func() {
				s := b.query(t)
				require.Equal(t, migration.Paused, s.Phase)
				require.Contains(t, s.Reason, "Reconcile: "+name)
				require.Contains(t, s.Reason, "tried again at")
				repaired = true
			}, 20*time.Minute)
			began := b.Now()
			sum := b.run(t)
			require.Equal(t, migration.Completed, sum.Result)
			require.Empty(t, sum.Reason, "not what it waited for")
			require.Less(t, b.Now().Sub(began), hour)
			require.LessOrEqual(t, len(sum.Audit), 12)
		})
	}
}

func TestAPassThatNeverSucceedsWaitsForAnOperator(t *testing.T) {
	t.Parallel()
	calls := 0
	b := reconciling(t, func() error { calls++; return sick() })
	b.RegisterDelayedCallback(func() {
		s := b.query(t)
		require.Equal(t, migration.Paused, s.Phase)
		require.Contains(t, s.Reason, "Reconcile: INTERNAL_ERROR: report: status 500 (repair it, then resume)")
		b.update(t, UpdateAbort, OperatorAction{By: "kim"}, true)
	}, 48*hour)
	sum := b.run(t)
	require.Equal(t, migration.Completed, sum.Result)
	require.Less(t, calls, 300)
}

// The same for a reconciliation of its own, which nobody can resume: it ends.
func TestAReconciliationThatNothingComesThroughEnds(t *testing.T) {
	t.Parallel()
	b := reconcileEnv(t)
	b.err = failsAt(activities.LookAtBatchesName, fault.Fault{Kind: fault.Retryable, Code: fault.CodeInternalError, Message: "report: status 500"})
	b.RegisterDelayedCallback(func() {
		r := b.progress(t)
		require.Equal(t, migration.Paused, r.Phase)
		require.Contains(t, r.Reason, "LookAtBatches: INTERNAL_ERROR: report: status 500 (the target answers its echo")
	}, 2*hour)
	b.start()
	var app *temporal.ApplicationError
	require.ErrorAs(t, b.GetWorkflowError(), &app)
	require.Equal(t, fault.CodeInternalError, app.Type())
}
