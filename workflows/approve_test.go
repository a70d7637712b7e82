package workflows

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/migrationfile"
)

// approve sends an approval and gives what became of it: the error of the
// validator, or of the handler.
func (b *fileBundle) approve(plan string) *error {
	var got error
	b.UpdateWorkflow(UpdateApprove, "", &testsuite.TestUpdateCallback{
		OnAccept: func() {},
		OnReject: func(err error) { got = err },
		OnComplete: func(_ any, err error) {
			if err != nil {
				got = err
			}
		},
	}, ApproveInput{OperatorAction: OperatorAction{By: "kim"}, Plan: plan})
	return &got
}

func TestApprovalOfAPlanThatHasChangedIsRefused(t *testing.T) {
	t.Parallel()
	b := fileEnv(t)
	b.settings.RequireApproval = true
	rate := 0.5
	var old, now, rules *error
	b.RegisterDelayedCallback(func() {
		require.Equal(t, "waiting for approval of plan abc123", b.query(t).Reason)
		b.update(t, UpdateSetLimits, SetLimitsInput{OperatorAction: OperatorAction{By: "kim"}, Limits: LimitsInput{ErrorRate: &rate}}, true)
	}, hour)
	b.RegisterDelayedCallback(func() {
		old = b.approve("abc123")
		b.planErr = fault.Activity(&fault.Fault{Kind: fault.Final, Code: fault.CodePlanChanged, Message: "the rules have changed"})
		rules = b.approve(planIn(b.query(t).Reason))
	}, 2*hour)
	b.RegisterDelayedCallback(func() {
		require.Equal(t, migration.AwaitingApproval, b.query(t).Phase)
		require.Empty(t, b.started)
		b.planErr = nil
		now = b.approve(planIn(b.query(t).Reason))
	}, 3*hour)
	require.Equal(t, migration.Completed, b.run(t).Result)
	require.ErrorContains(t, *old, `plan "abc123" is not the plan`)
	require.ErrorContains(t, *rules, "the rules have changed")
	require.NoError(t, *now)
	require.Len(t, b.audit, 2, "what was refused is no action")
}

// The answer of an approval and of an abort shows the phase after it, and the
// hash of a plan is a field of its own.
func TestAnswersShowThePhaseAfterThem(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]struct {
		input  any
		phase  migration.Phase
		result migration.Result
	}{
		UpdateApprove: {ApproveInput{OperatorAction: OperatorAction{By: "kim"}, Plan: "abc123"}, migration.Migrating, migration.Completed},
		UpdateAbort:   {OperatorAction{By: "kim"}, migration.Stopping, migration.Aborted},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := fileEnv(t)
			b.settings.RequireApproval = true
			var answer *Summary
			b.RegisterDelayedCallback(func() {
				require.Equal(t, "abc123", b.query(t).PlanHash)
				b.UpdateWorkflow(name, "", &testsuite.TestUpdateCallback{
					OnAccept:   func() {},
					OnReject:   func(err error) { t.Error(err) },
					OnComplete: func(s any, _ error) { answer, _ = s.(*Summary) },
				}, want.input)
			}, hour)
			require.Equal(t, want.result, b.run(t).Result)
			require.Equal(t, want.phase, answer.Phase)
			require.NotContains(t, answer.Reason, "waiting for approval")
		})
	}
}

// planIn is the plan that a reason names last.
func planIn(reason string) string { return reason[len(reason)-12:] }

func twoWaves(b *fileBundle) {
	b.settings.Waves = true
	b.waves = []migrationfile.Wave{
		{Number: 1, FirstBatch: 1, LastBatch: 1, Records: 10}, {Number: 2, FirstBatch: 2, LastBatch: 10, Records: 90},
	}
}

func TestTheFirstWaveCanWaitForApproval(t *testing.T) {
	t.Parallel()
	b := fileEnv(t)
	twoWaves(b)
	b.settings.ApproveFirstWave = true
	b.imported = nil
	var got *error
	b.RegisterDelayedCallback(func() {
		sum := b.query(t)
		require.Equal(t, migration.AwaitingApproval, sum.Phase)
		require.Equal(t, "wave 1 is done, 0 of its 10 records failed; waiting for approval of plan abc123", sum.Reason)
		require.Equal(t, []int{1}, b.started)
		require.Len(t, b.readBack, 1, "it was read back before anybody is asked")
		got = b.approve("abc123")
	}, hour)
	require.Equal(t, migration.Completed, b.run(t).Result)
	require.NoError(t, *got)
	require.Len(t, b.started, 10)
}

func TestAbortEndsTheWaitForTheSecondApproval(t *testing.T) {
	t.Parallel()
	b := fileEnv(t)
	twoWaves(b)
	b.settings.ApproveFirstWave = true
	b.RegisterDelayedCallback(func() { b.update(t, UpdateAbort, OperatorAction{By: "kim"}, true) }, 30*time.Minute)
	require.Equal(t, migration.Aborted, b.run(t).Result)
	require.Equal(t, []int{1}, b.started)
	require.Equal(t, 1, b.reported.Opened)
}

func TestAPauseDoesNotHideWhatIsWaitedFor(t *testing.T) {
	t.Parallel()
	b := fileEnv(t)
	b.settings.RequireApproval = true
	kim := OperatorAction{By: "kim"}
	b.RegisterDelayedCallback(func() { b.update(t, UpdatePause, kim, true) }, hour)
	b.RegisterDelayedCallback(func() {
		require.Equal(t, "paused by kim", b.query(t).Reason)
		b.update(t, UpdateResume, kim, true)
	}, 2*hour)
	b.RegisterDelayedCallback(func() {
		require.Equal(t, "waiting for approval of plan abc123", b.query(t).Reason)
		b.update(t, UpdatePause, kim, true)
		b.approve("abc123")
	}, 3*hour)
	b.RegisterDelayedCallback(func() {
		require.Equal(t, "paused by kim", b.query(t).Reason)
		require.Empty(t, b.started, "approved, and still paused")
		b.update(t, UpdateResume, kim, true)
	}, 4*hour)
	require.Equal(t, migration.Completed, b.run(t).Result)
}
