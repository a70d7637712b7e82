package operator

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/workflows"
)

// CheckOver refuses (ErrRefused) a migration of which anything may still read
// or write the work bucket: itself, its batches and records, the rebuilding of
// its files, a reconciliation, calls that were under way when it was ended by
// force, and other migrations that were started with one of its files. Known is
// false for one that Temporal does not have (any more).
func (c *Client) CheckOver(ctx context.Context, id string, files []string) (known bool, err error) {
	if !migration.ValidID(id) { // nothing else may get into a query
		return false, fmt.Errorf("migration %q: %w", id, ErrUnknown)
	}
	run, err := c.Describe(ctx, id)
	if err != nil && !errors.Is(err, ErrUnknown) {
		return false, err
	}
	known = err == nil
	for _, why := range []func() (string, error){
		func() (string, error) { return c.stillUnderWay(run, known), nil },
		func() (string, error) { return c.aftermath(ctx, id) },
		func() (string, error) { return c.openChildren(ctx, id, workflows.NotifyCompletionName) },
		func() (string, error) { return c.openReader(ctx, files) },
	} {
		reason, err := why()
		if err != nil {
			return known, fmt.Errorf("migration %s: %w", id, err)
		}
		if reason != "" {
			return known, fmt.Errorf("migration %s: %w: %s", id, ErrRefused, reason)
		}
	}
	return known, nil
}

// stillUnderWay says why a root keeps its files: it is open, or was ended by
// force a moment ago.
func (c *Client) stillUnderWay(run Run, known bool) string {
	switch {
	case !known || run.State == Completed:
		return ""
	case run.State == Open:
		return "it is still running"
	case run.ClosedAt == nil:
		return ""
	}
	if end := run.ClosedAt.Add(run.TaskTimeout + workflows.LongestCall); time.Now().Before(end) {
		return fmt.Sprintf("it was ended by force (%s), and calls of it may be under way until %s", run.State, end.UTC().Format("15:04:05Z"))
	}
	return ""
}

// aftermath says which workflow of a past migration is open.
func (c *Client) aftermath(ctx context.Context, id string) (string, error) {
	for _, w := range []struct{ id, doing string }{
		{workflows.RebuildID(id), "its files are being rebuilt"},
		{workflows.ReconcileID(id), "it is being reconciled"},
	} {
		answer, err := c.temporal.DescribeWorkflowExecution(ctx, w.id, "")
		if _, missing := errors.AsType[*serviceerror.NotFound](err); missing {
			continue
		}
		if err != nil {
			return "", fmt.Errorf("describe %s: %w", w.id, err)
		}
		switch answer.GetWorkflowExecutionInfo().GetStatus() {
		case enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, enumspb.WORKFLOW_EXECUTION_STATUS_PAUSED,
			enumspb.WORKFLOW_EXECUTION_STATUS_CONTINUED_AS_NEW:
			return w.doing + " (workflow " + w.id + ")", nil
		default:
		}
	}
	return "", nil
}

// openChildren says how much of a migration is open, workflows of one type
// aside: batches and records are ended with their root, but not in the same
// moment. The id must be valid, or anything may get into the query.
func (c *Client) openChildren(ctx context.Context, id, except string) (string, error) {
	query := "RootWorkflowId = '" + id + "' AND ExecutionStatus = 'Running'"
	if except != "" {
		query += " AND WorkflowType != '" + except + "'"
	}
	left, err := c.temporal.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{Query: query})
	if err != nil {
		return "", fmt.Errorf("count of what still runs: %w", err)
	}
	if n := left.GetCount(); n > 0 {
		return fmt.Sprintf("%d of its batches and records are still being ended; try again in a moment", n), nil
	}
	return "", nil
}

// openReader finds an open migration that was started with one of the files.
func (c *Client) openReader(ctx context.Context, files []string) (string, error) {
	runs, err := c.query(ctx, "WorkflowType = '"+workflows.MigrateFileName+"' AND ExecutionStatus = 'Running'", maxOpen)
	if err != nil {
		return "", err
	}
	for _, run := range runs {
		if slices.Contains(files, run.File) {
			return "migration " + run.ID + " was started with " + run.File + " and still runs", nil
		}
	}
	return "", nil
}

// maxOpen bounds how many open migrations are looked through.
const maxOpen = 10_000
