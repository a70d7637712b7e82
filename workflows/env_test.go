package workflows

import (
	"log/slog"
	"time"

	"github.com/stretchr/testify/mock"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/f0a90b9a/ferry/internal/fault"
)

const hour = time.Hour

// quietEnv is a test environment that does not log.
func quietEnv() *testsuite.TestWorkflowEnvironment {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	return suite.NewTestWorkflowEnvironment()
}

// beChild has the workflow under test be a migration's: started under its id by
// a parent that hears nothing.
func beChild(env *testsuite.TestWorkflowEnvironment, id, parent string) {
	env.SetStartWorkflowOptions(clientOptions(id))
	env.SetWorkerOptions(strangers(parent))
	env.OnSignalExternalWorkflow(mock.Anything, parent, mock.Anything, mock.Anything, mock.Anything).Return(nil).Maybe()
}

// strangers gives workflows that no other has started a parent; an empty one
// is none.
func strangers(parent string) worker.Options {
	return worker.Options{Interceptors: []interceptor.WorkerInterceptor{&parentInterceptor{parent: parent}}}
}

// parentRun is the run id of a parent that beChild gives.
const parentRun = "parent-run"

type parentInterceptor struct {
	interceptor.WorkerInterceptorBase

	parent string
}

func (p *parentInterceptor) InterceptWorkflow(_ workflow.Context, next interceptor.WorkflowInboundInterceptor) interceptor.WorkflowInboundInterceptor {
	in := &inboundInterceptor{parent: p.parent}
	in.Next = next
	return in
}

type inboundInterceptor struct {
	interceptor.WorkflowInboundInterceptorBase

	parent string
}

func (i *inboundInterceptor) Init(next interceptor.WorkflowOutboundInterceptor) error {
	out := &infoInterceptor{parent: i.parent}
	out.Next = next
	return i.Next.Init(out)
}

type infoInterceptor struct {
	interceptor.WorkflowOutboundInterceptorBase

	parent string
}

// GetInfo tells a workflow that no other has started of its parent.
func (i *infoInterceptor) GetInfo(ctx workflow.Context) *workflow.Info {
	info := *i.Next.GetInfo(ctx)
	if info.ParentWorkflowExecution == nil && i.parent != "" {
		info.ParentWorkflowExecution = &workflow.Execution{ID: i.parent, RunID: parentRun}
	}
	return &info
}

func clientOptions(id string) client.StartWorkflowOptions {
	return client.StartWorkflowOptions{ID: id, TaskQueue: TaskQueue}
}

// rawJSON is a payload as the Temporal UI would send it.
func rawJSON(text string) *commonpb.Payload {
	return &commonpb.Payload{Metadata: map[string][]byte{"encoding": []byte("json/plain")}, Data: []byte(text)}
}

// failsAt has one activity fail, each time that it is asked.
func failsAt(activity string, f fault.Fault) func(name string) error {
	return func(name string) error {
		if name != activity {
			return nil
		}
		return fault.Activity(&f)
	}
}
