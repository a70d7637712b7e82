package workflows

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/limits"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/migrationfile"
)

const testMark = "5f2c9a10b3d45f2c9a10b3d4aaaaaaaa"

// nonsense is what a stranger may send on a channel that expects an object.
func nonsense() map[string]any {
	raw := func(encoding, data string) converter.RawValue {
		return converter.NewRawValue(&commonpb.Payload{Metadata: map[string][]byte{"encoding": []byte(encoding)}, Data: []byte(data)})
	}
	return map[string]any{
		"null": nil, "list": []int{1}, "text": "hold", "number": 4711, "bytes": []byte{0, 1, 2}, "half": raw("json/plain", `{"hold":tr`),
		"wrong types": raw("json/plain", `{"number":"x","hold":"y","code":1,"outcomes":[]}`),
		"encrypted":   raw("binary/encrypted", "\x00"), "no encoding": converter.NewRawValue(&commonpb.Payload{Data: []byte("{}")}),
		"huge": raw("json/plain", `{"hold":true,"x":"`+strings.Repeat("x", maxTallyBytes)+`"}`),
	}
}

// markedInput is a batch of a run with a mark, held.
func markedInput() MigrateBatchInput {
	in := batchInput()
	in.Control.stamp = stamp{Mark: testMark, Run: "root-run"}
	in.Control.Hold = true
	return in
}

func TestABatchHearsItsRootThroughNonsense(t *testing.T) {
	t.Parallel()
	for name, payload := range nonsense() {
		for _, channel := range []string{signalControl, signalTrouble} {
			b := batchEnv(t)
			in := markedInput()
			b.RegisterDelayedCallback(func() { b.SignalWorkflow(channel, payload) }, time.Minute)
			b.RegisterDelayedCallback(func() {
				require.Empty(t, b.started)
				c := in.Control
				c.Number, c.Hold = 1, false
				b.SignalWorkflow(signalControl, c)
			}, hour)
			tally := b.run(t, in)
			require.Equal(t, 10, tally.Outcomes.Migrated, "%s on %s", name, channel)
			require.Equal(t, 1, tally.Dropped, "%s on %s", name, channel)
		}
	}
}

func TestABatchHeedsNoForgedControl(t *testing.T) {
	t.Parallel()
	forged := func(change func(*Control)) Control {
		c := markedInput().Control
		c.Number, c.Hold = 1, false
		change(&c)
		return c
	}
	for name, c := range map[string]Control{
		"without a mark":       forged(func(c *Control) { c.stamp = stamp{} }),
		"another's mark":       forged(func(c *Control) { c.Mark = "5f2c9a10" }),
		"a huge number":        forged(func(c *Control) { c.Number = 1 << 40 }),
		"a negative number":    forged(func(c *Control) { c.Number = -1 }),
		"no width":             forged(func(c *Control) { c.Width = 0 }),
		"a huge width":         forged(func(c *Control) { c.Width = 1 << 40 }),
		"an unknown stop":      forged(func(c *Control) { c.Stop = "BECAUSE" }),
		"a negative limit":     forged(func(c *Control) { c.Consecutive = -1 }),
		"a negative pace":      forged(func(c *Control) { c.RequestsPerSecond = -1 }),
		"a pace beyond bounds": forged(func(c *Control) { c.RequestsPerSecond = 1e300 }),
		"huge resumes":         forged(func(c *Control) { c.Resumes = 1 << 40 }),
		"huge releases":        forged(func(c *Control) { c.Releases = 1 << 40 }),
		"of the future":        forged(func(c *Control) { c.At = time.Now().Add(9999 * hour) }),
	} {
		b := batchEnv(t)
		in := markedInput()
		b.RegisterDelayedCallback(func() { b.SignalWorkflow(signalControl, c) }, time.Minute)
		b.RegisterDelayedCallback(func() {
			require.Empty(t, b.started, name)
			b.SignalWorkflow(signalControl, forged(func(*Control) {}))
		}, hour)
		tally := b.run(t, in)
		require.Equal(t, 10, tally.Outcomes.Migrated, name)
		require.Equal(t, 1, tally.Dropped, name)
	}
}

