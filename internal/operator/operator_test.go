package operator_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/mocks"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/f0a90b9a/ferry/config"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/operator"
	"github.com/f0a90b9a/ferry/workflows"
)

// setup gives a client of a stand-in for Temporal.
func setup(t *testing.T) (*operator.Client, *mocks.Client) {
	t.Helper()
	service := mocks.NewClient(t)
	return operator.New(service, config.Default().Temporal), service
}

var started = time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)

func info(t *testing.T, id, kind string, status enumspb.WorkflowExecutionStatus) *workflowpb.WorkflowExecutionInfo {
	t.Helper()
	file, err := converter.GetDefaultDataConverter().ToPayload("s3://partner/a.json")
	require.NoError(t, err)
	return &workflowpb.WorkflowExecutionInfo{
		Execution: &commonpb.WorkflowExecution{WorkflowId: id},
		Type:      &commonpb.WorkflowType{Name: kind},
		Status:    status,
		StartTime: timestamppb.New(started),
		Memo:      &commonpb.Memo{Fields: map[string]*commonpb.Payload{"file": file}},
	}
}

func described(i *workflowpb.WorkflowExecutionInfo) *workflowservice.DescribeWorkflowExecutionResponse {
	return &workflowservice.DescribeWorkflowExecutionResponse{WorkflowExecutionInfo: i}
}

func queue(service *mocks.Client, pollers int) {
	answer := &workflowservice.DescribeTaskQueueResponse{Pollers: make([]*taskqueuepb.PollerInfo, pollers)}
	service.On("DescribeTaskQueue", mock.Anything, "ferry", enumspb.TASK_QUEUE_TYPE_WORKFLOW).Return(answer, nil)
}

func TestStart(t *testing.T) {
	t.Parallel()
	c, service := setup(t)
	in := workflows.MigrateFileInput{File: "s3://partner/a.json", Route: "acme-nova"}
	run := mocks.NewWorkflowRun(t)
	run.On("GetRunID").Return("run-1")
	var options client.StartWorkflowOptions
	service.On("ExecuteWorkflow", mock.Anything, mock.Anything, workflows.MigrateFileName, in).
		Run(func(args mock.Arguments) { options = args.Get(1).(client.StartWorkflowOptions) }).Return(run, nil)
	id, err := c.Start(t.Context(), "a", in)
	require.NoError(t, err)
	require.Equal(t, "run-1", id)
	require.Equal(t, client.StartWorkflowOptions{
		ID: "a", TaskQueue: "ferry", WorkflowTaskTimeout: 10 * time.Second,
		WorkflowIDReusePolicy:                    enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		WorkflowIDConflictPolicy:                 enumspb.WORKFLOW_ID_CONFLICT_POLICY_FAIL,
		WorkflowExecutionErrorWhenAlreadyStarted: true,
		Memo:                                     map[string]any{"file": in.File, "route": in.Route},
		StaticSummary:                            "s3://partner/a.json onto acme-nova",
		StaticDetails:                            "Follow it with `ferry watch a`; steer it with `ferry pause`, `resume` or `abort`, or with the updates of these names.",
	}, options)
}

func TestStartOfAUsedID(t *testing.T) {
	t.Parallel()
	c, service := setup(t)
	service.On("ExecuteWorkflow", mock.Anything, mock.Anything, mock.Anything, mock.Anything).
		Return(nil, serviceerror.NewWorkflowExecutionAlreadyStarted("started", "", ""))
	_, err := c.Start(t.Context(), "a", workflows.MigrateFileInput{})
	require.ErrorIs(t, err, operator.ErrIDUsed)
	_, err = c.Start(t.Context(), "a/b", workflows.MigrateFileInput{})
	require.ErrorContains(t, err, `migration id "a/b"`)
}

