package workflows

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"github.com/f0a90b9a/ferry/activities"
	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
)

// script answers PerformStep: one answer a call, the last one for ever.
type script struct {
	t       *testing.T
	answers []answer
	calls   []activities.PerformStepInput
}

type answer struct {
	fault *fault.Fault
	found bool               // the target had it, with these steps left
	left  []entitlement.Step // after a find
}

func (s *script) perform(_ context.Context, in activities.PerformStepInput) (*activities.PerformStepResult, error) {
	a := s.answers[min(len(s.calls), len(s.answers)-1)]
	s.calls = append(s.calls, in)
	if a.fault != nil {
		return nil, fault.Once(a.fault)
	}
	steps := []entitlement.Step{entitlement.Create, entitlement.Activate}
	res := &activities.PerformStepResult{EntitlementID: "target-id", Found: a.found}
	if a.found {
		res.Remaining, res.Done = a.left, steps[:len(steps)-len(a.left)]
		return res, nil
	}
	for i, step := range steps {
		if step == in.Step {
			res.Done, res.Remaining = steps[:i+1], steps[i+1:]
		}
	}
	return res, nil
}

func recordEnv(t *testing.T, answers ...answer) (*testsuite.TestWorkflowEnvironment, *script) {
	t.Helper()
	env := quietEnv()
	s := &script{t: t, answers: answers}
	env.RegisterActivityWithOptions(s.perform, activity.RegisterOptions{Name: activities.PerformStepName})
	RegisterWorkflows(env)
	beChild(env, EntitlementID("acme-nova", "ext-7"), BatchID("m", 1))
	return env, s
}

func recordInput() MigrateEntitlementInput {
	return MigrateEntitlementInput{
		RecordRef: activities.RecordRef{Migration: "m", Record: 7, ExternalEntitlementID: "ext-7"},
		Route:     "acme-nova", Status: entitlement.Active,
		Steps:     []entitlement.Step{entitlement.Create, entitlement.Activate},
		Behaviour: currentBehaviour, RetryBudgetSeconds: 900, HoldAfterSeconds: 120,
	}
}

func retryable(unclear bool) answer {
	return answer{fault: &fault.Fault{
		Kind: fault.Retryable, Code: fault.CodeServiceUnavailable, HTTPStatus: 503, Message: "away", Unclear: unclear,
	}}
}

// carry runs a record and gives its outcome, failed or not.
func carry(t *testing.T, env *testsuite.TestWorkflowEnvironment, in MigrateEntitlementInput) migration.Outcome {
	t.Helper()
	env.ExecuteWorkflow(MigrateEntitlementName, in)
	require.True(t, env.IsWorkflowCompleted())
	var out migration.Outcome
	if err := env.GetWorkflowError(); err != nil {
		require.True(t, fault.Outcome(err, &out), "%v", err)
		var app *temporal.ApplicationError
		require.ErrorAs(t, err, &app)
		require.Equal(t, out.Code, app.Type())
		return out
	}
	require.NoError(t, env.GetWorkflowResult(&out))
	return out
}

func TestRecordIsCarriedThroughItsSteps(t *testing.T) {
	t.Parallel()
	env, s := recordEnv(t, answer{})
	in := recordInput()
	in.RunMark = "mark"
	out := carry(t, env, in)
	require.Equal(t, migration.Migrated, out.Fate)
	require.Equal(t, "target-id", out.EntitlementID)
	require.Len(t, s.calls, 2)
	require.Equal(t, "mark", s.calls[0].RunMark, "by it a worker knows whose call it is")
	require.Equal(t, "target-id", s.calls[1].EntitlementID)
}

func TestRefusedStepFailsTheRecordHalfWay(t *testing.T) {
	t.Parallel()
	env, _ := recordEnv(t, answer{}, answer{fault: &fault.Fault{
		Kind: fault.Final, Code: fault.CodeNotAvailable, HTTPStatus: 422, Message: "no",
	}})
	out := carry(t, env, recordInput())
	require.Equal(t, migration.Failed, out.Fate)
	require.Equal(t, fault.CodeNotAvailable, out.Code)
	require.Equal(t, entitlement.Activate, out.Step)
	require.Equal(t, 422, out.HTTPStatus)
	require.True(t, out.Partial())
	require.Equal(t, "target-id", out.EntitlementID)
	require.False(t, out.Retryable)
}

