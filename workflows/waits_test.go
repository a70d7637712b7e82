package workflows

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/workflow"

	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
)

// asks is an answer that asks for a wait.
func asks(code string, wait time.Duration) answer {
	return answer{fault: &fault.Fault{Kind: fault.Retryable, Code: code, Message: "later", RetryAfter: wait}}
}

// A target that is away doesn't know for how long: what it asks for counts for
// a minute.
func TestRetryAfterOfATargetThatIsAwayCountsForAMinute(t *testing.T) {
	t.Parallel()
	for _, code := range []string{fault.CodeServiceUnavailable, fault.CodeTimeout, fault.CodeStillPending} {
		for _, wait := range []time.Duration{5 * time.Minute, 24 * time.Hour, 1<<63 - 1} {
			env, s := recordEnv(t, asks(code, wait), answer{})
			out := carry(t, env, recordInput())
			require.Equal(t, migration.Migrated, out.Fate)
			require.Len(t, s.calls, 3)
			took := out.FinishedAt.Sub(*out.StartedAt)
			require.GreaterOrEqual(t, took, time.Minute, "%s %s", code, wait)
			require.Less(t, took, 90*time.Second, "%s %s", code, wait)
		}
	}
}

// No wait outlasts the record's budget: at its end one last attempt is made.
func TestNoWaitOutlastsTheBudget(t *testing.T) {
	t.Parallel()
	for _, code := range []string{fault.CodeServiceUnavailable, fault.CodeTooManyRequests} {
		for _, wait := range []time.Duration{0, 7 * time.Minute, 24 * time.Hour, 1<<63 - 1} {
			env, s := recordEnv(t, asks(code, wait))
			in := recordInput()
			in.HoldAfterSeconds = 0
			out := carry(t, env, in)
			require.Equal(t, fault.CodeTargetUnavailable, out.Code)
			took := out.FinishedAt.Sub(*out.StartedAt)
			require.GreaterOrEqual(t, took, 15*time.Minute, "%s %s", code, wait)
			require.Less(t, took, 15*time.Minute+2*firstWait, "%s %s", code, wait)
			require.Less(t, len(s.calls), 40, "no waits of no length")
		}
	}
	env, s := recordEnv(t, asks(fault.CodeTooManyRequests, 24*time.Hour), answer{})
	require.Equal(t, migration.Migrated, carry(t, env, recordInput()).Fate, "the last attempt may succeed")
	require.Len(t, s.calls, 3)
}

// A resume wakes the records that wait, whether they began to before the run
// was held or while it was; what else is told of the run wakes nobody.
func TestAResumeWakesAWaitingRecord(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		messages []Control // one a minute
		takes    time.Duration
	}{
		"paused and resumed":  {[]Control{{Number: 1, Hold: true}, {Number: 2, Resumes: 1, Releases: 1}}, 2 * time.Minute},
		"the resume alone":    {[]Control{{Number: 2, Resumes: 1, Releases: 1}}, time.Minute},
		"another pace":        {[]Control{{Number: 1, RequestsPerSecond: 9}}, 10 * time.Minute},
		"somebody's old news": {[]Control{{Number: 1, Releases: 1}}, 10 * time.Minute},
		"stop":                {[]Control{{Number: 1, Stop: fault.CodeAborted}}, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env, _ := recordEnv(t, asks(fault.CodeTooManyRequests, 10*time.Minute), answer{})
			for i, msg := range c.messages {
				env.RegisterDelayedCallback(func() { env.SignalWorkflow(signalControl, msg) }, time.Duration(i+1)*time.Minute)
			}
			out := carry(t, env, recordInput())
			took := out.FinishedAt.Sub(*out.StartedAt)
			require.GreaterOrEqual(t, took, c.takes)
			require.Less(t, took, c.takes+10*time.Second)
		})
	}
}

// A record knows how often the run went on before it began, so that the first
// message that it hears doesn't wake it.
func TestEarlierResumesWakeNobody(t *testing.T) {
	t.Parallel()
	env, _ := recordEnv(t, asks(fault.CodeTooManyRequests, 10*time.Minute), answer{})
	env.RegisterDelayedCallback(func() { env.SignalWorkflow(signalControl, Control{Number: 9, Resumes: 3, RequestsPerSecond: 5}) }, time.Minute)
	in := recordInput()
	in.Resumes = 3
	out := carry(t, env, in)
	require.GreaterOrEqual(t, out.FinishedAt.Sub(*out.StartedAt), 10*time.Minute)
}

// An operator's pause costs nothing of the budget, however often and long.
func TestPausesCostNothingOfTheBudget(t *testing.T) {
	t.Parallel()
	answers := make([]answer, 0, 13)
	for range 12 {
		answers = append(answers, retryable(false))
	}
	env, _ := recordEnv(t, append(answers, answer{})...)
	for i := range 6 {
		at := time.Duration(i)*24*time.Hour + time.Second
		env.RegisterDelayedCallback(func() { env.SignalWorkflow(signalControl, Control{Number: 2*i + 1, Hold: true}) }, at)
		env.RegisterDelayedCallback(func() { env.SignalWorkflow(signalControl, Control{Number: 2*i + 2, Resumes: i + 1}) }, at+23*time.Hour)
	}
	require.Equal(t, migration.Migrated, carry(t, env, recordInput()).Fate)
}

// What the root tells when it goes on is for the records that wait, too; what
// it tells of a trouble that is old is not.
func TestOnlyAResumeIsForWaitingRecords(t *testing.T) {
	t.Parallel()
	require.NotEqual(t, Control{Resumes: 1}.forRecords(), Control{}.forRecords())
	b := fileEnv(t)
	b.settings.Concurrency.Batches = 1
	var heard []Control
	b.batch = func(ctx workflow.Context, in MigrateBatchInput) (*Tally, error) {
		workflow.Go(ctx, func(ctx workflow.Context) {
			for {
				var c Control
				workflow.GetSignalChannel(ctx, signalControl).Receive(ctx, &c)
				heard = append(heard, c)
			}
		})
		if in.Number == 1 {
			_ = workflow.Sleep(ctx, 3*time.Minute)
			workflow.SignalExternalWorkflow(ctx, "acme-1", "", signalTrouble, Trouble{
				stamp: stampOf(ctx, in), Batch: 1, Code: fault.CodeUnauthorized, Refused: true, Record: 7, Since: b.Now().Add(-hour),
			})
		}
		return done(in, 0), workflow.Sleep(ctx, time.Minute)
	}
	b.RegisterDelayedCallback(func() { b.update(t, UpdatePause, OperatorAction{By: "kim"}, true) }, time.Minute)
	b.RegisterDelayedCallback(func() { b.update(t, UpdateResume, OperatorAction{By: "kim"}, true) }, 2*time.Minute)
	require.Equal(t, migration.Completed, b.run(t).Result)
	require.Len(t, heard, 3)
	require.Equal(t, []int{0, 1, 1}, []int{heard[0].Resumes, heard[1].Resumes, heard[2].Resumes})
	require.Equal(t, []int{0, 1, 2}, []int{heard[0].Releases, heard[1].Releases, heard[2].Releases})
}
