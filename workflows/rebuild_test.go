package workflows

import (
	"context"
	"fmt"
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

// rebuildBundle is a migration of so many batches of ten records that was
// terminated; half of each were migrated.
type rebuildBundle struct {
	*testsuite.TestWorkflowEnvironment
	batches   int
	reconcile bool
	err       func(activity string) error // what an activity fails with
	different int
	lost      int // records that the reports lack

	calls    []string
	asked    []activities.RebuildOutcomesInput
	reported activities.WriteReportsInput
	written  activities.WriteSummaryInput
}

func rebuildEnv(t *testing.T) *rebuildBundle {
	t.Helper()
	b := &rebuildBundle{TestWorkflowEnvironment: quietEnv(), batches: 3, reconcile: true}
	RegisterWorkflows(b)
	b.SetTestTimeout(time.Minute)
	on := func(name string, f any) { b.RegisterActivityWithOptions(f, activity.RegisterOptions{Name: name}) }
	on(activities.InspectMigrationName, func(context.Context, activities.InspectMigrationInput) (*activities.InspectMigrationResult, error) {
		return &activities.InspectMigrationResult{
			File: "s3://p/acme-1.json", SHA256: "ab", Route: "acme-nova", Parent: "acme-0", Records: 10 * b.batches, Batches: b.batches,
			Settings: migration.Settings{Reconcile: b.reconcile, RequestsPerSecond: 7, HoldAfterSeconds: 120, Limits: migration.Limits{Consecutive: 10}},
			Files:    map[string]migration.FileInfo{migration.FilePlan: {URI: "s3://w/plan.json"}},
		}, b.call(activities.InspectMigrationName)
	})
	on(activities.RebuildOutcomesName, func(_ context.Context, in activities.RebuildOutcomesInput) (migration.Outcomes, error) {
		b.asked = append(b.asked, in)
		n := 5 * (in.To - in.From + 1)
		return migration.Outcomes{Migrated: n, NotAttempted: n}, b.call(activities.RebuildOutcomesName)
	})
	on(activities.WriteReportsName, func(_ context.Context, in activities.WriteReportsInput) (*activities.WriteReportsResult, error) {
		b.reported = in
		return &activities.WriteReportsResult{
			Records: 10*b.batches - b.lost, Outcomes: migration.Outcomes{Migrated: 5 * b.batches, NotAttempted: 5 * b.batches},
			Expected: migration.ByGroup{Active: 10 * b.batches}, Migrated: migration.ByGroup{Active: 5 * b.batches},
			Errors: []migration.ErrorGroup{{Code: fault.CodeOperatorStopped, Count: 5 * b.batches}},
			Files:  map[string]migration.FileInfo{migration.FileReload: {URI: "s3://w/reload.json"}},
		}, b.call(activities.WriteReportsName)
	})
	on(activities.ReconcileName, func(context.Context, activities.ReconcileInput) (*activities.ReconcileResult, error) {
		return &activities.ReconcileResult{
			Checked: 5 * b.batches, Found: migration.ByGroup{Active: 5 * b.batches}, Different: b.different, Examples: []string{"ext-1"},
			File: migration.FileInfo{URI: "s3://w/correlation.csv"},
		}, b.call(activities.ReconcileName)
	})
	on(activities.WriteSummaryName, func(_ context.Context, in activities.WriteSummaryInput) (map[string]migration.FileInfo, error) {
		b.written = in
		return in.Summary.Files, b.call(activities.WriteSummaryName)
	})
	on(activities.ProbeTargetName, func(context.Context) error { return b.call(activities.ProbeTargetName) })
	return b
}

func (b *rebuildBundle) call(name string) error {
	b.calls = append(b.calls, name)
	if b.err == nil {
		return nil
	}
	return b.err(name)
}

// closed is when the migration was terminated: long before the rebuilding.
func (b *rebuildBundle) closed() time.Time { return b.Now().Add(-hour).UTC() }

func (b *rebuildBundle) input() RebuildReportsInput {
	began := b.closed().Add(-hour)
	return RebuildReportsInput{Migration: "acme-1", How: "terminated", StartedAt: &began, ClosedAt: b.closed(), SettleSeconds: 190}
}

func (b *rebuildBundle) run(t *testing.T, in RebuildReportsInput) Summary {
	t.Helper()
	b.start(in)
	require.NoError(t, b.GetWorkflowError())
	var sum Summary
	require.NoError(t, b.GetWorkflowResult(&sum))
	require.Equal(t, sum.Result, b.written.Summary.Result, "summary.json says what the result says")
	return sum
}

func (b *rebuildBundle) start(in RebuildReportsInput) {
	b.SetStartWorkflowOptions(clientOptions(RebuildID("acme-1")))
	b.ExecuteWorkflow(RebuildReportsName, in)
}

func TestRebuildWritesTheSummaryLast(t *testing.T) {
	t.Parallel()
	b := rebuildEnv(t)
	in := b.input()
	sum := b.run(t, in)
	require.Equal(t, []string{
		activities.InspectMigrationName, activities.RebuildOutcomesName, activities.WriteReportsName,
		activities.ReconcileName, activities.WriteSummaryName,
	}, b.calls)
	require.Equal(t, []activities.RebuildOutcomesInput{
		{Migration: "acme-1", Route: "acme-nova", From: 1, To: 3, RequestsPerSecond: 7},
	}, b.asked)
	require.Equal(t, activities.WriteReportsInput{Migration: "acme-1", Opened: 3, Code: fault.CodeOperatorStopped}, b.reported)

	require.Equal(t, migration.Interrupted, sum.Result)
	require.Equal(t, migration.Done, sum.Phase)
	require.Equal(t, 30, sum.Records)
	require.Equal(t, migration.Outcomes{Migrated: 15, NotAttempted: 15}, sum.Outcomes)
	require.Equal(t, 15, *sum.Statuses.Active.Found)
	require.Equal(t, "acme-0", sum.Parent)
	require.Contains(t, sum.Reason, "terminated at "+in.ClosedAt.Format(time.RFC3339))
	require.Contains(t, sum.Reason, "who steered it")
	require.True(t, sum.FinishedAt.Equal(in.ClosedAt), "it ended when it was terminated")
	require.True(t, sum.StartedAt.Equal(*in.StartedAt))
	require.Len(t, sum.Files, 3)
	require.NotNil(t, sum.Audit)
}

func TestRebuildWithoutReconciliation(t *testing.T) {
	t.Parallel()
	b := rebuildEnv(t)
	b.reconcile = false
	sum := b.run(t, b.input())
	require.NotContains(t, b.calls, activities.ReconcileName)
	require.Nil(t, sum.Statuses.Active.Found)
	require.NotContains(t, sum.Files, migration.FileCorrelation)
}

func TestRebuildSaysWhatDiffers(t *testing.T) {
	t.Parallel()
	b := rebuildEnv(t)
	b.different = 2
	require.Contains(t, b.run(t, b.input()).Reason, "2 of 15 migrated records differ at the target from the file (see correlation.csv)")
	b = rebuildEnv(t)
	b.lost = 1
	require.Contains(t, b.run(t, b.input()).Reason, "the reports hold 29 records, the file had 30")
}

func TestRebuildKeepsWhatTheRootCouldStillTell(t *testing.T) {
	t.Parallel()
	b := rebuildEnv(t)
	in := b.input()
	in.Seen = &Summary{
		Settings: migration.Settings{BatchSize: 10, RequestsPerSecond: 3},
		Limits:   migration.LimitsState{LongestRun: 4, Tripped: &migration.Tripped{Rule: migration.RuleMaxFailures}},
		Audit:    []migration.AuditEntry{{By: "kim", Action: "pause"}},
		Problems: &migration.Problems{Warnings: map[string]int{"UNKNOWN_FIELD": 1}},
	}
	sum := b.run(t, in)
	require.NotContains(t, sum.Reason, "who steered it")
	require.Equal(t, in.Seen.Limits, sum.Limits)
	require.Equal(t, in.Seen.Problems, sum.Problems)
	require.Equal(t, "kim", b.written.Audit[0].By)
	require.InDelta(t, 3, b.asked[0].RequestsPerSecond, 0, "the pace as it was changed last")
}

// Nothing is read while calls of the migration may still be under way.
func TestRebuildWaitsForWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	b := rebuildEnv(t)
	in := b.input()
	began := b.Now()
	in.ClosedAt, in.SettleSeconds = began.Add(-time.Minute), 190
	var read time.Time
	b.err = func(name string) error {
		if name == activities.InspectMigrationName {
			read = b.Now()
		}
		return nil
	}
	b.RegisterDelayedCallback(func() {
		var sum Summary
		value, err := b.QueryWorkflow(QueryProgress)
		require.NoError(t, err)
		require.NoError(t, value.Get(&sum))
		require.Equal(t, migration.Paused, sum.Phase)
		require.Contains(t, sum.Reason, "may be under way until")
		require.Empty(t, b.calls)
	}, 129*time.Second)
	sum := b.run(t, in)
	require.False(t, read.Before(in.ClosedAt.Add(190*time.Second)))
	require.NotContains(t, sum.Reason, "under way")
}