func TestRecordWaitsForATargetThatIsAway(t *testing.T) {
	t.Parallel()
	env, s := recordEnv(t, retryable(false), retryable(false), retryable(false), answer{})
	out := carry(t, env, recordInput())
	require.Equal(t, migration.Migrated, out.Fate)
	require.Len(t, s.calls, 5)
}

func TestRetryBudgetEndsTheRecord(t *testing.T) {
	t.Parallel()
	env, s := recordEnv(t, retryable(false))
	in := recordInput()
	in.HoldAfterSeconds = 0
	out := carry(t, env, in)
	require.Equal(t, fault.CodeTargetUnavailable, out.Code)
	require.True(t, out.Retryable)
	require.False(t, out.Partial())
	require.Contains(t, out.Message, "SERVICE_UNAVAILABLE")
	spent := out.FinishedAt.Sub(*out.StartedAt)
	require.GreaterOrEqual(t, spent, 15*time.Minute)
	require.Less(t, spent, 18*time.Minute)
	require.Less(t, len(s.calls), 40, "waits grow")
}

func TestRetryAfterIsHonoured(t *testing.T) {
	t.Parallel()
	throttled := answer{fault: &fault.Fault{
		Kind: fault.Retryable, Code: fault.CodeTooManyRequests, HTTPStatus: 429, Message: "slow down", RetryAfter: 5 * time.Minute,
	}}
	env, _ := recordEnv(t, throttled, answer{})
	out := carry(t, env, recordInput())
	require.Equal(t, migration.Migrated, out.Fate)
	require.GreaterOrEqual(t, out.FinishedAt.Sub(*out.StartedAt), 5*time.Minute)
}

// The answer after the hold is retryable, too: only then is the budget looked
// at with the held time in it.
func TestHoldCostsNothingOfTheBudget(t *testing.T) {
	t.Parallel()
	env, s := recordEnv(t, retryable(false), retryable(false), answer{})
	env.RegisterDelayedCallback(func() { env.SignalWorkflow(signalControl, Control{Hold: true}) }, 100*time.Millisecond)
	env.RegisterDelayedCallback(func() { require.Len(t, s.calls, 1, "nothing is repeated while held") }, 23*time.Hour)
	env.RegisterDelayedCallback(func() { env.SignalWorkflow(signalControl, Control{}) }, 24*time.Hour)
	out := carry(t, env, recordInput())
	require.Equal(t, migration.Migrated, out.Fate)
}

func TestStopEndsAWaitingRecord(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answers []answer
		fate    migration.Fate
		code    string
		partial bool
	}{
		"nothing written":        {[]answer{retryable(false)}, migration.NotAttempted, fault.CodeAborted, false},
		"nobody knows":           {[]answer{retryable(true)}, migration.Failed, fault.CodeInterrupted, false},
		"created, not activated": {[]answer{{}, retryable(false)}, migration.Failed, fault.CodeInterrupted, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env, _ := recordEnv(t, c.answers...)
			env.RegisterDelayedCallback(func() {
				env.SignalWorkflow(signalControl, Control{Stop: fault.CodeAborted})
			}, 30*time.Second)
			out := carry(t, env, recordInput())
			require.Equal(t, c.fate, out.Fate)
			require.Equal(t, c.code, out.Code)
			require.Equal(t, c.partial, out.Partial())
			require.Less(t, out.FinishedAt.Sub(*out.StartedAt), time.Minute)
		})
	}
}

func TestRecordCancelledByHandSaysSo(t *testing.T) {
	t.Parallel()
	for fate, unclear := range map[migration.Fate]bool{migration.NotAttempted: false, migration.Failed: true} {
		env, _ := recordEnv(t, retryable(unclear))
		env.RegisterDelayedCallback(env.CancelWorkflow, 10*time.Second)
		out := carry(t, env, recordInput())
		require.Equal(t, fate, out.Fate)
		require.Equal(t, fault.CodeOperatorStopped, out.Code)
	}
}

