package workflows

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"github.com/f0a90b9a/ferry/activities"
	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/limits"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/migrationfile"
)

// fileBundle is a migration of ten batches of ten records, whose activities
// and batches do as the fields say.
type fileBundle struct {
	*testsuite.TestWorkflowEnvironment
	settings  migration.Settings
	waves     []migrationfile.Wave
	checkErr  error
	claimErr  error
	planErr   error
	imported  func(*activities.ImportFileResult)
	importing time.Duration
	batch     func(workflow.Context, MigrateBatchInput) (*Tally, error)
	differ    int

	reconcileErr error

	started  []int
	readBack []activities.ReadBackInput
	reported *activities.WriteReportsInput
	resolved int
	summary  *migration.Summary
	audit    []migration.AuditEntry
}

const fileRecords = 100

func fileEnv(t *testing.T) *fileBundle {
	t.Helper()
	b := &fileBundle{
		TestWorkflowEnvironment: quietEnv(),
		settings: migration.Settings{
			Limits:      migration.Limits{ErrorRate: 0.1, MinSample: 50, Consecutive: 10},
			Concurrency: migration.Concurrency{Batches: 2, PerBatch: 10}, BatchSize: 10,
			RetryBudgetSeconds: 900, ContinueAfterEvents: 1000,
		},
		waves: []migrationfile.Wave{{Number: 1, FirstBatch: 1, LastBatch: 10, Records: fileRecords}},
		batch: func(_ workflow.Context, in MigrateBatchInput) (*Tally, error) { return done(in, 0), nil },
	}
	RegisterWorkflows(b)
	b.register()
	b.OnWorkflow(MigrateBatchName, mock.Anything, mock.Anything).Return(
		func(ctx workflow.Context, in MigrateBatchInput) (*Tally, error) {
			b.started = append(b.started, in.Number)
			return b.batch(ctx, in)
		})
	return b
}

// done is the tally of a batch whose first failed records failed.
func done(in MigrateBatchInput, failed int) *Tally {
	bad := make([]bool, in.Count)
	for i := range failed {
		bad[i] = true
	}
	return &Tally{
		Number: in.Number, Outcomes: migration.Outcomes{Migrated: in.Count - failed, Failed: failed},
		Report: limits.Report{Streak: limits.Of(in.First, bad), Order: orderOf(bad)},
	}
}

// stampOf is what a batch's messages are known by.
func stampOf(ctx workflow.Context, in MigrateBatchInput) stamp {
	return stamp{Mark: in.Control.Mark, Run: firstRun(workflow.GetInfo(ctx))}
}

// orderOf is the order of completion of records that finished in file order.
func orderOf(bad []bool) string {
	order := make([]byte, len(bad))
	for i, failed := range bad {
		order[i] = limits.Passed
		if failed {
			order[i] = limits.Failed
		}
	}
	return string(order)
}

func (b *fileBundle) register() {
	on := func(name string, f any) { b.RegisterActivityWithOptions(f, activity.RegisterOptions{Name: name}) }
	on(activities.CheckStartName, func(context.Context, activities.CheckStartInput) (*activities.CheckStartResult, error) {
		return &activities.CheckStartResult{Settings: b.settings, ETag: "e"}, b.checkErr
	})
	on(activities.CheckPlanName, func(context.Context, activities.CheckPlanInput) error { return b.planErr })
	on(activities.ClaimFileName, func(context.Context, activities.ClaimFileInput) (*migration.FileInfo, error) {
		return &migration.FileInfo{URI: "s3://w/claim.json"}, b.claimErr
	})
	on(activities.ImportFileName, b.importFile)
	on(activities.ListBatchesName, func(_ context.Context, in activities.ListBatchesInput) ([]migrationfile.Batch, error) {
		var out []migrationfile.Batch
		for n := in.From; n <= 10; n++ {
			out = append(out, migrationfile.Batch{Number: n, First: 10*n - 9, Count: 10})
		}
		return out, nil
	})
	on(activities.ReadBackName, func(_ context.Context, in activities.ReadBackInput) (*activities.ReadBackResult, error) {
		in.Written = nil // see TestReportsGetWhatTheBatchesWrote
		b.readBack = append(b.readBack, in)
		return &activities.ReadBackResult{Checked: 10, Different: b.differ, Examples: []string{"ext-1"}}, nil
	})
	on(activities.ResolveRecordsName, func(context.Context, activities.ResolveRecordsInput) ([]migration.Outcome, error) {
		b.resolved++
		return nil, nil
	})
	on(activities.WriteOutcomesName, func(context.Context, activities.WriteOutcomesInput) error { return nil })
	on(activities.WriteReportsName, func(_ context.Context, in activities.WriteReportsInput) (*activities.WriteReportsResult, error) {
		b.reported = &in
		migrated := 10 * in.Opened
		return &activities.WriteReportsResult{Records: fileRecords, Expected: migration.ByGroup{Active: fileRecords}, Outcomes: migration.Outcomes{
			Migrated: migrated, NotAttempted: fileRecords - migrated,
		}}, nil
	})
	on(activities.ReconcileName, func(context.Context, activities.ReconcileInput) (*activities.ReconcileResult, error) {
		if b.reconcileErr != nil {
			return nil, b.reconcileErr
		}
		return &activities.ReconcileResult{Checked: fileRecords, Different: b.differ, Examples: []string{"ext-1"}}, nil
	})
	on(activities.WriteSummaryName, func(_ context.Context, in activities.WriteSummaryInput) (map[string]migration.FileInfo, error) {
		b.summary, b.audit = &in.Summary, in.Audit
		return in.Summary.Files, nil
	})
}

