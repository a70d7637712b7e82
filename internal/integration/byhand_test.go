package integration

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/workflows"
)

// oneBatch starts a run of one batch of 50, without waves, and waits until
// some of it is done.
func (s *stack) oneBatch(id string) client.WorkflowRun {
	s.t.Helper()
	s.slow(30)
	in := inputFor(s.upload(id+".json", activeRecords(s.t, s.bucket, 50)))
	in.Waves = new(false)
	in.Concurrency = &workflows.ConcurrencyInput{Batches: new(1), PerBatch: new(5)}
	run := s.start(id, in)
	require.Eventually(s.t, func() bool { return s.stats().Effective["activate"] > 10 }, longWait, tick)
	return run
}

func TestTerminatedBatchIsStartedAgain(t *testing.T) {
	t.Parallel()
	s := setup(t)
	run := s.oneBatch("batch")
	require.NoError(t, s.client.TerminateWorkflow(s.ctx, workflows.BatchID(s.id("batch"), 1), "", "by hand"))
	sum := s.result(run)
	require.Equal(t, migration.Completed, sum.Result, "%+v", sum)
	require.Equal(t, 50, sum.Outcomes.Migrated, "what the first try created is this run's")
	require.EqualValues(t, 50, s.stats().Effective["activate"])
	s.clean(sum)
}

func TestTerminatedRecordIsJudgedByTheTarget(t *testing.T) {
	t.Parallel()
	s := setup(t)
	in := inputFor(s.upload("record.json", activeRecords(t, s.bucket, 4)))
	in.Waves = new(false)
	s.slow(300)
	run := s.start("record", in)
	victim := workflows.EntitlementID("acme-nova", s.bucket+"-000002")
	require.Eventually(t, func() bool {
		return s.client.TerminateWorkflow(s.ctx, victim, "", "by hand") == nil
	}, longWait, tick)
	sum := s.result(run)
	require.Equal(t, migration.CompletedWithFailures, sum.Result, "%+v", sum)
	require.Equal(t, 3, sum.Outcomes.Migrated)
	require.Equal(t, 1, sum.Outcomes.Failed)
	require.Equal(t, fault.CodeOperatorStopped, sum.Errors[0].Code)
	s.clean(sum)
}