// The history is bounded however large the file is.
func TestRebuildOfManyBatches(t *testing.T) {
	t.Parallel()
	b := rebuildEnv(t)
	b.batches = 250
	b.run(t, b.input())
	require.Len(t, b.asked, 3)
	next := 1
	for _, in := range b.asked {
		require.Equal(t, next, in.From)
		next = in.To + 1
	}
	require.Equal(t, 251, next)

	b = rebuildEnv(t)
	b.batches = 2_000_001
	require.Equal(t, 2_000_001*5, b.run(t, b.input()).Outcomes.Migrated)
	require.Len(t, b.asked, workPages)
}

func TestRebuildWaitsForATargetThatIsAway(t *testing.T) {
	t.Parallel()
	b := rebuildEnv(t)
	away := fault.Activity(&fault.Fault{Kind: fault.Retryable, Code: fault.CodeServiceUnavailable, Message: "down"})
	back := b.Now().Add(24 * hour)
	b.err = func(name string) error {
		if b.Now().Before(back) && (name == activities.RebuildOutcomesName || name == activities.ProbeTargetName) {
			return away
		}
		return nil
	}
	b.RegisterDelayedCallback(func() {
		var sum Summary
		value, err := b.QueryWorkflow(QueryProgress)
		require.NoError(t, err)
		require.NoError(t, value.Get(&sum))
		require.Equal(t, migration.Paused, sum.Phase)
		require.Contains(t, sum.Reason, "SERVICE_UNAVAILABLE: down")
	}, 12*hour)
	sum := b.run(t, b.input())
	require.False(t, b.Now().Before(back))
	require.Equal(t, 15, sum.Outcomes.Migrated)
	require.NotContains(t, sum.Reason, "SERVICE_UNAVAILABLE")
}