func (b *fileBundle) importFile(ctx context.Context, _ activities.ImportFileInput) (*activities.ImportFileResult, error) {
	if b.importing > 0 {
		activity.RecordHeartbeat(ctx)
		<-ctx.Done()
		return nil, ctx.Err()
	}
	res := &activities.ImportFileResult{
		Records: fileRecords, Expected: migration.ByGroup{Active: fileRecords}, Batches: 10, Waves: b.waves, PlanHash: "abc123",
	}
	if b.imported != nil {
		b.imported(res)
	}
	return res, nil
}

func (b *fileBundle) run(t *testing.T) Summary {
	t.Helper()
	b.start()
	require.True(t, b.IsWorkflowCompleted())
	require.NoError(t, b.GetWorkflowError())
	var sum Summary
	require.NoError(t, b.GetWorkflowResult(&sum))
	require.Equal(t, migration.Done, sum.Phase)
	require.Equal(t, sum.Result, b.summary.Result, "summary.json says what the result says")
	return sum
}

func (b *fileBundle) start() {
	b.SetStartWorkflowOptions(clientOptions("acme-1"))
	b.ExecuteWorkflow(MigrateFileName, MigrateFileInput{File: "s3://p/acme-1.json", Route: "acme-nova"})
}

func TestFileIsHandedOutInOrder(t *testing.T) {
	t.Parallel()
	b := fileEnv(t)
	b.settings.Concurrency.Batches = 1
	sum := b.run(t)
	require.Equal(t, migration.Completed, sum.Result)
	require.Equal(t, []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, b.started)
	require.Equal(t, fileRecords, sum.Outcomes.Migrated)
	require.Equal(t, 10, b.reported.Opened)
}

func TestRunFailsOnlyForWhatKeptItFromImporting(t *testing.T) {
	t.Parallel()
	for code, prepare := range map[string]func(*fileBundle, error){
		fault.CodeFileNotFound: func(b *fileBundle, err error) { b.checkErr = err },
		fault.CodeFileNameUsed: func(b *fileBundle, err error) { b.claimErr = err },
	} {
		b := fileEnv(t)
		prepare(b, fault.Activity(&fault.Fault{Kind: fault.Final, Code: code, Message: "why"}))
		b.start()
		var app *temporal.ApplicationError
		require.ErrorAs(t, b.GetWorkflowError(), &app)
		require.Equal(t, code, app.Type())
		require.Equal(t, "why", app.Message())
	}
}

func TestMisspeltInputIsRefused(t *testing.T) {
	t.Parallel()
	for _, input := range []string{`{"file":"s3://p/a.json","route":"r","dry_run":true}`, `{"file":5,"route":"r"}`} {
		b := fileEnv(t)
		b.ExecuteWorkflow(MigrateFileName, converter.NewRawValue(rawJSON(input)))
		var app *temporal.ApplicationError
		require.ErrorAs(t, b.GetWorkflowError(), &app)
		require.Equal(t, fault.CodeBadInput, app.Type())
	}
}

