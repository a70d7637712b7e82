package integration

import (
	"context"
	"encoding/json"
	"flag"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/sandbox"
	"github.com/f0a90b9a/ferry/workflows"
)

// ask sends an update and gives the summary after it.
func (s *stack) ask(id, update string, input any) (workflows.Summary, error) {
	s.t.Helper()
	handle, err := s.client.UpdateWorkflow(s.ctx, client.UpdateWorkflowOptions{
		WorkflowID: s.id(id), UpdateName: update, Args: []any{input}, WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	if err != nil {
		return workflows.Summary{}, err
	}
	var sum workflows.Summary
	return sum, handle.Get(s.ctx, &sum)
}

// progress asks the query.
func (s *stack) progress(id string) workflows.Summary {
	s.t.Helper()
	value, err := s.client.QueryWorkflow(s.ctx, s.id(id), "", workflows.QueryProgress)
	require.NoError(s.t, err)
	var sum workflows.Summary
	require.NoError(s.t, value.Get(&sum))
	return sum
}

func kim(reason string) workflows.OperatorAction {
	return workflows.OperatorAction{By: "kim", Reason: reason}
}

func TestPauseHoldsAndResumeCompletes(t *testing.T) {
	t.Parallel()
	s := setup(t)
	s.slow(20)
	in := inputFor(s.upload("paused.json", activeRecords(t, s.bucket, 200)))
	in.Concurrency = &workflows.ConcurrencyInput{Batches: new(2), PerBatch: new(5)}
	run := s.start("paused", in)
	require.Eventually(t, func() bool { return s.stats().Effective["create"] > 30 }, longWait, tick)

	_, err := s.ask("paused", workflows.UpdatePause, workflows.OperatorAction{})
	require.ErrorContains(t, err, `"by" is missing`)
	sum, err := s.ask("paused", workflows.UpdatePause, kim("merchant asked"))
	require.NoError(t, err)
	require.Equal(t, migration.Paused, sum.Phase)
	_, err = s.ask("paused", workflows.UpdatePause, kim(""))
	require.ErrorContains(t, err, "paused already")

	before := s.stats().Effective["create"]
	s.settled()
	after := s.stats().Effective["create"]
	require.LessOrEqual(t, after-before, int64(2*5), "nothing is started but what was in flight")
	require.Less(t, after, int64(200))
	require.Eventually(t, func() bool {
		return int64(s.progress("paused").Outcomes.Migrated) == s.stats().Effective["activate"]
	}, longWait, tick, "a paused run shows all that is done")

	_, err = s.ask("paused", workflows.UpdateResume, kim(""))
	require.NoError(t, err)
	done := s.result(run)
	require.Equal(t, migration.Completed, done.Result, "%+v", done)
	require.Len(t, done.Audit, 2)
	require.Equal(t, "merchant asked", done.Audit[0].Reason)
	require.Len(t, lines(s.file("paused", migration.FileAudit)), 2)
	s.clean(done)
}

var pausedRecords = flag.Int("paused-records", 200, "records of the migration that is paused in the middle")

// A pause outlives the worker: what is in flight finishes, then the target
// hears nothing, whoever is there to work.
func TestPauseOutlivesTheWorker(t *testing.T) {
	t.Parallel()
	s := setup(t)
	s.slow(10)
	records := int64(*pausedRecords)
	var cancel context.CancelFunc
	s.ctx, cancel = context.WithTimeout(context.Background(), 10*time.Minute+time.Duration(records)*200*time.Millisecond)
	t.Cleanup(cancel)
	in := inputFor(s.upload("long-pause.json", activeRecords(t, s.bucket, int(records))))
	in.Concurrency = &workflows.ConcurrencyInput{Batches: new(2), PerBatch: new(10)}
	run := s.start("long-pause", in)
	require.Eventually(t, func() bool { return s.stats().Effective["create"] > records/3 }, longWait, tick)
	_, err := s.ask("long-pause", workflows.UpdatePause, kim("lunch"))
	require.NoError(t, err)
	before := s.stats().Effective["create"]
	s.stopWorker()
	s.startWorker()
	s.settled()
	held := s.stats()
	t.Logf("%d of %d were created at the pause, %d more of those in flight", before, records, held.Effective["create"]-before)
	require.LessOrEqual(t, held.Effective["create"]-before, int64(2*10), "nothing is started but what was in flight")
	require.Less(t, held.Effective["create"], records)
	require.Equal(t, migration.Paused, s.progress("long-pause").Phase)
	require.Equal(t, held.Calls, s.stats().Calls, "a new worker calls nothing")
	_, err = s.ask("long-pause", workflows.UpdateResume, kim(""))
	require.NoError(t, err)
	sum := s.result(run)
	require.Equal(t, migration.Completed, sum.Result, "%+v", sum)
	require.EqualValues(t, records, sum.Outcomes.Migrated)
	s.clean(sum)
}

// slow makes every call of the target take so many milliseconds.
func (s *stack) slow(ms int) {
	s.t.Helper()
	require.NoError(s.t, s.books.ChangeFaults(func(f *sandbox.Faults) error {
		f.LatencyMs = ms
		return nil
	}))
}

// settled waits until the target's books have stood still for longer than a
// workflow task that a stopped worker took with it is waited for.
func (s *stack) settled() {
	s.t.Helper()
	still, last := 0, int64(-1)
	require.Eventually(s.t, func() bool {
		now := s.stats().Calls["create"] + s.stats().Calls["activate"]
		if now != last {
			still, last = 0, now
		}
		still++
		return still > 300
	}, longWait, tick)
}

func TestAbortWhileMigratingReportsEveryRecord(t *testing.T) {
	t.Parallel()
	for name, abort := range map[string]func(s *stack){
		"update": func(s *stack) {
			_, err := s.ask("aborted", workflows.UpdateAbort, kim("wrong file"))
			require.NoError(s.t, err)
		},
		"cancel": func(s *stack) {
			require.NoError(s.t, s.client.CancelWorkflow(s.ctx, s.id("aborted"), ""))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := setup(t)
			s.slow(20)
			in := inputFor(s.upload("aborted.json", activeRecords(t, s.bucket, 200)))
			in.Concurrency = &workflows.ConcurrencyInput{Batches: new(2), PerBatch: new(5)}
			run := s.start("aborted", in)
			require.Eventually(t, func() bool { return s.stats().Effective["create"] > 20 }, longWait, tick)
			abort(s)
			sum := s.result(run)
			require.Equal(t, migration.Aborted, sum.Result, "%+v", sum)
			require.Positive(t, sum.Outcomes.Migrated)
			require.Positive(t, sum.Outcomes.NotAttempted)
			require.Len(t, decodeRecords(t, s.file("aborted", migration.FileReload)), 200-sum.Outcomes.Migrated)
			s.clean(sum)
		})
	}
}

func TestRefusedCredentialsHoldTheRun(t *testing.T) {
	t.Parallel()
	s := setup(t)
	s.slow(10)
	run := s.start("held", inputFor(s.upload("held.json", activeRecords(t, s.bucket, 100))))
	require.Eventually(t, func() bool { return s.stats().Effective["create"] > 10 }, longWait, tick)
	refuse := func(on bool) {
		require.NoError(t, s.books.ChangeFaults(func(f *sandbox.Faults) error { f.Unauthorized = on; return nil }))
	}
	refuse(true)
	require.Eventually(t, func() bool { return s.progress("held").Phase == migration.Paused }, longWait, tick)
	require.Contains(t, s.progress("held").Reason, "credentials")
	refuse(false)
	_, err := s.ask("held", workflows.UpdateResume, kim("password corrected"))
	require.NoError(t, err)
	sum := s.result(run)
	require.Equal(t, migration.Completed, sum.Result, "%+v", sum)
	require.Equal(t, 100, sum.Outcomes.Migrated)
	s.clean(sum)
}

// planHash reads the hash that an approval must name.
func (s *stack) planHash(id string) string {
	s.t.Helper()
	var plan struct{ Hash string }
	require.NoError(s.t, json.Unmarshal(s.file(id, migration.FilePlan), &plan))
	return plan.Hash
}
