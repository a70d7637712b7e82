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

// result waits for any workflow's result.
func (c *Client) result(ctx context.Context, id string, into any) error {
	err := c.temporal.GetWorkflow(ctx, id, "").Get(ctx, into)
	if err == nil {
		return nil
	}
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
