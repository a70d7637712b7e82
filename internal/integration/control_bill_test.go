package integration

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/sandbox"
	"github.com/f0a90b9a/ferry/workflows"
)

// waiting starts a migration all of whose records wait in backoff: created,
// and told to come back in an hour.
func (s *stack) waiting(id string, records, batches int) {
	s.t.Helper()
	require.NoError(s.t, s.books.ChangeFaults(func(f *sandbox.Faults) error {
		f.HoldAnswers = []entitlement.Step{entitlement.Create}
		return nil
	}))
	in := inputFor(s.upload(id+".json", activeRecords(s.t, s.bucket, records)))
	in.Waves = new(false)
	in.Concurrency = &workflows.ConcurrencyInput{Batches: new(batches), PerBatch: new(50)}
	s.start(id, in)
	require.Eventually(s.t, func() bool { return s.stats().Effective["create"] == int64(records) }, longWait, tick)
	require.NoError(s.t, s.books.ChangeFaults(func(f *sandbox.Faults) error {
		f.HoldAnswers, f.ThrottleRate, f.RetryAfterSeconds = nil, 1, 3600
		return nil
	}))
	require.Eventually(s.t, func() bool { return s.stats().Calls["activate"] >= int64(records) }, longWait, tick)
	s.quiet(id, batches)
}

// mend ends the target's trouble, for the sake of the reconciliation: whoever
// waits for an hour goes on waiting.
func (s *stack) mend() {
	s.t.Helper()
	require.NoError(s.t, s.books.ChangeFaults(func(f *sandbox.Faults) error { f.ThrottleRate = 0; return nil }))
}

// quiet waits until nothing is added to a run's histories any more, and counts
// them.
func (s *stack) quiet(id string, batches int) bill {
	s.t.Helper()
	var last bill
	still := 0
	require.Eventually(s.t, func() bool {
		now := s.openBill(id, batches)
		if now != last {
			last, still = now, 0
		}
		still++
		return still > 15
	}, longWait, 100*time.Millisecond)
	return last
}

// openBill counts root, batches and one record of each.
func (s *stack) openBill(id string, batches int) bill {
	b := bill{root: len(s.history(s.id(id)))}
	for n := 1; n <= batches; n++ {
		b.batches += len(s.history(workflows.BatchID(s.id(id), n)))
	}
	first := decodeRecords(s.t, activeRecords(s.t, s.bucket, 1))[0]["externalEntitlementId"].(string)
	b.records = len(s.history(workflows.EntitlementID("acme-nova", first)))
	return b
}

// What each control costs, in events of histories; docs/design.md says the
// same. Events that Temporal adds of its own (a task more or less) have room.
func TestTheBillOfEachControl(t *testing.T) {
	t.Parallel()
	s := setup(t)
	const batches, perBatch = 2, 10
	s.settings.BatchSize = perBatch
	s.stopWorker()
	s.startWorker()
	s.waiting("bill", batches*perBatch, batches)
	before := s.quiet("bill", batches)
	for _, control := range []struct {
		name, update string
		input        any
		toRecords    bool // concerns records under way
	}{
		{"pause", workflows.UpdatePause, kim(""), true},
		{"limits", workflows.UpdateSetLimits, workflows.SetLimitsInput{
			OperatorAction: kim(""), Limits: workflows.LimitsInput{Consecutive: new(20)},
		}, false},
		{"width", workflows.UpdateSetConcurrency, workflows.SetConcurrencyInput{
			OperatorAction: kim(""), Concurrency: workflows.ConcurrencyInput{PerBatch: new(5)},
		}, false},
		{"requests per second", workflows.UpdateSetConcurrency, workflows.SetConcurrencyInput{
			OperatorAction: kim(""), RequestsPerSecond: new(50.0),
		}, true},
		{"resume", workflows.UpdateResume, kim(""), true},
	} {
		_, err := s.ask("bill", control.update, control.input)
		require.NoError(t, err)
		after := s.quiet("bill", batches)
		root, batch, record := after.root-before.root, (after.batches-before.batches)/batches, after.records-before.records
		t.Logf("%s: %d events of the root, %d of each open batch, %d of each open record", control.name, root, batch, record)
		require.LessOrEqual(t, root, 8+4*batches, control.name)
		if control.toRecords {
			require.LessOrEqual(t, batch, 8+3*perBatch, control.name)
			most := 5
			if control.update == workflows.UpdateResume {
				most += 8 // who waited tries again at once
			}
			require.LessOrEqual(t, record, most, control.name)
		} else {
			require.LessOrEqual(t, batch, 8, control.name)
			require.Zero(t, record, control.name)
		}
		before = after
	}
	s.mend()
	began := time.Now()
	_, err := s.ask("bill", workflows.UpdateAbort, kim("enough"))
	require.NoError(t, err)
	sum := s.result(s.client.GetWorkflow(s.ctx, s.id("bill"), ""))
	t.Logf("abort while %d records wait for an hour: over after %s", batches*perBatch, time.Since(began).Round(time.Second))
	require.Equal(t, migration.Aborted, sum.Result)
	require.Equal(t, batches*perBatch, sum.Outcomes.Failed, "created, not activated")
	require.Equal(t, batches*perBatch, sum.Partial)
	require.Equal(t, "INTERRUPTED", sum.Errors[0].Code)
	s.clean(sum)
}

// An abort does not wait for what waits: fifty records in an hour's backoff
// are over in the time of a few signals.
func TestAbortDoesNotWaitForBackoff(t *testing.T) {
	t.Parallel()
	s := setup(t)
	s.waiting("backoff", 50, 1)
	s.mend()
	_, err := s.ask("backoff", workflows.UpdateAbort, kim("enough"))
	require.NoError(t, err)
	sum := s.result(s.client.GetWorkflow(s.ctx, s.id("backoff"), ""))
	require.Equal(t, migration.Aborted, sum.Result)
	require.Equal(t, 50, sum.Partial)
	require.Less(t, sum.FinishedAt.Sub(sum.Audit[0].At), time.Hour, "sooner than they would have come back")
	s.clean(sum)
}