// A run of the first behaviour goes on to hear messages without a mark, and is
// no less safe from what makes no sense.
func TestARunOfTheFirstBehaviourHearsMessagesWithoutAMark(t *testing.T) {
	t.Parallel()
	b := batchEnv(t)
	in := batchInput()
	in.Behaviour, in.Control.Hold = behaviourFirst, true
	for _, payload := range nonsense() {
		b.RegisterDelayedCallback(func() { b.SignalWorkflow(signalControl, payload) }, time.Second)
	}
	deaf := in.Control
	deaf.Number = 1 << 40
	b.RegisterDelayedCallback(func() { b.SignalWorkflow(signalControl, deaf) }, time.Minute)
	b.RegisterDelayedCallback(func() {
		in.Control.Hold, in.Control.Number = false, 1
		b.SignalWorkflow(signalControl, in.Control)
	}, hour)
	tally := b.run(t, in)
	require.Equal(t, 10, tally.Outcomes.Migrated)
	require.Equal(t, len(nonsense())+1, tally.Dropped)
}

func TestAStopIsHeardHoweverLate(t *testing.T) {
	t.Parallel()
	b := batchEnv(t)
	in := markedInput()
	in.Control.Number = 7
	b.RegisterDelayedCallback(func() {
		c := in.Control
		c.Number, c.Stop = 3, fault.CodeAborted
		b.SignalWorkflow(signalControl, c)
	}, time.Minute)
	b.run(t, in)
	require.Empty(t, b.started)
	require.Equal(t, fault.CodeAborted, b.written.Code)
}

// What a root or batch tells the leftovers of its earlier runs is not for its
// own children, however often it is sent again.
func TestAMessageToLeftoversIsNotForChildren(t *testing.T) {
	t.Parallel()
	b := batchEnv(t)
	in := markedInput()
	in.Control.Hold = false
	b.takes[101] = hour
	b.RegisterDelayedCallback(func() {
		c := in.Control
		c.Stop, c.Leftover = fault.CodeOperatorStopped, parentRun
		b.SignalWorkflow(signalControl, c)
	}, time.Minute)
	require.Equal(t, 10, b.run(t, in).Outcomes.Migrated)

	b = batchEnv(t)
	b.takes[101] = hour
	b.RegisterDelayedCallback(func() {
		c := in.Control
		c.Stop, c.Leftover = fault.CodeOperatorStopped, "an heir of the parent"
		b.SignalWorkflow(signalControl, c)
	}, time.Minute)
	b.run(t, in)
	require.Equal(t, fault.CodeOperatorStopped, b.written.Code)
}

func TestARecordHearsItsBatchThroughNonsense(t *testing.T) {
	t.Parallel()
	for name, payload := range nonsense() {
		env, _ := recordEnv(t, retryable(false))
		in := recordInput()
		in.RunMark = testMark
		env.RegisterDelayedCallback(func() { env.SignalWorkflow(signalControl, payload) }, 30*time.Second)
		env.RegisterDelayedCallback(func() {
			env.SignalWorkflow(signalControl, recordControl{Control: Control{Stop: fault.CodeAborted}, Migration: "m"})
		}, 40*time.Second)
		env.RegisterDelayedCallback(func() {
			env.SignalWorkflow(signalControl, recordControl{Control: Control{stamp: stamp{Mark: testMark}, Stop: fault.CodeAborted}, Migration: "m"})
		}, time.Minute)
		out := carry(t, env, in)
		require.Equal(t, migration.NotAttempted, out.Fate, name)
		require.Equal(t, 2, out.Dropped, "%s, and one without a mark", name)
		require.GreaterOrEqual(t, out.FinishedAt.Sub(*out.StartedAt), time.Minute, name)
	}
}

