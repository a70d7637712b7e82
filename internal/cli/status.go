package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/operator"
)

func newStatus(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "status ID",
		Short: "Show how a migration stands or how it ended",
		Long: `Show how a migration stands or how it ended. Works without a worker, from
Temporal and the work bucket: then it shows the last that is known and when that
was ("stale" in --json). The exit code is 0 if the state could be shown; 'ferry
watch' ends with the result's code.`,
		Args: arguments("migration ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := a.dial(cmd)
			if err != nil {
				return err
			}
			defer n.close()
			s, note, err := status(cmd.Context(), n, args[0])
			if err != nil {
				return err
			}
			s = a.withPurge(cmd.Context(), n, s)
			if note != "" {
				a.notef("ferry: %s\n", note)
			}
			return a.show(s)
		},
	}
}

// status finds out how a migration stands from whoever knows best: the running
// workflow, its result, the work bucket. The note says what could not be
// asked.
func status(ctx context.Context, n *connection, id string) (s migration.Summary, note string, err error) {
	if !migration.ValidID(id) {
		return s, "", fmt.Errorf("migration %q: %w", id, operator.ErrUnknown)
	}
	call, cancel := brief(ctx)
	defer cancel()
	run, err := n.engine.Describe(call, id)
	switch {
	case errors.Is(err, operator.ErrUnknown):
		return pastStatus(call, n, id, err)
	case err != nil:
		return s, "", err
	case run.State == operator.Open:
		return openStatus(ctx, n, run)
	}
	s, err = n.engine.Result(call, id)
	if err == nil {
		return s, "", nil
	}
	return interruptedStatus(call, n, run, err)
}

// openStatus asks the workflow; without a worker it says what the bucket
// shows.
func openStatus(ctx context.Context, n *connection, run operator.Run) (migration.Summary, string, error) {
	call, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	s, err := n.engine.Progress(call, run.ID)
	if err == nil || ctx.Err() != nil {
		return s, "", err
	}
	note := withRemedy(err).Error()
	look, done := brief(ctx)
	defer done()
	if last, lastErr := n.engine.LastKnown(look, run); lastErr == nil {
		last.Stale.Why = err.Error()
		return last, note, nil
	}
	s = known(run)
	traces, err := tracesOf(look, n, run.ID)
	if err != nil {
		return s, "", err
	}
	switch {
	case traces.Imported:
		s.Phase = migration.Migrating
		note += fmt.Sprintf("; the work bucket has the outcomes of %d finished batches", traces.Batches)
	case traces.Claimed:
		s.Phase = migration.Importing
	default:
		s.Phase = migration.Checking
	}
	return s, note, nil
}

// interruptedStatus shows a root that was closed without a result: it failed
// before it could begin, or somebody ended it by force.
func interruptedStatus(ctx context.Context, n *connection, run operator.Run, cause error) (migration.Summary, string, error) {
	var failed *operator.FailedError
	var interrupted *operator.InterruptedError
	if !errors.As(cause, &failed) && !errors.As(cause, &interrupted) {
		return migration.Summary{}, "", cause
	}
	s := known(run)
	if n.past != nil {
		if written, found, err := n.past.Summary(ctx, run.ID); err == nil && found && written.File == run.File {
			return written, "", nil
		}
	}
	s.Result, s.Phase = migration.Interrupted, migration.Done
	if failed != nil {
		s.Result = migration.NotStarted
	}
	s.Reason = cause.Error()
	return s, "", nil
}

// pastStatus shows a migration that Temporal has forgotten.
func pastStatus(ctx context.Context, n *connection, id string, unknown error) (migration.Summary, string, error) {
	if n.past == nil {
		return migration.Summary{}, "", unknown
	}
	s, found, err := n.past.Summary(ctx, id)
	if err != nil || found {
		return s, "", err
	}
	traces, err := n.past.Traces(ctx, id)
	if err != nil {
		return s, "", err
	}
	if !traces.Claimed {
		return s, "", unknown
	}
	s = empty(id)
	s.Result, s.Phase = migration.Interrupted, migration.Done
	s.Reason = "Temporal no longer knows it, and it wrote no summary"
	return s, "", nil
}

func tracesOf(ctx context.Context, n *connection, id string) (operator.Traces, error) {
	if n.past == nil {
		return operator.Traces{}, nil
	}
	return n.past.Traces(ctx, id)
}

// known is the summary of what Temporal alone tells.
func known(run operator.Run) migration.Summary {
	s := empty(run.ID)
	s.File, s.Route = run.File, run.Route
	s.StartedAt, s.FinishedAt = run.StartedAt, run.ClosedAt
	return s
}

// empty is a summary with no nulls where users' scripts expect lists.
func empty(id string) migration.Summary {
	return migration.Summary{
		Migration: id,
		Errors:    []migration.ErrorGroup{},
		Audit:     []migration.AuditEntry{},
		Files:     map[string]migration.FileInfo{},
	}
}
