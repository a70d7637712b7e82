package workflows

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"github.com/f0a90b9a/ferry/activities"
	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
)

// batchBundle is a batch of ten records whose children do what fates says.
type batchBundle struct {
	*testsuite.TestWorkflowEnvironment
	fates   map[int]func() (migration.Outcome, error)
	takes   map[int]time.Duration
	known   []int
	lookErr error
	started []int
	looked  []int
	written activities.WriteOutcomesInput
	asked   []int
}

func batchEnv(t *testing.T) *batchBundle {
	t.Helper()
	b := &batchBundle{TestWorkflowEnvironment: quietEnv(), fates: map[int]func() (migration.Outcome, error){}, takes: map[int]time.Duration{}}
	RegisterWorkflows(b)
	register := func(name string, f any) { b.RegisterActivityWithOptions(f, activity.RegisterOptions{Name: name}) }
	register(activities.LoadBatchName, func(_ context.Context, in activities.BatchRef) ([]activities.BatchRecord, error) {
		var out []activities.BatchRecord
		for i := range in.Count {
			out = append(out, activities.BatchRecord{
				Record: in.First + i, ExternalEntitlementID: fmt.Sprintf("ext-%d", in.First+i), Status: entitlement.Active,
				Steps: []entitlement.Step{entitlement.Create, entitlement.Activate},
			})
		}
		return out, nil
	})
	register(activities.LookUpBatchName, func(context.Context, activities.LookUpBatchInput) ([]int, error) { return b.known, b.lookErr })
	register(activities.WriteOutcomesName, func(_ context.Context, in activities.WriteOutcomesInput) (*activities.WriteOutcomesResult, error) {
		b.written = in
		return &activities.WriteOutcomesResult{Sum: "sum"}, nil
	})
	register(activities.ResolveRecordsName, func(_ context.Context, in activities.ResolveRecordsInput) ([]migration.Outcome, error) {
		b.asked = in.Records
		var out []migration.Outcome
		for _, n := range in.Records {
			out = append(out, migration.Outcome{Record: n, Fate: migration.Failed, Code: fault.CodeOperatorStopped})
		}
		return out, nil
	})
	beChild(b.TestWorkflowEnvironment, BatchID("m", 3), "m")
	b.OnWorkflow(MigrateEntitlementName, mock.Anything, mock.Anything).Return(
		func(ctx workflow.Context, in MigrateEntitlementInput) (migration.Outcome, error) {
			b.started = append(b.started, in.Record)
			if d := b.takes[in.Record]; d > 0 {
				_ = workflow.Sleep(ctx, d)
			}
			if in.Look {
				b.looked = append(b.looked, in.Record)
			}
			if f, ok := b.fates[in.Record]; ok {
				return f()
			}
			return migration.Outcome{Record: in.Record, Fate: migration.Migrated, Status: in.Status}, nil
		})
	return b
}

func failing(record int) func() (migration.Outcome, error) {
	return func() (migration.Outcome, error) {
		return migration.Outcome{}, fault.Record(fault.CodeNotAvailable, "no", migration.Outcome{
			Record: record, Fate: migration.Failed, Code: fault.CodeNotAvailable, Step: entitlement.Create,
		})
	}
}

func batchInput() MigrateBatchInput {
	return MigrateBatchInput{
		BatchRef: activities.BatchRef{Migration: "m", Number: 3, First: 101, Count: 10},
		Route:    "acme-nova", Control: Control{Width: 4, Consecutive: 3}, Behaviour: currentBehaviour,
		RetryBudgetSeconds: 900,
	}
}

func (b *batchBundle) run(t *testing.T, in MigrateBatchInput) Tally {
	t.Helper()
	b.ExecuteWorkflow(MigrateBatchName, in)
	require.NoError(t, b.GetWorkflowError())
	var tally Tally
	require.NoError(t, b.GetWorkflowResult(&tally))
	return tally
}

func TestBatchMigratesAllItsRecords(t *testing.T) {
	t.Parallel()
	b := batchEnv(t)
	b.known = []int{104}
	tally := b.run(t, batchInput())
	require.Equal(t, 10, tally.Outcomes.Migrated)
	require.Equal(t, 10, tally.Migrated.Active)
	require.Len(t, b.written.Outcomes, 10)
	require.Equal(t, []int{104}, b.looked)
	require.Empty(t, b.asked)
}

