package workflows

import (
	"log/slog"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"

	"github.com/f0a90b9a/ferry/internal/fault"
)

const hour = time.Hour

// quietEnv is a test environment that does not log.
func quietEnv() *testsuite.TestWorkflowEnvironment {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	return suite.NewTestWorkflowEnvironment()
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
