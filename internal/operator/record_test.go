package operator_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/operator"
	"github.com/f0a90b9a/ferry/workflows"
)

// events is a history that was read before.
type events struct {
	list []*historypb.HistoryEvent
	err  error
}

func (e *events) HasNext() bool { return len(e.list) > 0 || e.err != nil }

func (e *events) Next() (*historypb.HistoryEvent, error) {
	if e.err != nil {
		return nil, e.err
	}
	first := e.list[0]
	e.list = e.list[1:]
	return first, nil
}

// recordOf reads a record's run from a history that a real server wrote.
func recordOf(t *testing.T, name string) operator.RecordRun {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "..", "workflows", "testdata", "histories", "v1", name))
	require.NoError(t, err)
	defer f.Close()
	history, err := client.HistoryFromJSON(f, client.HistoryJSONOptions{})
	require.NoError(t, err)
	c, service := setup(t)
	service.On("GetWorkflowHistory", mock.Anything, "entitlement/acme-nova/ext-1", "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT).
		Return(&events{list: history.GetEvents()})
	run, err := c.Record(t.Context(), "acme-nova", "ext-1")
	require.NoError(t, err)
	return run
}

func kinds(run operator.RecordRun) (all []operator.RecordEventKind) {
	for _, e := range run.Events {
		all = append(all, e.Kind)
	}
	return all
}

func TestRecordThatWasMigrated(t *testing.T) {
	t.Parallel()
	run := recordOf(t, "record-SUSPENDED-nova-basic.json")
	require.Equal(t, operator.Completed, run.State)
	require.Equal(t, entitlement.Suspended, run.Status)
	require.NotEmpty(t, run.Migration)
	require.Positive(t, run.Record)
	require.Equal(t, []operator.RecordEventKind{
		operator.TakenUp, operator.StepDone, operator.StepDone, operator.StepDone, operator.Ended,
	}, kinds(run))
	require.Equal(t, []entitlement.Step{run.Events[1].Step, run.Events[2].Step, run.Events[3].Step}, run.Steps)
	require.Equal(t, migration.Migrated, run.Outcome.Fate)
	require.Equal(t, run.StartedAt, run.Events[0].At)
	require.False(t, run.ClosedAt.Before(run.StartedAt))
}

func TestRecordThatFailed(t *testing.T) {
	t.Parallel()
	run := recordOf(t, "record-ACTIVE-nova-fail-activate.json")
	require.Equal(t, operator.Failed, run.State)
	require.Equal(t, []operator.RecordEventKind{operator.TakenUp, operator.StepDone, operator.StepFailed, operator.Ended}, kinds(run))
	refusal := run.Events[2]
	require.Equal(t, entitlement.Activate, refusal.Step)
	require.Equal(t, "NOT_AVAILABLE", refusal.Code)
	require.NotEmpty(t, refusal.Message)
	require.Equal(t, migration.Failed, run.Outcome.Fate)
	require.Equal(t, "NOT_AVAILABLE", run.Outcome.Code)
}

func TestRecordThatWasHeld(t *testing.T) {
	t.Parallel()
	run := recordOf(t, "record-retried.json")
	require.Contains(t, kinds(run), operator.Held)
	require.Contains(t, kinds(run), operator.Released)
	require.NotEmpty(t, run.Events[1].Code, "why it had to wait")
	require.Equal(t, migration.Migrated, run.Outcome.Fate)
}

func TestRecordThatTemporalDoesNotHave(t *testing.T) {
	t.Parallel()
	for _, err := range []error{serviceerror.NewNotFound("none"), serviceerror.NewInvalidArgument("odd id")} {
		c, service := setup(t)
		service.On("GetWorkflowHistory", mock.Anything, mock.Anything, "", false, mock.Anything).Return(&events{err: err})
		_, got := c.Record(t.Context(), "acme-nova", "ext-1")
		require.ErrorIs(t, got, operator.ErrUnknown)
	}
	c, service := setup(t)
	service.On("GetWorkflowHistory", mock.Anything, mock.Anything, "", false, mock.Anything).
		Return(&events{err: serviceerror.NewUnavailable("away")})
	_, err := c.Record(t.Context(), "acme-nova", "ext-1")
	require.Error(t, err)
	require.NotErrorIs(t, err, operator.ErrUnknown)
}

func TestRunsWithoutAMemoAreReadOnce(t *testing.T) {
	t.Parallel()
	c, service := setup(t)
	bare := info(t, "a", workflows.MigrateFileName, enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING)
	bare.Memo = nil
	input, err := converter.GetDefaultDataConverter().ToPayloads(workflows.MigrateFileInput{File: "s3://partner/a.json", Route: "acme-nova"})
	require.NoError(t, err)
	service.On("DescribeWorkflowExecution", mock.Anything, "a", "").Return(described(bare), nil)
	service.On("GetWorkflowHistory", mock.Anything, "a", "", false, mock.Anything).Return(&events{list: []*historypb.HistoryEvent{{
		Attributes: &historypb.HistoryEvent_WorkflowExecutionStartedEventAttributes{
			WorkflowExecutionStartedEventAttributes: &historypb.WorkflowExecutionStartedEventAttributes{Input: input},
		},
	}}}).Once()
	for range 3 {
		run, err := c.Describe(t.Context(), "a")
		require.NoError(t, err)
		require.Equal(t, "s3://partner/a.json", run.File)
		require.Equal(t, "acme-nova", run.Route)
	}
}