func TestStartAgainReplacesOnlyAFailedRun(t *testing.T) {
	t.Parallel()
	c, service := setup(t)
	run := mocks.NewWorkflowRun(t)
	run.On("GetRunID").Return("run-2")
	service.On("ExecuteWorkflow", mock.Anything, mock.MatchedBy(func(o client.StartWorkflowOptions) bool {
		return o.WorkflowIDReusePolicy == enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY
	}), mock.Anything, mock.Anything).Return(run, nil)
	id, err := c.StartAgain(t.Context(), "a", workflows.MigrateFileInput{})
	require.NoError(t, err)
	require.Equal(t, "run-2", id)
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	for status, state := range map[enumspb.WorkflowExecutionStatus]operator.State{
		enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING:          operator.Open,
		enumspb.WORKFLOW_EXECUTION_STATUS_PAUSED:           operator.Open,
		enumspb.WORKFLOW_EXECUTION_STATUS_CONTINUED_AS_NEW: operator.Open,
		enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED:        operator.Completed,
		enumspb.WORKFLOW_EXECUTION_STATUS_FAILED:           operator.Failed,
		enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED:       operator.Terminated,
	} {
		t.Run(status.String(), func(t *testing.T) {
			t.Parallel()
			c, service := setup(t)
			service.On("DescribeWorkflowExecution", mock.Anything, "a", "").
				Return(described(info(t, "a", workflows.MigrateFileName, status)), nil)
			run, err := c.Describe(t.Context(), "a")
			require.NoError(t, err)
			require.Equal(t, operator.Run{ID: "a", File: "s3://partner/a.json", State: state, StartedAt: &started}, run)
		})
	}
}

func TestDescribeOfWhatIsNoMigration(t *testing.T) {
	t.Parallel()
	c, service := setup(t)
	service.On("DescribeWorkflowExecution", mock.Anything, "none", "").Return(nil, serviceerror.NewNotFound("none"))
	service.On("DescribeWorkflowExecution", mock.Anything, "batch", "").
		Return(described(info(t, "batch", workflows.MigrateBatchName, enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING)), nil)
	service.On("DescribeWorkflowExecution", mock.Anything, "away", "").Return(nil, serviceerror.NewUnavailable("away"))
	for _, id := range []string{"none", "batch"} {
		_, err := c.Describe(t.Context(), id)
		require.ErrorIs(t, err, operator.ErrUnknown)
	}
	_, err := c.Describe(t.Context(), "away")
	require.Error(t, err)
	require.NotErrorIs(t, err, operator.ErrUnknown)
}

func TestListGoesFromPageToPage(t *testing.T) {
	t.Parallel()
	c, service := setup(t)
	page := func(token string, ids ...string) *workflowservice.ListWorkflowExecutionsResponse {
		answer := &workflowservice.ListWorkflowExecutionsResponse{NextPageToken: []byte(token)}
		for _, id := range ids {
			answer.Executions = append(answer.Executions, info(t, id, workflows.MigrateFileName, enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING))
		}
		return answer
	}
	service.On("ListWorkflow", mock.Anything, mock.MatchedBy(func(r *workflowservice.ListWorkflowExecutionsRequest) bool {
		return len(r.GetNextPageToken()) == 0
	})).Return(page("more", "a", "b"), nil)
	service.On("ListWorkflow", mock.Anything, mock.MatchedBy(func(r *workflowservice.ListWorkflowExecutionsRequest) bool {
		return string(r.GetNextPageToken()) == "more"
	})).Return(page("", "c", "d"), nil)
	for limit, expected := range map[int]int{-1: 0, 0: 0, 1: 1, 3: 3, 9: 4} {
		runs, err := c.List(t.Context(), limit)
		require.NoError(t, err)
		require.Len(t, runs, expected)
	}
}

func TestResult(t *testing.T) {
	t.Parallel()
	c, service := setup(t)
	run := mocks.NewWorkflowRun(t)
	service.On("GetWorkflow", mock.Anything, "a", "").Return(run)
	run.On("Get", mock.Anything, mock.Anything).
		Run(func(args mock.Arguments) { args.Get(1).(*migration.Summary).Records = 7 }).Return(nil)
	s, err := c.Result(t.Context(), "a")
	require.NoError(t, err)
	require.Equal(t, 7, s.Records)
}