func TestBatchStopsItselfOnItsOwnStreak(t *testing.T) {
	t.Parallel()
	b := batchEnv(t)
	for n := 102; n <= 110; n++ {
		b.fates[n] = failing(n)
	}
	in := batchInput()
	in.Control.Width = 1
	tally := b.run(t, in)
	require.Equal(t, 3, tally.Outcomes.Failed)
	require.Equal(t, 3, tally.Streak.Longest)
	require.Equal(t, 102, tally.Streak.LongestFirst)
	require.Equal(t, []int{101, 102, 103, 104}, b.started)
	require.Equal(t, fault.CodeStoppedByLimit, b.written.Code)
}

func TestLostRecordIsResolvedByReadingTheTarget(t *testing.T) {
	t.Parallel()
	b := batchEnv(t)
	b.fates[105] = func() (migration.Outcome, error) { return migration.Outcome{}, temporal.NewCanceledError() }
	tally := b.run(t, batchInput())
	require.Equal(t, []int{105}, b.asked)
	require.Equal(t, 9, tally.Outcomes.Migrated)
	require.Equal(t, 1, tally.Outcomes.Failed)
	require.Zero(t, tally.Count().Failed, "what an operator stopped is no failure of the file")
}

func TestHeldBatchStartsNothing(t *testing.T) {
	t.Parallel()
	b := batchEnv(t)
	in := batchInput()
	in.Control.Hold = true
	b.RegisterDelayedCallback(func() {
		require.Empty(t, b.started)
		in.Control.Hold = false
		b.SignalWorkflow(signalControl, in.Control)
	}, 48*hour)
	require.Equal(t, 10, b.run(t, in).Outcomes.Migrated)
}

func TestStoppedBatchStartsNothingAndSaysWhy(t *testing.T) {
	t.Parallel()
	b := batchEnv(t)
	in := batchInput()
	in.Control.Stop = fault.CodeAborted
	tally := b.run(t, in)
	require.Empty(t, b.started)
	require.Zero(t, tally.Outcomes.Total())
	require.Equal(t, fault.CodeAborted, b.written.Code)
	require.Empty(t, b.written.Outcomes, "the activity fills in what was not attempted")
}

func TestRestartedBatchThatIsStoppedAsksForWhatTheTargetHas(t *testing.T) {
	t.Parallel()
	b := batchEnv(t)
	b.known = []int{102, 103}
	in := batchInput()
	in.Control.Stop, in.Restarted = fault.CodeAborted, true
	tally := b.run(t, in)
	require.Empty(t, b.started)
	require.Equal(t, []int{102, 103}, b.asked)
	require.Equal(t, 2, tally.Outcomes.Failed)
}

func TestStopDoesNotWaitForALookUpThatCannotSucceed(t *testing.T) {
	t.Parallel()
	b := batchEnv(t)
	b.lookErr = fault.Activity(&fault.Fault{Kind: fault.Retryable, Code: fault.CodeServiceUnavailable, Message: "away"})
	in := batchInput()
	b.RegisterDelayedCallback(func() {
		in.Control.Stop = fault.CodeAborted
		b.SignalWorkflow(signalControl, in.Control)
	}, 5*time.Second)
	b.run(t, in)
	require.Empty(t, b.started)
	require.Equal(t, fault.CodeAborted, b.written.Code)
}

func TestBatchWaitsForItsTargetAndGoesOn(t *testing.T) {
	t.Parallel()
	b := batchEnv(t)
	b.lookErr = fault.Activity(&fault.Fault{Kind: fault.Retryable, Code: fault.CodeServiceUnavailable, Message: "away"})
	b.RegisterDelayedCallback(func() { b.lookErr = nil }, 24*hour)
	in := batchInput()
	in.HoldAfterSeconds = 120
	require.Equal(t, 10, b.run(t, in).Outcomes.Migrated)
}

func TestRecordOfAnotherMigrationIsLeftToIt(t *testing.T) {
	t.Parallel()
	b := batchEnv(t)
	b.fates[107] = func() (migration.Outcome, error) {
		return migration.Outcome{}, &temporal.ChildWorkflowExecutionAlreadyStartedError{}
	}
	tally := b.run(t, batchInput())
	require.Equal(t, 1, tally.Outcomes.NotAttempted)
	require.Zero(t, tally.Count().Failed)
	require.Equal(t, fault.CodeInAnotherMigration, tally.Groups[0].Code)
}
