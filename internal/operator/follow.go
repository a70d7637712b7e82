package operator

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/temporal"

	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/workflows"
)

// Progress asks a running migration how far it is. It needs a worker: without
// one it ends with its context, as ErrNoWorker.
func (c *Client) Progress(ctx context.Context, id string) (migration.Summary, error) {
	var s migration.Summary
	answer, err := c.temporal.QueryWorkflow(ctx, id, "", workflows.QueryProgress)
	if err != nil {
		return s, c.explain(ctx, id, "progress", err)
	}
	if err := answer.Get(&s); err != nil {
		return s, fmt.Errorf("migration %s: progress: %w", id, err)
	}
	return s, nil
}

// Result waits for a migration to end, over every continue-as-new. A closed
// one answers at once and needs no worker. One without a result is a
// FailedError or an InterruptedError.
func (c *Client) Result(ctx context.Context, id string) (migration.Summary, error) {
	var s migration.Summary
	err := c.result(ctx, id, &s)
	return s, err
}

// awayPause is the time between two tries to reach a Temporal that is away. The
// connection itself has tried for about a minute before each.
const awayPause = 2 * time.Second

// result waits for any workflow's result, also while Temporal is away: who
// follows a migration through the night finds its result in the morning.
func (c *Client) result(ctx context.Context, id string, into any) error {
	for {
		err := c.temporal.GetWorkflow(ctx, id, "").Get(ctx, into)
		if err == nil {
			return nil
		}
		if !isAway(err) || ctx.Err() != nil {
			return c.explainResult(ctx, id, err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(awayPause):
		}
	}
}

// isAway reports whether a call ended because nobody answered, or because
// Temporal is busy or being restarted: what may pass by itself.
func isAway(err error) bool {
	var unavailable *serviceerror.Unavailable
	var late *serviceerror.DeadlineExceeded
	var busy *serviceerror.ResourceExhausted
	return errors.As(err, &unavailable) || errors.As(err, &late) || errors.As(err, &busy) ||
		errors.Is(err, context.DeadlineExceeded)
}

// explainResult says how a workflow ended that gave no result, or why it can't
// be asked.
func (c *Client) explainResult(ctx context.Context, id string, err error) error {
	var missing *serviceerror.NotFound
	var application *temporal.ApplicationError
	var terminated *temporal.TerminatedError
	var timedOut *temporal.TimeoutError
	var canceled *temporal.CanceledError
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &missing):
		return fmt.Errorf("migration %s: %w", id, ErrUnknown)
	case errors.As(err, &application):
		return &FailedError{Migration: id, Code: application.Type(), Message: application.Message()}
	case errors.As(err, &terminated):
		return &InterruptedError{Migration: id, How: string(Terminated)}
	case errors.As(err, &timedOut):
		return &InterruptedError{Migration: id, How: string(TimedOut)}
	case errors.As(err, &canceled):
		return &InterruptedError{Migration: id, How: string(Canceled)}
	}
	return fmt.Errorf("migration %s: result: %w", id, err)
}

// explain finds out why a call that needs a worker went wrong.
func (c *Client) explain(ctx context.Context, id, call string, err error) error {
	if _, ok := errors.AsType[*serviceerror.NotFound](err); ok {
		return fmt.Errorf("migration %s: %w", id, ErrUnknown)
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	if noPoller(err) {
		return fmt.Errorf("migration %s: %s: %w task queue %s", id, call, ErrNoWorker, c.queue)
	}
	// The call's own deadline may be over; the question is a short one.
	check, cancel := context.WithTimeout(context.WithoutCancel(ctx), explainTimeout)
	defer cancel()
	last, polls, pollErr := c.lastPoll(check)
	switch {
	case pollErr == nil && !polls:
		return fmt.Errorf("migration %s: %s: %w task queue %s", id, call, ErrNoWorker, c.queue)
	case outOfTime(ctx):
		return &unansweredError{what: "migration " + id + ": " + call, last: last, now: time.Now()}
	}
	return fmt.Errorf("migration %s: %s: %w", id, call, err)
}

// noPoller reports whether the server itself says that nobody has asked for
// work lately, which it does long before it forgets who did.
func noPoller(err error) bool {
	said, ok := errors.AsType[*serviceerror.FailedPrecondition](err)
	return ok && strings.Contains(said.Message, "no poller seen")
}