func TestHowARootEndsWithoutAResult(t *testing.T) {
	t.Parallel()
	result := func(t *testing.T, cause error) error {
		t.Helper()
		c, service := setup(t)
		run := mocks.NewWorkflowRun(t)
		service.On("GetWorkflow", mock.Anything, "a", "").Return(run)
		run.On("Get", mock.Anything, mock.Anything).Return(cause)
		_, err := c.Result(t.Context(), "a")
		return err
	}
	var failed *operator.FailedError
	require.ErrorAs(t, result(t, temporal.NewApplicationError("used before", "FILE_NAME_USED")), &failed)
	require.Equal(t, operator.FailedError{Migration: "a", Code: "FILE_NAME_USED", Message: "used before"}, *failed)
	var interrupted *operator.InterruptedError
	require.ErrorAs(t, result(t, &temporal.TerminatedError{}), &interrupted)
	require.Equal(t, "terminated", interrupted.How)
	require.ErrorAs(t, result(t, temporal.NewCanceledError()), &interrupted)
	require.Equal(t, "canceled", interrupted.How)
	require.ErrorIs(t, result(t, serviceerror.NewNotFound("none")), operator.ErrUnknown)
	require.ErrorContains(t, result(t, errors.New("broken pipe")), "migration a: result: broken pipe")
}

func TestProgress(t *testing.T) {
	t.Parallel()
	c, service := setup(t)
	payloads, err := converter.GetDefaultDataConverter().ToPayloads(migration.Summary{Records: 7})
	require.NoError(t, err)
	service.On("QueryWorkflow", mock.Anything, "a", "", workflows.QueryProgress).
		Return(client.NewValue(payloads), nil)
	s, err := c.Progress(t.Context(), "a")
	require.NoError(t, err)
	require.Equal(t, 7, s.Records)
}

func TestWhyNobodyAnswers(t *testing.T) {
	t.Parallel()
	ask := func(t *testing.T, ctx context.Context, cause error, pollers int) error {
		t.Helper()
		c, service := setup(t)
		queue(service, pollers)
		service.On("QueryWorkflow", mock.Anything, "a", "", workflows.QueryProgress).Return(nil, cause)
		_, err := c.Progress(ctx, "a")
		return err
	}
	over, cancel := context.WithDeadline(t.Context(), started)
	defer cancel()
	require.ErrorIs(t, ask(t, over, context.DeadlineExceeded, 0), operator.ErrNoWorker)
	require.ErrorContains(t, ask(t, over, context.DeadlineExceeded, 0), "task queue ferry")
	busy := ask(t, over, context.DeadlineExceeded, 1)
	require.ErrorIs(t, busy, context.DeadlineExceeded)
	require.NotErrorIs(t, busy, operator.ErrNoWorker)
	// The server says it itself; the queue may still list a worker that was there
	// a minute ago.
	c, service := setup(t)
	gone := serviceerror.NewFailedPrecondition("no poller seen for task queue recently, worker may be down")
	service.On("QueryWorkflow", mock.Anything, "a", "", workflows.QueryProgress).Return(nil, gone)
	_, err := c.Progress(t.Context(), "a")
	require.ErrorIs(t, err, operator.ErrNoWorker)
}

func TestUpdateOfAnEndedMigration(t *testing.T) {
	t.Parallel()
	c, service := setup(t)
	service.On("DescribeWorkflowExecution", mock.Anything, "a", "").
		Return(described(info(t, "a", workflows.MigrateFileName, enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED)), nil)
	_, err := c.Update(t.Context(), "a", workflows.UpdatePause, workflows.OperatorAction{By: "kim"})
	require.ErrorIs(t, err, operator.ErrRefused)
	require.ErrorContains(t, err, "it has ended (completed)")
}

