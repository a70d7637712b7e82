package operator

import (
	"context"
	"errors"
	"fmt"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/workflows"
)

// seenTimeout bounds the question to a closed root for its last state: a worker
// reads its whole history for the answer.
const seenTimeout = 30 * time.Second

// seenTries is how often it is asked.
const seenTries = 3

// Rebuild starts the workflow that makes the files of a migration whose root
// closed without a result, and gives that workflow's id: its result and its
// progress are asked for as a migration's are. If it runs already, that one is
// it. Settle is how long after the root's end calls to the target may still be
// under way; nil is as long as the workers may take. A migration of which
// anything still runs, or that has a result, is ErrRefused.
func (c *Client) Rebuild(ctx context.Context, id string, settle *time.Duration) (string, error) {
	run, err := c.Describe(ctx, id)
	if err != nil {
		return "", err
	}
	if err := c.checkClosed(ctx, run); err != nil {
		return "", err
	}
	seen, err := c.seen(ctx, id)
	if err != nil {
		return "", err
	}
	in := workflows.RebuildReportsInput{
		Migration: id, How: string(run.State), StartedAt: run.StartedAt, ClosedAt: *run.ClosedAt,
		SettleSeconds: (run.TaskTimeout + workflows.LongestCall).Seconds(), Seen: seen,
	}
	if settle != nil {
		in.SettleSeconds = settle.Seconds()
	}
	if in.Seen != nil {
		in.Written = c.written(ctx, id)
	}
	if in.Seen != nil && in.Seen.StartedAt != nil {
		in.StartedAt = in.Seen.StartedAt
	}
	_, err = c.temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID:                       workflows.RebuildID(id),
		TaskQueue:                c.queue,
		WorkflowTaskTimeout:      c.taskTimeout,
		WorkflowIDReusePolicy:    enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		StaticSummary:            "makes the files of " + id + ", which was ended by force",
	}, workflows.RebuildReportsName, in)
	if err != nil {
		return "", fmt.Errorf("migration %s: rebuild: %w", id, err)
	}
	return workflows.RebuildID(id), nil
}

// checkClosed refuses a migration of which anything runs, or that ended in
// order.
func (c *Client) checkClosed(ctx context.Context, run Run) error {
	refuse := func(why string) error { return fmt.Errorf("migration %s: rebuild: %w: %s", run.ID, ErrRefused, why) }
	switch {
	case run.State == Open:
		return refuse("it is still running")
	case run.State == Completed:
		return refuse("it ended in order and wrote its files itself")
	case run.ClosedAt == nil:
		return errors.New("migration " + run.ID + ": Temporal does not say when it ended")
	case !migration.ValidID(run.ID): // nothing else may get into the query
		return fmt.Errorf("migration %q: %w", run.ID, ErrUnknown)
	}
	open, err := c.openChildren(ctx, run.ID, "")
	if err != nil {
		return fmt.Errorf("migration %s: %w", run.ID, err)
	}
	if open != "" {
		return refuse(open)
	}
	return nil
}

// written asks a closed root what it knew of its batches' outcomes; nil if it
// can't be told, as with a run of an earlier release.
func (c *Client) written(ctx context.Context, id string) *migration.Written {
	asking, cancel := context.WithTimeout(ctx, seenTimeout)
	defer cancel()
	answer, err := c.temporal.QueryWorkflow(asking, id, "", workflows.QueryWritten)
	if err != nil {
		return nil
	}
	var w migration.Written
	if answer.Get(&w) != nil {
		return nil
	}
	return &w
}

// seen asks a closed root for the last state that it knew: settings and limits
// as operators changed them, the audit trail, warnings. Only these are kept.
// Nil if it can't be told any more, or ended before it had settings; without a
// worker, which the rebuilding needs anyway, it is ErrNoWorker.
func (c *Client) seen(ctx context.Context, id string) (*migration.Summary, error) {
	for range seenTries {
		asking, cancel := context.WithTimeout(ctx, seenTimeout)
		s, err := c.Progress(asking, id)
		cancel()
		switch {
		case errors.Is(err, ErrNoWorker) || ctx.Err() != nil:
			return nil, err
		case err != nil: // a worker that is busy may need longer to read the whole history again
		case s.Settings.BatchSize == 0:
			return nil, nil
		default:
			return &migration.Summary{
				Migration: id, StartedAt: s.StartedAt, Settings: s.Settings, Limits: s.Limits, Problems: s.Problems, Audit: s.Audit,
				Files: s.Files,
			}, nil
		}
	}
	return nil, nil
}
