package operator_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/mocks"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/f0a90b9a/ferry/internal/operator"
	"github.com/f0a90b9a/ferry/workflows"
)

// scene is what Temporal knows around a migration.
type scene struct {
	root     enumspb.WorkflowExecutionStatus // unspecified: it has none
	closed   time.Duration                   // ago
	after    string                          // the id of a workflow of its aftermath
	state    enumspb.WorkflowExecutionStatus // that workflow's
	children int64
	open     []string // ids of open migrations, of s3://partner/a.json
}

func (c scene) play(t *testing.T, service *mocks.Client) {
	t.Helper()
	for _, id := range []string{"acme-1", workflows.RebuildID("acme-1"), workflows.ReconcileID("acme-1")} {
		status := c.root
		if id != "acme-1" {
			status = enumspb.WORKFLOW_EXECUTION_STATUS_UNSPECIFIED
		}
		if id == c.after {
			status = c.state
		}
		call := service.On("DescribeWorkflowExecution", mock.Anything, id, "").Maybe()
		if status == enumspb.WORKFLOW_EXECUTION_STATUS_UNSPECIFIED {
			call.Return(nil, serviceerror.NewNotFound("no such workflow"))
			continue
		}
		about := info(t, id, workflows.MigrateFileName, status)
		about.CloseTime = timestamppb.New(time.Now().Add(-c.closed))
		call.Return(described(about), nil)
	}
	service.On("CountWorkflow", mock.Anything, mock.MatchedBy(func(r *workflowservice.CountWorkflowExecutionsRequest) bool {
		return strings.HasPrefix(r.GetQuery(), "RootWorkflowId = 'acme-1' AND")
	})).Return(&workflowservice.CountWorkflowExecutionsResponse{Count: c.children}, nil).Maybe()
	open := &workflowservice.ListWorkflowExecutionsResponse{}
	for _, id := range c.open {
		open.Executions = append(open.Executions, info(t, id, workflows.MigrateFileName, enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING))
	}
	service.On("ListWorkflow", mock.Anything, mock.MatchedBy(func(r *workflowservice.ListWorkflowExecutionsRequest) bool {
		return strings.HasSuffix(r.GetQuery(), "ExecutionStatus = 'Running'")
	})).Return(open, nil).Maybe()
}

func TestCheckOverRefusesWhileAnythingReadsOrWrites(t *testing.T) {
	t.Parallel()
	const completed, terminated, running = enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED,
		enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED, enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING
	for name, c := range map[string]struct {
		scene scene
		says  string
	}{
		"itself":              {scene{root: running}, "it is still running"},
		"a call of a dead":    {scene{root: terminated, closed: time.Minute}, "may be under way until"},
		"its rebuilding":      {scene{root: terminated, closed: time.Hour, after: "acme-1/reports", state: running}, "being rebuilt"},
		"its reconciliation":  {scene{root: completed, after: "acme-1/reconcile", state: running}, "being reconciled"},
		"that of a forgotten": {scene{after: "acme-1/reconcile", state: running}, "being reconciled"},
		"its records":         {scene{root: terminated, closed: time.Hour, children: 7}, "7 of its batches and records"},
		"another migration":   {scene{root: completed, open: []string{"acme-2"}}, "migration acme-2 was started with s3://partner/a.json"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, service := setup(t)
			c.scene.play(t, service)
			_, err := client.CheckOver(t.Context(), "acme-1", []string{"s3://ferry/b", "s3://partner/a.json"})
			require.ErrorIs(t, err, operator.ErrRefused)
			require.ErrorContains(t, err, c.says)
		})
	}
}

func TestCheckOverLetsPassWhatIsOver(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		scene scene
		known bool
	}{
		"completed just now":     {scene{root: enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED, open: []string{"acme-2"}}, true},
		"terminated an hour ago": {scene{root: enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED, closed: time.Hour}, true},
		"reconciled":             {scene{root: enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED, after: "acme-1/reconcile", state: enumspb.WORKFLOW_EXECUTION_STATUS_FAILED}, true},
		"forgotten":              {scene{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, service := setup(t)
			c.scene.play(t, service)
			known, err := client.CheckOver(t.Context(), "acme-1", []string{"s3://ferry/b"})
			require.NoError(t, err)
			require.Equal(t, c.known, known)
		})
	}
}

func TestCheckOverTakesNoQueryForAnID(t *testing.T) {
	t.Parallel()
	client, _ := setup(t)
	_, err := client.CheckOver(t.Context(), "a' OR 'b", nil)
	require.ErrorIs(t, err, operator.ErrUnknown)
}