func TestRejectedFileStopsBeforeTheTarget(t *testing.T) {
	t.Parallel()
	b := fileEnv(t)
	b.imported = func(r *activities.ImportFileResult) {
		r.Problems = &migration.Problems{Total: 1, ByCode: map[string]int{"BAD_DATE": 1}}
		r.First = []string{"line 3, record 3, BAD_DATE: no"}
	}
	sum := b.run(t)
	require.Equal(t, migration.Rejected, sum.Result)
	require.Equal(t, fileRecords, sum.Outcomes.NotAttempted)
	require.Contains(t, sum.Reason, "line 3")
	require.Empty(t, b.started)
	require.Nil(t, b.reported)
}

func TestFailuresInARowStopTheRunAcrossBatchBorders(t *testing.T) {
	t.Parallel()
	b := fileEnv(t)
	b.settings.Limits.ErrorRate, b.settings.Concurrency.Batches = 0, 1
	b.batch = func(_ workflow.Context, in MigrateBatchInput) (*Tally, error) {
		bad := make([]bool, in.Count)
		for i := range bad {
			record := in.First + i
			bad[i] = record >= 15 && record < 25 // over the border of batches 2 and 3
		}
		s := limits.Of(in.First, bad)
		return &Tally{Number: in.Number, Report: limits.Report{Streak: s, Order: orderOf(bad)}}, nil
	}
	sum := b.run(t)
	require.Equal(t, migration.StoppedByLimit, sum.Result)
	require.Equal(t, &migration.Tripped{Rule: migration.RuleConsecutive, First: 15, Last: 24}, sum.Limits.Tripped)
	require.Equal(t, []int{1, 2, 3}, b.started, "nothing is started after the trip")
	require.Equal(t, fault.CodeStoppedByLimit, b.reported.Code)
}

func TestRateStopsTheRunOnceTheSampleIsLargeEnough(t *testing.T) {
	t.Parallel()
	b := fileEnv(t)
	b.settings.Concurrency.Batches = 1 // the test environment can't signal a batch that is about to start
	b.batch = func(_ workflow.Context, in MigrateBatchInput) (*Tally, error) { return done(in, 1), nil }
	sum := b.run(t)
	require.Equal(t, migration.RuleErrorRate, sum.Limits.Tripped.Rule)
	require.Equal(t, []int{1, 2, 3, 4, 5}, b.started, "50 records are the sample")
}

func TestCapStopsTheRun(t *testing.T) {
	t.Parallel()
	b := fileEnv(t)
	b.settings.Limits.MaxFailures, b.settings.Concurrency.Batches = 2, 1
	b.settings.Limits.ErrorRate = 0
	b.batch = func(_ workflow.Context, in MigrateBatchInput) (*Tally, error) { return done(in, 1), nil }
	require.Equal(t, migration.RuleMaxFailures, b.run(t).Limits.Tripped.Rule)
}

func TestWavesWaitAndAreReadBack(t *testing.T) {
	t.Parallel()
	b := fileEnv(t)
	b.settings.Waves = true
	b.waves = []migrationfile.Wave{
		{Number: 1, FirstBatch: 1, LastBatch: 1, Records: 10}, {Number: 2, FirstBatch: 2, LastBatch: 10, Records: 90},
	}
	require.Equal(t, migration.Completed, b.run(t).Result)
	require.Equal(t, []activities.ReadBackInput{{Migration: "acme-1", From: 1, To: 1, Route: "acme-nova"}}, b.readBack)
}

func TestFailedWaveStopsTheRun(t *testing.T) {
	t.Parallel()
	b := fileEnv(t)
	b.settings.Waves = true
	b.waves = []migrationfile.Wave{
		{Number: 1, FirstBatch: 1, LastBatch: 1, Records: 10}, {Number: 2, FirstBatch: 2, LastBatch: 10, Records: 90},
	}
	b.batch = func(_ workflow.Context, in MigrateBatchInput) (*Tally, error) { return done(in, 2), nil }
	sum := b.run(t)
	require.Equal(t, &migration.Tripped{Rule: migration.RuleCanary, First: 1, Last: 10}, sum.Limits.Tripped)
	require.Equal(t, []int{1}, b.started)
}

