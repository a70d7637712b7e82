package workflows

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
)

// hourly has each batch take an hour, so that there is time to steer.
func (b *fileBundle) hourly() {
	b.settings.Concurrency.Batches = 1
	b.batch = func(ctx workflow.Context, in MigrateBatchInput) (*Tally, error) {
		return done(in, 0), workflow.Sleep(ctx, hour)
	}
}

// send sends an update as the Temporal UI would. What it gives is, a moment
// later, why it was refused; nil if it was taken.
func (b *fileBundle) send(update string, payloads ...string) *error {
	var got error
	args := make([]any, len(payloads))
	for i, p := range payloads {
		args[i] = converter.NewRawValue(rawJSON(p))
	}
	b.UpdateWorkflow(update, "", &testsuite.TestUpdateCallback{
		OnAccept: func() {}, OnReject: func(err error) { got = err }, OnComplete: func(any, error) {},
	}, args...)
	return &got
}

func TestUpdatesRefuseWhatTheyDoNotTake(t *testing.T) {
	t.Parallel()
	b := fileEnv(t)
	b.hourly()
	long := strings.Repeat("x", 120_000)
	var before Summary
	var got []*error
	cases := []struct{ update, input, says string }{
		{UpdateSetLimits, `{"by":"kim","limits":{"errorrat":0.2}}`, `unknown field "errorrat"`},
		{UpdateSetLimits, `{"by":"kim","errorRate":0.2}`, `unknown field "errorRate" (it takes: Change error limits`},
		{UpdateSetLimits, `{"by":"kim","limit":{"errorRate":0.2}}`, `unknown field "limit"`},
		{UpdateSetLimits, `{"by":"kim","limits":{"errorRate":"0.2"}}`, "cannot unmarshal string"},
		{UpdateSetLimits, `{"by":"kim"}`, "nothing would change: errorRate is 0.1"},
		{UpdateSetLimits, `{"by":"kim","limits":{"errorRate":0.1}}`, "nothing would change"},
		{UpdateSetLimits, `{"by":"kim","limits":{"consecutive":100000001}}`, "limits.consecutive 100000001 is out of range"},
		{UpdateSetConcurrency, `{"by":"kim","batches":2}`, `unknown field "batches"`},
		{UpdateSetConcurrency, `{"by":"kim","concurrency":{"width":2}}`, `unknown field "width"`},
		{UpdateSetConcurrency, `{"by":"kim","requestsPerSecond":0}`, "nothing would change"},
		{UpdateSetConcurrency, `{"by":"kim","requestsPerSecond":1000000}`, "requestsPerSecond 1e+06 is out of range"},
		{UpdatePause, `{"by":"kim","why":"lunch"}`, `unknown field "why"`},
		{UpdatePause, `{"who":"kim"}`, `unknown field "who"`},
		{UpdatePause, `"kim"`, "cannot unmarshal string"},
		{UpdatePause, `null`, `"by" is missing`},
		{UpdatePause, `{"by":"kim","reason":"` + long + `"}`, `"reason" has 120000 characters: use at most 500`},
		{UpdatePause, `{"by":"` + long + `"}`, `"by" has 120000 characters: use at most 100`},
		{UpdatePause, `{"by":"kim","reason":"a\u001b[2Jb"}`, "control character U+001B"},
		{UpdateAbort, `{"by":"kim","` + long + `":1}`, `unknown field "xxxx`},
		{UpdateApprove, `{"by":"kim","hash":"abc123"}`, `unknown field "hash"`},
		{UpdateApprove, `{"by":"kim","plan":"` + long + `"}`, "plan is 120000 bytes long"},
		{UpdateApprove, `{"by":"kim","plan":"abc123"}`, "not waiting for approval"},
		{UpdateResume, `{"by":"kim\nby root"}`, "control character"},
	}
	b.RegisterDelayedCallback(func() {
		before = b.query(t)
		for _, c := range cases {
			got = append(got, b.send(c.update, c.input))
		}
		got = append(got, b.send(UpdatePause, `{"by":"kim"}`, `{"reason":"lunch"}`))
		got = append(got, b.send(UpdateSetLimits, `{"by":"kim"}`, `{"limits":{"errorRate":0.3}}`))
	}, 90*time.Minute)
	b.RegisterDelayedCallback(func() {
		for i, c := range cases {
			require.ErrorContains(t, *got[i], c.says, c.input)
			require.Less(t, len((*got[i]).Error()), 1000, "what is quoted is cut")
		}
		require.ErrorContains(t, *got[len(cases)], "takes one input")
		require.ErrorContains(t, *got[len(cases)+1], "takes one input")
		require.Equal(t, before, b.query(t), "what was refused changes nothing")
	}, 91*time.Minute)
	sum := b.run(t)
	require.Equal(t, migration.Completed, sum.Result)
	require.Empty(t, sum.Audit)
}

func TestTheAuditTrailTellsChangesInWords(t *testing.T) {
	t.Parallel()
	b := fileEnv(t)
	b.hourly()
	b.RegisterDelayedCallback(func() {
		b.send(UpdateSetLimits, `{"by":"kim","limits":{"errorRate":0.2,"consecutive":20}}`)
		b.send(UpdateSetConcurrency, `{"by":"kim","concurrency":{"perBatch":5},"requestsPerSecond":2.5}`)
	}, 90*time.Minute)
	sum := b.run(t)
	require.Equal(t, "errorRate 0.1 → 0.2, consecutive 10 → 20", sum.Audit[0].Detail)
	require.Equal(t, "perBatch 10 → 5, requestsPerSecond 0 → 2.5", sum.Audit[1].Detail)
}

func TestStartsRefuseWhatTheyDoNotTake(t *testing.T) {
	t.Parallel()
	good := `{"file":"s3://p/a.json","route":"r"}`
	for says, inputs := range map[string][]string{
		"several inputs":                 {good, `{"dryRun":true}`},
		"file is 100000 bytes long":      {`{"file":"` + strings.Repeat("x", 100_000) + `","route":"r"}`},
		"route is 100000 bytes long":     {`{"file":"s3://p/a.json","route":"` + strings.Repeat("x", 100_000) + `"}`},
		"is no migration's id":           {`{"file":"s3://p/a.json","route":"r","parent":"` + strings.Repeat("x", 100_000) + `"}`},
		`parent "a b" is no migration`:   {`{"file":"s3://p/a.json","route":"r","parent":"a b"}`},
		`unknown field "` + "xxxxxxxxxx": {`{"` + strings.Repeat("x", 100_000) + `":1}`},
	} {
		b := fileEnv(t)
		var payloads []any
		for _, in := range inputs {
			payloads = append(payloads, converter.NewRawValue(rawJSON(in)))
		}
		b.ExecuteWorkflow(MigrateFileName, payloads...)
		var app *temporal.ApplicationError
		require.ErrorAs(t, b.GetWorkflowError(), &app, says)
		require.Equal(t, fault.CodeBadInput, app.Type())
		require.Contains(t, app.Message(), says)
		require.Less(t, len(app.Message()), 1000)
	}
}
