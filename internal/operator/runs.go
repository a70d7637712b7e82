package operator

import (
	"context"
	"errors"
	"fmt"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/f0a90b9a/ferry/workflows"
)

// Run is a migration as Temporal alone knows it, without a worker.
type Run struct {
	ID        string
	File      string // empty if Temporal doesn't tell
	Route     string // likewise
	State     State
	StartedAt *time.Time
	ClosedAt  *time.Time // nil while it is open

	// TaskTimeout is how long a worker may go on with a closed run; 0 if
	// Temporal doesn't tell, as in a list.
	TaskTimeout time.Duration

	// Pass is what an open run is at that goes through its whole file; nil if
	// there is nothing of that kind, and in a list.
	Pass *Pass
}

// State is what Temporal says of a root.
type State string

// The states. Closed ones other than Completed have no result.
const (
	Open       State = "open"
	Completed  State = "completed"
	Failed     State = "failed"
	Terminated State = "terminated"
	Canceled   State = "canceled"
	TimedOut   State = "timed out"
)

var states = map[enumspb.WorkflowExecutionStatus]State{
	enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED:  Completed,
	enumspb.WORKFLOW_EXECUTION_STATUS_FAILED:     Failed,
	enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED: Terminated,
	enumspb.WORKFLOW_EXECUTION_STATUS_CANCELED:   Canceled,
	enumspb.WORKFLOW_EXECUTION_STATUS_TIMED_OUT:  TimedOut,
}

// Describe looks a migration up; ErrUnknown if Temporal doesn't have it (or no
// longer has it).
func (c *Client) Describe(ctx context.Context, id string) (Run, error) {
	answer, err := c.temporal.DescribeWorkflowExecution(ctx, id, "")
	var missing *serviceerror.NotFound
	var invalid *serviceerror.InvalidArgument
	if errors.As(err, &missing) || errors.As(err, &invalid) {
		return Run{}, fmt.Errorf("migration %s: %w", id, ErrUnknown)
	}
	if err != nil {
		return Run{}, fmt.Errorf("migration %s: describe: %w", id, err)
	}
	info := answer.GetWorkflowExecutionInfo()
	if info.GetType().GetName() != workflows.MigrateFileName {
		return Run{}, fmt.Errorf("%s is a %s, not a migration: %w", id, info.GetType().GetName(), ErrUnknown)
	}
	run := runOf(info)
	run.Pass = passOf(answer.GetPendingActivities())
	run.TaskTimeout = answer.GetExecutionConfig().GetDefaultWorkflowTaskTimeout().AsDuration()
	return c.withInput(ctx, run), nil
}

// maxPage is how many executions one call asks for at most.
const maxPage = 500

// List gives the latest migrations that Temporal still knows, at most limit,
// open ones among them.
func (c *Client) List(ctx context.Context, limit int) ([]Run, error) {
	return c.query(ctx, "WorkflowType = '"+workflows.MigrateFileName+"' AND ExecutionStatus != 'ContinuedAsNew'", limit)
}

// query gives at most limit of the roots that a query of Temporal's finds.
func (c *Client) query(ctx context.Context, query string, limit int) ([]Run, error) {
	if limit < 1 {
		return nil, nil
	}
	var runs []Run
	var token []byte
	for {
		page, err := c.temporal.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
			Query:         query,
			PageSize:      int32(min(limit, maxPage)),
			NextPageToken: token,
		})
		if err != nil {
			return nil, fmt.Errorf("list of migrations: %w", err)
		}
		for _, info := range page.GetExecutions() {
			runs = append(runs, c.withInput(ctx, runOf(info)))
			if len(runs) == limit {
				return runs, nil
			}
		}
		if token = page.GetNextPageToken(); len(token) == 0 {
			return runs, nil
		}
	}
}

func runOf(info *workflowpb.WorkflowExecutionInfo) Run {
	state, closed := states[info.GetStatus()]
	if !closed {
		state = Open
	}
	fields := info.GetMemo().GetFields()
	return Run{
		ID:        info.GetExecution().GetWorkflowId(),
		File:      memo(fields, memoFile),
		Route:     memo(fields, memoRoute),
		State:     state,
		StartedAt: moment(info.GetStartTime()),
		ClosedAt:  moment(info.GetCloseTime()),
	}
}

func moment(t *timestamppb.Timestamp) *time.Time {
	if t == nil {
		return nil
	}
	at := t.AsTime()
	return &at
}

func memo(fields map[string]*commonpb.Payload, name string) string {
	var value string
	payload, ok := fields[name]
	if !ok || converter.GetDefaultDataConverter().FromPayload(payload, &value) != nil {
		return ""
	}
	return value
}