func TestWaveThatDiffersHoldsTheRunUntilResumed(t *testing.T) {
	t.Parallel()
	b := fileEnv(t)
	b.settings.Waves, b.differ = true, 1
	b.waves = []migrationfile.Wave{
		{Number: 1, FirstBatch: 1, LastBatch: 1, Records: 10}, {Number: 2, FirstBatch: 2, LastBatch: 10, Records: 90},
	}
	b.RegisterDelayedCallback(func() {
		require.Equal(t, []int{1}, b.started)
		require.Equal(t, migration.Paused, b.query(t).Phase)
		b.update(t, UpdateResume, OperatorAction{By: "kim"}, true)
	}, hour)
	require.Equal(t, migration.Completed, b.run(t).Result)
}

func (b *fileBundle) query(t *testing.T) Summary {
	t.Helper()
	value, err := b.QueryWorkflow(QueryProgress)
	require.NoError(t, err)
	var sum Summary
	require.NoError(t, value.Get(&sum))
	return sum
}

// update sends an update and checks whether its validator takes it.
func (b *fileBundle) update(t *testing.T, name string, in any, taken bool) {
	t.Helper()
	b.UpdateWorkflow(name, "", &testsuite.TestUpdateCallback{
		OnAccept:   func() { require.True(t, taken, "%s was taken", name) },
		OnReject:   func(err error) { require.False(t, taken, "%s was refused: %v", name, err) },
		OnComplete: func(_ any, err error) { require.NoError(t, err) },
	}, in)
}

func TestPauseResumeAndTheirValidators(t *testing.T) {
	t.Parallel()
	b := fileEnv(t)
	b.settings.Concurrency.Batches = 1
	b.batch = func(ctx workflow.Context, in MigrateBatchInput) (*Tally, error) {
		return done(in, 0), workflow.Sleep(ctx, hour)
	}
	kim := OperatorAction{By: "kim", Reason: "merchant asked"}
	b.RegisterDelayedCallback(func() {
		b.update(t, UpdateResume, kim, false)
		b.update(t, UpdatePause, OperatorAction{By: " "}, false)
		b.update(t, UpdatePause, kim, true)
		b.update(t, UpdatePause, kim, false)
	}, 90*time.Minute)
	b.RegisterDelayedCallback(func() {
		require.Len(t, b.started, 2, "days of pause start nothing")
		require.Contains(t, b.query(t).Reason, "merchant asked")
		b.update(t, UpdateResume, kim, true)
	}, 100*hour)
	sum := b.run(t)
	require.Equal(t, migration.Completed, sum.Result)
	require.Len(t, sum.Audit, 2)
	require.Equal(t, sum.Audit, b.audit)
}

func TestLimitsCanBeChangedWhileItRuns(t *testing.T) {
	t.Parallel()
	b := fileEnv(t)
	b.settings.Concurrency.Batches = 1
	b.batch = func(ctx workflow.Context, in MigrateBatchInput) (*Tally, error) {
		return done(in, 0), workflow.Sleep(ctx, hour)
	}
	rate, wrong, wide := 0.5, 1.5, 999
	b.RegisterDelayedCallback(func() {
		by := OperatorAction{By: "kim"}
		b.update(t, UpdateSetLimits, SetLimitsInput{OperatorAction: by, Limits: LimitsInput{ErrorRate: &rate}}, true)
		b.update(t, UpdateSetLimits, SetLimitsInput{OperatorAction: by, Limits: LimitsInput{ErrorRate: &wrong}}, false)
		b.update(t, UpdateSetConcurrency, SetConcurrencyInput{OperatorAction: by, Concurrency: ConcurrencyInput{Batches: &wide}}, false)
	}, 90*time.Minute)
	sum := b.run(t)
	require.InDelta(t, 0.5, sum.Limits.ErrorRate, 0)
	require.Equal(t, 10, sum.Limits.Consecutive, "what isn't named stays")
	require.Len(t, sum.Audit, 1)
}

