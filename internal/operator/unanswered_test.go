package operator_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/f0a90b9a/ferry/internal/operator"
	"github.com/f0a90b9a/ferry/workflows"
)

// errReset is what the connection makes of a deadline that the server sees first.
var errReset = errors.New("stream terminated by RST_STREAM with error code: CANCEL")

func TestAWorkerThatDiedAMomentAgoIsTold(t *testing.T) {
	t.Parallel()
	c, service := setup(t)
	over, cancel := context.WithDeadline(t.Context(), started)
	defer cancel()
	poller := &taskqueuepb.PollerInfo{LastAccessTime: timestamppb.New(time.Now().Add(-95 * time.Second))}
	service.On("DescribeTaskQueue", mock.Anything, "ferry", enumspb.TASK_QUEUE_TYPE_WORKFLOW).
		Return(&workflowservice.DescribeTaskQueueResponse{Pollers: []*taskqueuepb.PollerInfo{poller, {}}}, nil)
	service.On("QueryWorkflow", mock.Anything, "a", "", workflows.QueryProgress).Return(nil, errReset)
	_, err := c.Progress(over, "a")
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.NotErrorIs(t, err, operator.ErrNoWorker)
	require.ErrorContains(t, err, "no worker answered in time; the last that asked for work did so 1m3")
	require.NotContains(t, err.Error(), "RST_STREAM")

	within, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, err = c.Progress(within, "a")
	require.ErrorIs(t, err, errReset, "what is not a matter of time stays what it is")
}

func TestAnUpdateThatNobodyAnswersMayStillHappen(t *testing.T) {
	t.Parallel()
	for name, pollers := range map[string]int{"no worker": 0, "a silent one": 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, service := setup(t)
			over, cancel := context.WithDeadline(t.Context(), started)
			defer cancel()
			service.On("DescribeWorkflowExecution", mock.Anything, "a", "").
				Return(described(info(t, "a", workflows.MigrateFileName, enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING)), nil)
			service.On("UpdateWorkflow", mock.Anything, mock.Anything).Return(nil, errReset)
			queue(service, pollers)
			_, err := c.Update(over, "a", workflows.UpdatePause, workflows.OperatorAction{By: "kim"})
			require.ErrorContains(t, err, "it may still take effect")
			require.Equal(t, pollers == 0, errors.Is(err, operator.ErrNoWorker))
		})
	}
}
