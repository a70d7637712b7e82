package integration

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/workflows"
)

func TestBatchCancelledByHandEndsItsRecords(t *testing.T) {
	t.Parallel()
	s, g := gated(t, func(s *stack) { s.settings.BatchSize = 6 })
	victims, run := s.withVictims(g, "cancelled", waiting, inDoubt, halfWay)
	require.NoError(t, s.client.CancelWorkflow(s.ctx, workflows.BatchID(s.id("cancelled"), 1), ""))
	sum := s.result(run)
	require.Equal(t, migration.CompletedWithFailures, sum.Result, "the run itself goes on: %+v", sum)
	require.Equal(t, untouched, victims[0].fate("cancelled"))
	require.Equal(t, stopped, victims[1].fate("cancelled"))
	require.Equal(t, leftPart, victims[2].fate("cancelled"))
	require.Equal(t, migration.Outcomes{Migrated: 2, Failed: 2, NotAttempted: 2}, sum.Outcomes)
	require.Nil(t, sum.Limits.Tripped)
	for _, v := range victims {
		v.caught.lift()
	}
	s.reloads("cancelled", victims)
}

// running gives the run of a workflow that is under way.
func (s *stack) running(id string) string {
	s.t.Helper()
	got, err := s.client.DescribeWorkflowExecution(s.ctx, id, "")
	require.NoError(s.t, err)
	require.Equal(s.t, enums.WORKFLOW_EXECUTION_STATUS_RUNNING, got.GetWorkflowExecutionInfo().GetStatus(), id)
	return got.GetWorkflowExecutionInfo().GetExecution().GetRunId()
}

// replaced waits until another run of a workflow waits to try again.
func (s *stack) replaced(id, before string) {
	s.t.Helper()
	require.Eventually(s.t, func() bool {
		got, err := s.client.DescribeWorkflowExecution(s.ctx, id, "")
		return err == nil && got.GetWorkflowExecutionInfo().GetExecution().GetRunId() != before &&
			got.GetWorkflowExecutionInfo().GetStatus() == enums.WORKFLOW_EXECUTION_STATUS_RUNNING
	}, longWait, 2*tick)
	s.happens(id, enums.EVENT_TYPE_TIMER_STARTED)
}

func TestBatchTerminatedAgainAndAgainIsJudgedByTheTarget(t *testing.T) {
	t.Parallel()
	s, g := gated(t)
	victims, run := s.withVictims(g, "thrice", waiting, halfWay)
	batch := workflows.BatchID(s.id("thrice"), 1)
	for range 2 {
		record := s.running(victims[1].workflow)
		require.NoError(t, s.client.TerminateWorkflow(s.ctx, batch, "", "by hand"))
		s.replaced(victims[1].workflow, record)
	}
	require.NoError(t, s.client.TerminateWorkflow(s.ctx, batch, "", "by hand"))
	sum := s.result(run)
	require.Equal(t, migration.CompletedWithFailures, sum.Result, "%+v", sum)
	require.Equal(t, stopped, victims[0].fate("thrice"))
	require.Equal(t, leftPart, victims[1].fate("thrice"))
	require.Equal(t, migration.Outcomes{Migrated: 1, Failed: 3}, sum.Outcomes, "the last was not begun")
	require.Nil(t, sum.Limits.Tripped, "%+v", sum)
	for _, v := range victims {
		v.caught.lift()
	}
	s.reloads("thrice", victims)
}

// The server leaves the records of a batch that is reset running: the new run
// must neither do their work twice nor take them for somebody else's.
func TestBatchThatIsResetTakesItsRecordsOver(t *testing.T) {
	t.Parallel()
	s, g := gated(t)
	victims, run := s.withVictims(g, "reset", waiting, inDoubt, halfWay, created, activated)
	for _, v := range victims {
		if v.caught.answer != nil {
			v.caught.lift() // it waits for minutes all the same
		}
	}
	s.reset(workflows.BatchID(s.id("reset"), 1))
	for _, v := range victims {
		v.caught.lift()
	}
	sum := s.result(run)
	require.Equal(t, migration.Completed, sum.Result, "%+v", sum)
	require.Equal(t, 10, sum.Outcomes.Migrated, "what was done before the reset is this run's work")
	for _, v := range victims {
		require.Equal(t, []entitlement.Status{entitlement.Active}, s.at(v.external))
	}
	s.clean(sum)
	require.EqualValues(t, 10, s.stats().Effective["activate"])
}