func TestAbortInEachPhase(t *testing.T) {
	t.Parallel()
	kim := OperatorAction{By: "kim"}
	t.Run("importing", func(t *testing.T) {
		t.Parallel()
		b := fileEnv(t)
		b.importing = time.Hour
		b.RegisterDelayedCallback(func() { b.update(t, UpdateAbort, kim, true) }, time.Second)
		sum := b.run(t)
		require.Equal(t, migration.Aborted, sum.Result)
		require.Zero(t, sum.Records)
	})
	t.Run("awaiting approval", func(t *testing.T) {
		t.Parallel()
		b := fileEnv(t)
		b.settings.RequireApproval = true
		b.RegisterDelayedCallback(func() { b.update(t, UpdateAbort, kim, true) }, hour)
		sum := b.run(t)
		require.Equal(t, migration.Aborted, sum.Result)
		require.Equal(t, fileRecords, sum.Outcomes.NotAttempted)
	})
	t.Run("migrating, by cancellation", func(t *testing.T) {
		t.Parallel()
		b := fileEnv(t)
		b.batch = func(ctx workflow.Context, in MigrateBatchInput) (*Tally, error) {
			return done(in, 0), workflow.Sleep(ctx, hour)
		}
		b.RegisterDelayedCallback(b.CancelWorkflow, 90*time.Minute)
		sum := b.run(t)
		require.Equal(t, migration.Aborted, sum.Result)
		require.Len(t, b.started, 4)
		require.Equal(t, fault.CodeAborted, b.reported.Code)
	})
	t.Run("paused", func(t *testing.T) {
		t.Parallel()
		b := fileEnv(t)
		b.batch = func(ctx workflow.Context, in MigrateBatchInput) (*Tally, error) {
			return done(in, 0), workflow.Sleep(ctx, hour)
		}
		b.RegisterDelayedCallback(func() { b.update(t, UpdatePause, kim, true) }, 90*time.Minute)
		b.RegisterDelayedCallback(func() { b.update(t, UpdateAbort, kim, true) }, 9*hour)
		require.Equal(t, migration.Aborted, b.run(t).Result)
	})
}

func TestApprovalNamesThePlan(t *testing.T) {
	t.Parallel()
	b := fileEnv(t)
	b.settings.RequireApproval = true
	by := OperatorAction{By: "kim"}
	b.RegisterDelayedCallback(func() {
		require.Equal(t, migration.AwaitingApproval, b.query(t).Phase)
		require.Empty(t, b.started)
		b.update(t, UpdateApprove, ApproveInput{OperatorAction: by, Plan: "other"}, false)
		b.update(t, UpdateApprove, ApproveInput{OperatorAction: by, Plan: "abc123"}, true)
	}, hour)
	require.Equal(t, migration.Completed, b.run(t).Result)
}

func TestBatchWithoutAResultIsStartedThreeTimesAndThenResolved(t *testing.T) {
	t.Parallel()
	b := fileEnv(t)
	var restarted []bool
	b.batch = func(_ workflow.Context, in MigrateBatchInput) (*Tally, error) {
		if in.Number == 2 {
			restarted = append(restarted, in.Restarted)
			return nil, errors.New("ended by hand")
		}
		return done(in, 0), nil
	}
	b.run(t)
	require.Equal(t, []bool{false, true, true}, restarted)
	require.Equal(t, 1, b.resolved)
}

func TestReconciliationThatDiffersIsNoCompletion(t *testing.T) {
	t.Parallel()
	b := fileEnv(t)
	b.settings.Reconcile, b.differ = true, 3
	sum := b.run(t)
	require.Equal(t, migration.CompletedWithFailures, sum.Result)
	require.Contains(t, sum.Reason, "3 of 100")
}

func TestLongHistoryIsContinuedAsNewWithItsState(t *testing.T) {
	t.Parallel()
	b := fileEnv(t)
	b.settings.Concurrency.Batches = 1
	b.batch = func(_ workflow.Context, in MigrateBatchInput) (*Tally, error) {
		if in.Number == 4 {
			b.SetCurrentHistoryLength(5000)
		}
		return done(in, 1), nil
	}
	b.settings.Limits.ErrorRate = 0
	b.start()
	var again *workflow.ContinueAsNewError
	require.ErrorAs(t, b.GetWorkflowError(), &again)
	require.Equal(t, []int{1, 2, 3, 4}, b.started)
	var in MigrateFileInput
	require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(again.Input, &in))
	require.Empty(t, in.problem)
	require.Equal(t, 5, in.Carried.Next)
	require.Equal(t, 4, in.Carried.Failures.Closed.Failed)

	c := fileEnv(t)
	c.SetStartWorkflowOptions(clientOptions("acme-1"))
	c.SetContinuedExecutionRunID(in.Carried.Of.Run)
	c.ExecuteWorkflow(MigrateFileName, in)
	require.NoError(t, c.GetWorkflowError())
	require.Equal(t, []int{5, 6, 7, 8, 9, 10}, c.started)
	require.Equal(t, "acme-1", c.summary.Migration)
	require.Equal(t, fileRecords, c.summary.Statuses.Active.Expected)
}