// A store that is away while the target answers makes rounds; they must not
// make the history long for ever.
func TestRebuildBeginsAnewBeforeItsHistoryIsLong(t *testing.T) {
	t.Parallel()
	b := rebuildEnv(t)
	b.SetContinueAsNewSuggested(true)
	b.err = failsAt(activities.RebuildOutcomesName, fault.Fault{Kind: fault.Retryable, Code: fault.CodeStoreFault, Message: "away"})
	in := b.input()
	b.start(in)
	var again *workflow.ContinueAsNewError
	require.ErrorAs(t, b.GetWorkflowError(), &again)
	require.Equal(t, RebuildReportsName, again.WorkflowType.Name)
}

func TestRebuildFailsForWhatWaitingCannotHelp(t *testing.T) {
	t.Parallel()
	for _, code := range []struct {
		at, code string
		kind     fault.Kind
	}{
		{activities.InspectMigrationName, fault.CodeBadInput, fault.Final},
		{activities.RebuildOutcomesName, fault.CodeUnauthorized, fault.Unauthorized},
		{activities.WriteReportsName, fault.CodeStoreFault, fault.Final},
	} {
		t.Run(code.at, func(t *testing.T) {
			t.Parallel()
			b := rebuildEnv(t)
			b.err = failsAt(code.at, fault.Fault{Kind: code.kind, Code: code.code, Message: "no"})
			b.start(b.input())
			var app *temporal.ApplicationError
			require.ErrorAs(t, b.GetWorkflowError(), &app)
			require.Equal(t, code.code, app.Type())
			require.True(t, app.NonRetryable())
			require.Equal(t, code.at, b.calls[len(b.calls)-1], "nothing is done after it")
			require.NotContains(t, b.calls, activities.WriteSummaryName)
		})
	}
}

func TestRebuildMayBeCancelled(t *testing.T) {
	t.Parallel()
	b := rebuildEnv(t)
	in := b.input()
	in.ClosedAt = b.Now()
	b.RegisterDelayedCallback(b.CancelWorkflow, time.Second)
	b.start(in)
	require.True(t, temporal.IsCanceledError(b.GetWorkflowError()), fmt.Sprint(b.GetWorkflowError()))
	require.Empty(t, b.calls)
}