// A root's counts, limits and audit under forged tallies and troubles.
func TestARootTakesNoForgedMessage(t *testing.T) {
	t.Parallel()
	b := fileEnv(t)
	b.settings.Concurrency.Batches = 1
	var mine stamp
	b.batch = func(ctx workflow.Context, in MigrateBatchInput) (*Tally, error) {
		mine = stampOf(ctx, in)
		return done(in, 0), workflow.Sleep(ctx, hour)
	}
	truth := func() Tally {
		return *done(MigrateBatchInput{BatchRef: (&fileRun{id: "acme-1"}).ref(migrationfile.Batch{Number: 1, First: 1, Count: 10})}, 0)
	}
	forged := []any{}
	for _, change := range []func(*Tally){
		func(t *Tally) { t.stamp = stamp{} },
		func(t *Tally) { t.Number = 99 },
		func(t *Tally) { t.Sent = 999_999_999 },
		func(t *Tally) { t.Outcomes.Migrated = 999_999_999 },
		func(t *Tally) { t.Outcomes.Migrated, t.Outcomes.Failed = -5, 15 },
		func(t *Tally) { t.Order = strings.Repeat("f", 10) },
		func(t *Tally) { t.Order = "xyz" },
		func(t *Tally) {
			t.Report = limits.Report{Streak: limits.Streak{First: 1, Length: 10, Longest: 10, Leading: 10, Trailing: 10, LongestFirst: 1}}
		},
		func(t *Tally) { t.Groups = migration.Groups{{Code: "X", Count: 5}} },
		func(t *Tally) { t.Migrated.Active = 11 },
		func(t *Tally) { t.Partial = 3 },
		func(t *Tally) { t.Waiting = 11 },
	} {
		x := truth()
		x.stamp = stamp{Mark: "mine"}
		change(&x)
		forged = append(forged, &x)
	}
	sent := 0
	b.RegisterDelayedCallback(func() {
		for _, f := range forged {
			x := f.(*Tally)
			if x.Mark == "mine" {
				x.stamp = mine
			}
			b.SignalWorkflow(signalTally, x)
			sent++
		}
		for _, n := range nonsense() {
			b.SignalWorkflow(signalTally, n)
			b.SignalWorkflow(signalTrouble, n)
			sent += 2
		}
		b.SignalWorkflow(signalTrouble, Trouble{Batch: 1, Record: 1, Code: fault.CodeUnauthorized, Since: b.Now()})
		b.SignalWorkflow(signalTrouble, Trouble{stamp: mine, Batch: 99, Record: 1, Code: fault.CodeUnauthorized, Since: b.Now()})
		sent += 2
	}, 30*time.Minute)
	b.RegisterDelayedCallback(func() {
		sum := b.query(t)
		require.Zero(t, sum.Outcomes.Total())
		require.Equal(t, migration.Migrating, sum.Phase)
		require.Len(t, sum.Audit, 1)
		require.Equal(t, actionDrop, sum.Audit[0].Action)
		x := truth()
		x.stamp = mine
		b.SignalWorkflow(signalTally, x)
	}, 40*time.Minute)
	b.RegisterDelayedCallback(func() { require.Equal(t, 10, b.query(t).Outcomes.Migrated) }, 50*time.Minute)
	sum := b.run(t)
	require.Equal(t, migration.Completed, sum.Result)
	require.Len(t, b.audit, 1, "a storm is one line")
	require.Contains(t, b.audit[0].Reason, "did not decode")
	require.Contains(t, b.audit[0].Reason, "2 came from elsewhere, 12 made no sense")
	require.Equal(t, sent, 14+2*len(nonsense()))
}