// What a migration would refuse anyway never reaches the server, let alone its
// history.
func TestInputsWithoutBoundsAreNotSent(t *testing.T) {
	t.Parallel()
	c, _ := setup(t) // any call would fail the test
	long := strings.Repeat("x", 120_000)
	rate := math.Inf(1)
	for _, in := range []any{
		workflows.OperatorAction{By: "kim", Reason: long},
		workflows.ApproveInput{OperatorAction: workflows.OperatorAction{By: long}, Plan: "abc"},
		workflows.SetLimitsInput{OperatorAction: workflows.OperatorAction{By: "kim"}, Limits: workflows.LimitsInput{ErrorRate: &rate}},
		workflows.SetConcurrencyInput{OperatorAction: workflows.OperatorAction{By: "kim"}, RequestsPerSecond: &rate},
	} {
		_, err := c.Update(t.Context(), "a", workflows.UpdatePause, in)
		require.ErrorIs(t, err, operator.ErrRefused)
		require.Less(t, len(err.Error()), 1000)
	}
	_, err := c.Start(t.Context(), "a", workflows.MigrateFileInput{File: "s3://b/" + long, Route: "r"})
	require.ErrorContains(t, err, "file is 120007 bytes long")
}

func TestUpdate(t *testing.T) {
	t.Parallel()
	send := func(t *testing.T, cause error) (migration.Summary, error) {
		t.Helper()
		c, service := setup(t)
		service.On("DescribeWorkflowExecution", mock.Anything, "a", "").
			Return(described(info(t, "a", workflows.MigrateFileName, enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING)), nil)
		handle := mocks.NewWorkflowUpdateHandle(t)
		by := workflows.OperatorAction{By: "kim"}
		service.On("UpdateWorkflow", mock.Anything, client.UpdateWorkflowOptions{
			WorkflowID: "a", UpdateName: workflows.UpdatePause, Args: []any{by}, WaitForStage: client.WorkflowUpdateStageCompleted,
		}).Return(handle, nil)
		handle.On("Get", mock.Anything, mock.Anything).
			Run(func(args mock.Arguments) { args.Get(1).(*migration.Summary).Phase = migration.Paused }).Return(cause)
		return c.Update(t.Context(), "a", workflows.UpdatePause, by)
	}
	s, err := send(t, nil)
	require.NoError(t, err)
	require.Equal(t, migration.Paused, s.Phase)
	_, err = send(t, temporal.NewApplicationError("migration a is paused already", ""))
	require.ErrorIs(t, err, operator.ErrRefused)
	require.ErrorContains(t, err, "is paused already")
	_, err = send(t, serviceerror.NewNotFound("closed"))
	require.ErrorIs(t, err, operator.ErrRefused)
}

// Who follows a migration finds its result after an outage of Temporal that is
// longer than the connection's own patience.
func TestResultOutlastsAnOutageOfTemporal(t *testing.T) {
	t.Parallel()
	c, service := setup(t)
	away, back := mocks.NewWorkflowRun(t), mocks.NewWorkflowRun(t)
	away.On("Get", mock.Anything, mock.Anything).Return(serviceerror.NewUnavailable("connection refused")).Once()
	back.On("Get", mock.Anything, mock.Anything).Run(func(args mock.Arguments) {
		args.Get(1).(*migration.Summary).Result = migration.Completed
	}).Return(nil)
	service.On("GetWorkflow", mock.Anything, "a", "").Return(away).Once()
	service.On("GetWorkflow", mock.Anything, "a", "").Return(back)
	s, err := c.Result(t.Context(), "a")
	require.NoError(t, err)
	require.Equal(t, migration.Completed, s.Result)
}

// A Temporal that came back without the migration is no reason to wait.
func TestResultOfAMigrationThatIsGone(t *testing.T) {
	t.Parallel()
	c, service := setup(t)
	run := mocks.NewWorkflowRun(t)
	run.On("Get", mock.Anything, mock.Anything).Return(serviceerror.NewNotFound("none"))
	service.On("GetWorkflow", mock.Anything, "a", "").Return(run)
	_, err := c.Result(t.Context(), "a")
	require.ErrorIs(t, err, operator.ErrUnknown)
}