func TestControlOfAnotherMigrationIsNotForThisRecord(t *testing.T) {
	t.Parallel()
	env, s := recordEnv(t, retryable(false), answer{})
	env.RegisterDelayedCallback(func() {
		env.SignalWorkflow(signalControl, recordControl{Control: Control{Stop: fault.CodeAborted}, Migration: "another"})
	}, 100*time.Millisecond)
	require.Equal(t, migration.Migrated, carry(t, env, recordInput()).Fate)
	require.Len(t, s.calls, 3)
}

// Signals between workflows may overtake each other: a hold that comes after
// its own release must not hold the record for ever.
func TestControlThatWasOvertakenChangesNothing(t *testing.T) {
	t.Parallel()
	env, s := recordEnv(t, retryable(false), answer{})
	env.RegisterDelayedCallback(func() {
		env.SignalWorkflow(signalControl, Control{Number: 3, Releases: 1})
		env.SignalWorkflow(signalControl, Control{Number: 2, Hold: true})
	}, 100*time.Millisecond)
	require.Equal(t, migration.Migrated, carry(t, env, recordInput()).Fate)
	require.Len(t, s.calls, 3)
}

func TestRefusedCredentialsWaitForTheOperator(t *testing.T) {
	t.Parallel()
	env, s := recordEnv(t, answer{fault: &fault.Fault{Kind: fault.Unauthorized, Code: fault.CodeUnauthorized, Message: "no"}}, answer{})
	env.RegisterDelayedCallback(func() { env.SignalWorkflow(signalControl, Control{Hold: true}) }, time.Minute)
	env.RegisterDelayedCallback(func() { require.Len(t, s.calls, 1) }, 40*time.Hour)
	env.RegisterDelayedCallback(func() { env.SignalWorkflow(signalControl, Control{}) }, 48*time.Hour)
	out := carry(t, env, recordInput())
	require.Equal(t, migration.Migrated, out.Fate)
	require.Equal(t, s.calls[0].Step, s.calls[1].Step, "the step is kept")
}

func TestWhatTheTargetHadBeforeIsAlreadyMigrated(t *testing.T) {
	t.Parallel()
	found := answer{found: true}
	for name, c := range map[string]struct {
		look, restarted bool
		answers         []answer
		fate            migration.Fate
	}{
		"found by the batch":               {true, false, []answer{found}, migration.AlreadyMigrated},
		"appeared since":                   {false, false, []answer{found}, migration.Migrated},
		"found after a restart":            {true, true, []answer{found}, migration.Migrated},
		"found further back, then carried": {true, false, []answer{{found: true, left: []entitlement.Step{entitlement.Activate}}, {}}, migration.Migrated},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env, _ := recordEnv(t, c.answers...)
			in := recordInput()
			in.Look, in.Restarted = c.look, c.restarted
			require.Equal(t, c.fate, carry(t, env, in).Fate)
		})
	}
}

func TestAcceptedStepIsPolledNotRepeated(t *testing.T) {
	t.Parallel()
	pending := answer{fault: &fault.Fault{
		Kind: fault.Retryable, Code: fault.CodeStillPending, HTTPStatus: 202, EntitlementID: "target-id", Unclear: true,
	}}
	env, s := recordEnv(t, pending, pending, answer{})
	out := carry(t, env, recordInput())
	require.Equal(t, migration.Migrated, out.Fate)
	require.False(t, s.calls[0].Accepted)
	require.True(t, s.calls[1].Accepted)
	require.True(t, s.calls[2].Accepted)
	require.Equal(t, "target-id", s.calls[1].EntitlementID)
	require.False(t, s.calls[3].Accepted, "the next step is called")

	env, _ = recordEnv(t, pending)
	out = carry(t, env, recordInput())
	require.Equal(t, fault.CodeStillPending, out.Code)
	require.True(t, out.Partial(), "what the target has accepted is not to be lost")
}

func TestWaitingForItsOwnPaceCostsNoBudget(t *testing.T) {
	t.Parallel()
	late := answer{fault: &fault.Fault{Kind: fault.Retryable, Code: fault.CodePaced, Message: "not yet"}}
	answers := make([]answer, 0, 2001)
	for range 2000 {
		answers = append(answers, late)
	}
	answers = append(answers, retryable(false), answer{})
	env, s := recordEnv(t, answers...)
	require.Equal(t, migration.Migrated, carry(t, env, recordInput()).Fate, "not even once the target is away, too")
	require.Len(t, s.calls, len(answers)+1)
}
