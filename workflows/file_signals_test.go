package workflows

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/workflow"

	"github.com/f0a90b9a/ferry/internal/migration"
)

// hourBatches is a migration whose batches take an hour each, one after the
// other.
func hourBatches(t *testing.T) *fileBundle {
	t.Helper()
	b := fileEnv(t)
	b.settings.Concurrency.Batches = 1
	b.batch = func(ctx workflow.Context, in MigrateBatchInput) (*Tally, error) {
		return done(in, 0), workflow.Sleep(ctx, hour)
	}
	return b
}

// signal sends what an older tool would: the JSON as it was typed.
func (b *fileBundle) signal(name, text string) {
	b.SignalWorkflow(name, converter.NewRawValue(rawJSON(text)))
}

func TestSignalsOfOlderToolsActLikeUpdates(t *testing.T) {
	t.Parallel()
	b := hourBatches(t)
	b.RegisterDelayedCallback(func() { b.signal(UpdatePause, `{"by":"kim","reason":"merchant asked"}`) }, 90*time.Minute)
	b.RegisterDelayedCallback(func() {
		require.Len(t, b.started, 2, "days of pause start nothing")
		require.Equal(t, "paused by kim: merchant asked", b.query(t).Reason)
		b.signal(UpdateResume, `{"by":"kim"}`)
	}, 100*hour)
	b.RegisterDelayedCallback(func() { b.signal(UpdateAbort, `{"by":"eve","reason":"wrong file"}`) }, 101*hour+30*time.Minute)
	sum := b.run(t)
	require.Equal(t, migration.Aborted, sum.Result)
	require.Equal(t, "aborted by eve: wrong file", sum.Reason)
	require.Less(t, len(b.started), 10)
	var audit []string
	for _, e := range sum.Audit {
		audit = append(audit, e.Action+" "+e.By+" "+e.Reason)
	}
	require.Equal(t, []string{"pause kim merchant asked", "resume kim ", "abort eve wrong file"}, audit)
}

func TestSignalsThatCannotBeTakenAreToldInTheAudit(t *testing.T) {
	t.Parallel()
	for text, says := range map[string]string{
		`{}`:                        `"by" is missing`,
		`{"by":"kim","raeson":"x"}`: `unknown field "raeson"`,
		`{"by":4711}`:               `field "by" takes no number`,
		`"kim"`:                     "not a JSON object",
		`{"by":"` + strings.Repeat("k", 101) + `"}`:                   "101 characters",
		`{"by":"kim","reason":"` + strings.Repeat("r", 20_000) + `"}`: "more than 16384",
	} {
		b := hourBatches(t)
		b.RegisterDelayedCallback(func() {
			for range 5 {
				b.signal(UpdatePause, text)
			}
			b.signal(UpdateResume, `{"by":"kim"}`)
			b.signal(UpdatePause, text)
		}, 90*time.Minute)
		sum := b.run(t)
		require.Equal(t, migration.Completed, sum.Result, text)
		require.Len(t, sum.Audit, 1, "one line, however many")
		e := sum.Audit[0]
		require.Equal(t, []string{"ferry", "refuse"}, []string{e.By, e.Action})
		require.Contains(t, e.Reason, "7 signals")
		require.Contains(t, e.Detail, `"pause"`)
		require.Contains(t, e.Detail, says)
		require.NotContains(t, e.Detail, "\n")
		require.Less(t, len(e.Detail), 700)
	}
}

func TestASignalThatComesTooLateSaysWhy(t *testing.T) {
	t.Parallel()
	b := hourBatches(t)
	b.RegisterDelayedCallback(func() { b.signal(UpdateResume, `{"by":"kim"}`) }, 30*time.Minute)
	sum := b.run(t)
	require.Equal(t, migration.Completed, sum.Result)
	require.Len(t, sum.Audit, 1)
	require.Equal(t, `the last was "resume": of kim; migration acme-1 is not paused (phase MIGRATING)`, sum.Audit[0].Detail)
}

// A signal that came with the last news of a history must not be lost when the
// run continues in a new one.
func TestASignalIsHeardBeforeTheRunContinuesAsNew(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]func(Carried) bool{
		UpdatePause: func(c Carried) bool { return c.Hold && c.Reason == "paused by kim" },
		UpdateAbort: func(c Carried) bool { return c.Stop != "" && c.Reason == "aborted by kim" },
	} {
		var carried Carried
		env := quietEnv()
		env.RegisterWorkflow(continuing)
		env.RegisterDelayedCallback(func() { env.SignalWorkflow(name, OperatorAction{By: "kim"}) }, time.Minute)
		env.ExecuteWorkflow(continuing)
		var again *workflow.ContinueAsNewError
		require.ErrorAs(t, env.GetWorkflowError(), &again)
		var in MigrateFileInput
		require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(again.Input, &in))
		carried = *in.Carried
		require.True(t, want(carried), "%s: %+v", name, carried)
		require.Len(t, carried.Audit, 1, fmt.Sprint(carried.Audit))
	}
}

// continuing is a root that is about to continue while nobody listens.
func continuing(ctx workflow.Context) error {
	r := &fileRun{Carried: Carried{Behaviour: behaviourWary}, id: "acme-1", ctx: ctx, phase: migration.Migrating}
	if err := workflow.Sleep(ctx, 2*time.Minute); err != nil {
		return err
	}
	return r.continueAsNew()
}