func TestOutageHoldsTheRunUntilTheTargetAnswers(t *testing.T) {
	t.Parallel()
	b := fileEnv(t)
	b.settings.Concurrency.Batches, b.settings.HoldAfterSeconds = 1, 120
	probes, away := 0, true
	b.RegisterActivityWithOptions(func(context.Context) error {
		if probes++; away {
			return fault.Activity(&fault.Fault{Kind: fault.Retryable, Code: fault.CodeServiceUnavailable, Message: "away"})
		}
		return nil
	}, activity.RegisterOptions{Name: activities.ProbeTargetName})
	b.batch = func(ctx workflow.Context, in MigrateBatchInput) (*Tally, error) {
		if in.Number != 2 {
			return done(in, 0), nil
		}
		tell := func() {
			workflow.SignalExternalWorkflow(ctx, "acme-1", "", signalTrouble, Trouble{
				stamp: stampOf(ctx, in), Batch: in.Number, Record: in.First, Code: fault.CodeServiceUnavailable, Message: "away", Since: workflow.Now(ctx),
			})
		}
		_ = workflow.Sleep(ctx, time.Minute)
		tell() // too early to hold
		_ = workflow.Sleep(ctx, 2*time.Minute)
		tell()
		return done(in, 0), workflow.Sleep(ctx, 24*hour)
	}
	b.RegisterDelayedCallback(func() { require.Equal(t, migration.Migrating, b.query(t).Phase) }, 90*time.Second)
	b.RegisterDelayedCallback(func() {
		require.Equal(t, migration.Paused, b.query(t).Phase)
		require.Contains(t, b.query(t).Reason, "goes on by itself")
		away = false
	}, hour)
	b.RegisterDelayedCallback(func() { require.Equal(t, migration.Migrating, b.query(t).Phase) }, hour+time.Minute)
	sum := b.run(t)
	require.Equal(t, migration.Completed, sum.Result)
	require.Greater(t, probes, 60, "about every half a minute")
	require.Equal(t, []string{"hold", "release"}, []string{sum.Audit[0].Action, sum.Audit[1].Action})
}

func TestATallyThatWasOvertakenSaysNothingNew(t *testing.T) {
	t.Parallel()
	b := fileEnv(t)
	b.settings.Concurrency.Batches = 1
	b.batch = func(ctx workflow.Context, in MigrateBatchInput) (*Tally, error) {
		if in.Number == 1 {
			early, late := done(in, 0), done(in, 0)
			early.stamp, late.stamp = stampOf(ctx, in), stampOf(ctx, in)
			early.Outcomes.Migrated, early.Order, late.Sent = 3, "ppp", 1
			workflow.SignalExternalWorkflow(ctx, "acme-1", "", signalTally, late)
			workflow.SignalExternalWorkflow(ctx, "acme-1", "", signalTally, early)
			return done(in, 0), workflow.Sleep(ctx, hour)
		}
		return done(in, 0), nil
	}
	b.RegisterDelayedCallback(func() { require.Equal(t, 10, b.query(t).Outcomes.Migrated) }, time.Minute)
	require.Empty(t, b.run(t).Audit, "it is no stranger's")
}

// Who aborts a run because the target is away doesn't wait for the target.
func TestAnAbortedRunDoesNotWaitToBeReadBack(t *testing.T) {
	t.Parallel()
	b := fileEnv(t)
	b.settings.Reconcile = true
	b.reconcileErr = fault.Activity(&fault.Fault{
		Kind: fault.Retryable, Code: fault.CodeServiceUnavailable, Message: "away", RetryAfter: hour,
	})
	b.batch = func(ctx workflow.Context, in MigrateBatchInput) (*Tally, error) {
		return done(in, 0), workflow.Sleep(ctx, hour)
	}
	var aborted time.Time
	b.RegisterDelayedCallback(func() {
		aborted = b.Now()
		b.update(t, UpdateAbort, OperatorAction{By: "kim"}, true)
	}, 90*time.Minute)
	sum := b.run(t)
	require.Equal(t, migration.Aborted, sum.Result)
	require.Contains(t, sum.Reason, "'ferry reconcile acme-1' does it later")
	require.Less(t, sum.FinishedAt.Sub(aborted), 31*time.Minute, "half an hour for the batches under way, none for the target")
}
