package operator

import (
	"context"
	"errors"
	"fmt"
	"strings"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/temporalconn"
	"github.com/f0a90b9a/ferry/workflows"
)

// Keys of the root's memo, so that a list can name file and route without
// asking a worker.
const (
	memoFile  = "file"
	memoRoute = "route"
)

// Start starts a migration under an id and gives the run's id. An id that was
// ever used is ErrIDUsed.
func (c *Client) Start(ctx context.Context, id string, in workflows.MigrateFileInput) (runID string, err error) {
	return c.start(ctx, c.startOptions(id, in), in)
}

// StartAgain starts a migration under an id whose last run, if there was one,
// failed; any other use of the id is ErrIDUsed. It is for runs that failed
// before they claimed anything: a mistyped route costs no name.
func (c *Client) StartAgain(ctx context.Context, id string, in workflows.MigrateFileInput) (runID string, err error) {
	options := c.startOptions(id, in)
	options.WorkflowIDReusePolicy = enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY
	return c.start(ctx, options, in)
}

func (c *Client) start(ctx context.Context, options client.StartWorkflowOptions, in workflows.MigrateFileInput) (runID string, err error) {
	id := options.ID
	if !migration.ValidID(id) {
		return "", fmt.Errorf("migration id %q: must match %s", id, migration.IDPattern)
	}
	if err := in.Check(); err != nil {
		return "", fmt.Errorf("migration %s: %w", id, err)
	}
	run, err := c.temporal.ExecuteWorkflow(ctx, options, workflows.MigrateFileName, in)
	if _, ok := errors.AsType[*serviceerror.WorkflowExecutionAlreadyStarted](err); ok {
		return "", fmt.Errorf("migration %s: %w", id, ErrIDUsed)
	}
	if err != nil {
		return "", fmt.Errorf("migration %s: start: %w", id, err)
	}
	return run.GetRunID(), nil
}

func (c *Client) startOptions(id string, in workflows.MigrateFileInput) client.StartWorkflowOptions {
	return client.StartWorkflowOptions{
		ID:                                       id,
		TaskQueue:                                c.queue,
		WorkflowTaskTimeout:                      c.taskTimeout,
		WorkflowIDReusePolicy:                    enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		WorkflowIDConflictPolicy:                 enumspb.WORKFLOW_ID_CONFLICT_POLICY_FAIL,
		WorkflowExecutionErrorWhenAlreadyStarted: true,
		Memo:                                     map[string]any{memoFile: in.File, memoRoute: in.Route},
		StaticSummary:                            what(in),
		StaticDetails:                            "Follow it with `ferry watch " + id + "`; steer it with `ferry pause`, `resume` or `abort`, or with the updates of these names.",
	}
}

// maxStartSummary is how long a workflow's summary may be, in bytes: the server
// refuses a start with a longer one.
const maxStartSummary = 400

// what says in a line what a migration is to do.
func what(in workflows.MigrateFileInput) string {
	file := in.File
	if room := maxStartSummary - len(" onto , dry run …") - len(in.Route); len(file) > room {
		file = "…" + strings.ToValidUTF8(file[len(file)-room:], "")
	}
	line := file + " onto " + in.Route
	if in.DryRun {
		line += ", dry run"
	}
	return line
}

// WorkerPolls reports whether a worker has lately polled the task queue.
func (c *Client) WorkerPolls(ctx context.Context) (bool, error) {
	return temporalconn.WorkerPolls(ctx, c.temporal, c.queue)
}
