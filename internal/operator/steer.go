package operator

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/f0a90b9a/ferry/internal/migration"
)

// explainTimeout bounds the look at the task queue after a failed call.
const explainTimeout = 3 * time.Second

// checked is an input that can be judged before it is sent: what the migration
// would refuse anyway need not reach its history.
type checked interface{ Check() error }

// Update sends one of the root's updates (workflows.UpdatePause and so on)
// with its input and gives the summary after it. What the migration refuses,
// closed ones included, is ErrRefused with its reason.
func (c *Client) Update(ctx context.Context, id, name string, input any) (migration.Summary, error) {
	var s migration.Summary
	if in, ok := input.(checked); ok {
		if err := in.Check(); err != nil {
			return s, fmt.Errorf("migration %s: %s: %w: %w", id, name, ErrRefused, err)
		}
	}
	run, err := c.Describe(ctx, id)
	if err != nil {
		return s, err
	}
	if run.State != Open {
		return s, fmt.Errorf("migration %s: %s: %w: it has ended (%s)", id, name, ErrRefused, run.State)
	}
	handle, err := c.temporal.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
		WorkflowID:   id,
		UpdateName:   name,
		Args:         []any{input},
		WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	if err == nil {
		err = handle.Get(ctx, &s)
	}
	if err != nil {
		return s, c.explainUpdate(ctx, id, name, err)
	}
	return s, nil
}

func (c *Client) explainUpdate(ctx context.Context, id, name string, err error) error {
	if refused, ok := errors.AsType[*temporal.ApplicationError](err); ok {
		return fmt.Errorf("migration %s: %s: %w: %s", id, name, ErrRefused, refused.Message())
	}
	if _, ok := errors.AsType[*serviceerror.NotFound](err); ok {
		return fmt.Errorf("migration %s: %s: %w: it has just ended", id, name, ErrRefused)
	}
	err = c.explain(ctx, id, name, err)
	if errors.Is(err, ErrNoWorker) || errors.Is(err, context.DeadlineExceeded) {
		// The server may hand it to the next worker that comes.
		return fmt.Errorf("%w; it may still take effect when one does, so look at the status then", err)
	}
	return err
}
