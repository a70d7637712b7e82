package operator_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/mocks"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/operator"
	"github.com/f0a90b9a/ferry/workflows"
)

var ended = started.Add(time.Hour)

// closedRoot is a root that closed so, with workflow tasks of 20 seconds, and
// so many batches and records that are still open.
func closedRoot(t *testing.T, service *mocks.Client, status enumspb.WorkflowExecutionStatus, open int64) {
	t.Helper()
	root := info(t, "acme-1", workflows.MigrateFileName, status)
	if status != enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING {
		root.CloseTime = timestamppb.New(ended)
	}
	answer := described(root)
	answer.ExecutionConfig = &workflowpb.WorkflowExecutionConfig{DefaultWorkflowTaskTimeout: durationpb.New(20 * time.Second)}
	service.On("DescribeWorkflowExecution", mock.Anything, "acme-1", "").Return(answer, nil)
	service.On("CountWorkflow", mock.Anything, &workflowservice.CountWorkflowExecutionsRequest{
		Query: "RootWorkflowId = 'acme-1' AND ExecutionStatus = 'Running'",
	}).Return(&workflowservice.CountWorkflowExecutionsResponse{Count: open}, nil).Maybe()
}

// tells lets a closed root answer the progress query.
func tells(t *testing.T, service *mocks.Client, s migration.Summary, err error) {
	t.Helper()
	payloads, encodeErr := converter.GetDefaultDataConverter().ToPayloads(s)
	require.NoError(t, encodeErr)
	service.On("QueryWorkflow", mock.Anything, "acme-1", "", workflows.QueryProgress).Return(client.NewValue(payloads), err)
	written, encodeErr := converter.GetDefaultDataConverter().ToPayloads(migration.Written{Group: 1, Sums: []string{"sum"}})
	require.NoError(t, encodeErr)
	service.On("QueryWorkflow", mock.Anything, "acme-1", "", workflows.QueryWritten).Return(client.NewValue(written), err).Maybe()
}

// starts keeps what the rebuilding is started with.
func starts(service *mocks.Client) (options *client.StartWorkflowOptions, in *workflows.RebuildReportsInput) {
	options, in = new(client.StartWorkflowOptions), new(workflows.RebuildReportsInput)
	service.On("ExecuteWorkflow", mock.Anything, mock.Anything, workflows.RebuildReportsName, mock.Anything).
		Run(func(args mock.Arguments) {
			*options, *in = args.Get(1).(client.StartWorkflowOptions), args.Get(3).(workflows.RebuildReportsInput)
		}).Return(nil, nil)
	return options, in
}

func TestRebuildTellsWhatIsKnownOfTheEnd(t *testing.T) {
	t.Parallel()
	c, service := setup(t)
	closedRoot(t, service, enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED, 0)
	began := started.Add(-time.Hour)
	seen := migration.Summary{
		Migration: "acme-1", StartedAt: &began, Settings: migration.Settings{BatchSize: 50}, Limits: migration.LimitsState{LongestRun: 3},
		Audit: []migration.AuditEntry{{By: "kim"}}, Problems: &migration.Problems{Total: 1},
	}
	told := seen
	told.Errors = []migration.ErrorGroup{{Examples: []string{"ext-1"}}}
	tells(t, service, told, nil)
	options, in := starts(service)
	id, err := c.Rebuild(t.Context(), "acme-1", nil)
	require.NoError(t, err)
	require.Equal(t, "acme-1/reports", id)
	require.Equal(t, client.StartWorkflowOptions{
		ID: "acme-1/reports", TaskQueue: "ferry", WorkflowTaskTimeout: 10 * time.Second,
		WorkflowIDReusePolicy:    enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		StaticSummary:            "makes the files of acme-1, which was ended by force",
	}, *options)
	require.Equal(t, workflows.RebuildReportsInput{
		Migration: "acme-1", How: "terminated", StartedAt: &began, ClosedAt: ended, SettleSeconds: 200, Seen: &seen,
		Written: &migration.Written{Group: 1, Sums: []string{"sum"}},
	}, *in, "a workflow task and the longest call; of the last state what is in no file")
}

func TestRebuildDoesWithoutTheRootsWord(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]migration.Summary{"no answer": {}, "no settings yet": {Migration: "acme-1"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, service := setup(t)
			closedRoot(t, service, enumspb.WORKFLOW_EXECUTION_STATUS_TIMED_OUT, 0)
			var err error
			if s.Migration == "" {
				err = errors.New("its history is gone")
				queue(service, 1)
			}
			tells(t, service, s, err)
			_, in := starts(service)
			_, err = c.Rebuild(t.Context(), "acme-1", new(5*time.Second))
			require.NoError(t, err)
			require.Equal(t, workflows.RebuildReportsInput{
				Migration: "acme-1", How: "timed out", StartedAt: &started, ClosedAt: ended, SettleSeconds: 5,
			}, *in)
		})
	}
}

func TestRebuildNeedsAWorker(t *testing.T) {
	t.Parallel()
	c, service := setup(t)
	closedRoot(t, service, enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED, 0)
	tells(t, service, migration.Summary{}, errors.New("no answer"))
	queue(service, 0)
	_, err := c.Rebuild(t.Context(), "acme-1", nil)
	require.ErrorIs(t, err, operator.ErrNoWorker)
}

func TestRebuildIsRefusedWhileAnythingRuns(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status enumspb.WorkflowExecutionStatus
		open   int64
		says   string
	}{
		{enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, 0, "it is still running"},
		{enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED, 0, "it ended in order"},
		{enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED, 12, "12 of its batches and records are still being ended"},
	} {
		t.Run(c.status.String(), func(t *testing.T) {
			t.Parallel()
			rebuilder, service := setup(t)
			closedRoot(t, service, c.status, c.open)
			_, err := rebuilder.Rebuild(t.Context(), "acme-1", nil)
			require.ErrorIs(t, err, operator.ErrRefused)
			require.ErrorContains(t, err, c.says)
			service.AssertNotCalled(t, "ExecuteWorkflow", mock.Anything, mock.Anything, mock.Anything, mock.Anything)
		})
	}
}