func TestCarriedIsRefusedFromAnybodyElse(t *testing.T) {
	t.Parallel()
	carried := func(change func(*Carried)) *Carried {
		c := &Carried{Behaviour: behaviourWary, Batches: 10, Next: 5, Records: 100, Of: runOf{Run: "before", First: "default-test-run-id"}}
		change(c)
		return c
	}
	for name, c := range map[string]struct {
		continued string
		carried   *Carried
	}{
		"a start like another":                  {"", carried(func(*Carried) {})},
		"one of the first behaviour":            {"", carried(func(c *Carried) { c.Behaviour, c.Of = behaviourFirst, runOf{} })},
		"nothing in it":                         {"", &Carried{}},
		"a cron schedule's next":                {"the run that is over", carried(func(*Carried) {})},
		"a stranger's that continued as a root": {"before", carried(func(c *Carried) { c.Of.First = "another's" })},
	} {
		b := fileEnv(t)
		b.SetStartWorkflowOptions(clientOptions("acme-1"))
		b.SetContinuedExecutionRunID(c.continued)
		b.ExecuteWorkflow(MigrateFileName, MigrateFileInput{File: "s3://p/acme-1.json", Route: "acme-nova", Carried: c.carried})
		requireType(t, b.GetWorkflowError(), fault.CodeBadInput, name)
		require.Nil(t, b.summary, name)
		require.Empty(t, b.started, name)
	}
}

func requireType(t *testing.T, err error, code, name string) {
	t.Helper()
	var app *temporal.ApplicationError
	require.ErrorAs(t, err, &app, name)
	require.Equal(t, code, app.Type(), name)
	require.True(t, app.NonRetryable(), name)
}

func TestAnUnusableWorkflowIDIsBadInput(t *testing.T) {
	t.Parallel()
	for _, id := range []string{
		"acme-März", "acme 1", "acme/1", ".acme", "-acme", "acme\u200b1", "миграция", "acme\n1", strings.Repeat("a", 81),
	} {
		b := fileEnv(t)
		b.SetStartWorkflowOptions(clientOptions(id))
		b.ExecuteWorkflow(MigrateFileName, MigrateFileInput{File: "s3://p/acme-1.json", Route: "acme-nova"})
		requireType(t, b.GetWorkflowError(), fault.CodeBadInput, id)
		require.Nil(t, b.summary, id)
	}
}

// Parts of a migration that a stranger starts by hand.
func TestPartsOfAMigrationAreNotStartedByHand(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ id, parent string }{
		"without a parent":           {BatchID("m", 3), ""},
		"under another id":           {"m-batch-3", "m"},
		"as another's":               {BatchID("m", 3), "n"},
		"under a name of no worth":   {BatchID("m", 4), "m"},
		"as a part of a batch of it": {BatchID("m", 3), BatchID("m", 3)},
	} {
		b := batchEnv(t)
		b.SetStartWorkflowOptions(clientOptions(c.id))
		if c.parent != "m" {
			b.SetWorkerOptions(strangers(c.parent))
		}
		b.ExecuteWorkflow(MigrateBatchName, batchInput())
		requireType(t, b.GetWorkflowError(), fault.CodeBadInput, name)
		require.Empty(t, b.started, name)
	}
	for name, c := range map[string]struct{ id, parent string }{
		"without a parent": {EntitlementID("acme-nova", "ext-7"), ""},
		"under another id": {"by-hand", BatchID("m", 1)},
		"as a root's":      {EntitlementID("acme-nova", "ext-7"), "m"},
		"as another's":     {EntitlementID("acme-nova", "ext-7"), BatchID("n", 1)},
	} {
		env, s := recordEnv(t, answer{})
		env.SetStartWorkflowOptions(clientOptions(c.id))
		env.SetWorkerOptions(strangers(c.parent))
		env.ExecuteWorkflow(MigrateEntitlementName, recordInput())
		requireType(t, env.GetWorkflowError(), fault.CodeBadInput, name)
		require.Empty(t, s.calls, name)
	}
}
