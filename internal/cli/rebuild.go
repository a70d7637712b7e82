package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/operator"
)

// rebuildTimeout bounds the start of a rebuilding, for which a worker reads the
// history of the migration.
const rebuildTimeout = time.Minute

// rebuild has the files of a migration made that was ended by force, and waits
// for them. Where they are there it does nothing.
func (a *app) rebuild(cmd *cobra.Command, n *connection, id string, settle time.Duration) error {
	ctx := cmd.Context()
	needed, err := needsRebuild(ctx, n, id)
	if err != nil || !needed {
		return err
	}
	call, cancel := context.WithTimeout(ctx, rebuildTimeout)
	defer cancel()
	var given *time.Duration
	if cmd.Flags().Changed("settle") {
		given = &settle
	}
	rebuilding, err := n.engine.Rebuild(call, id, given)
	if err != nil {
		return err
	}
	_, err = a.await(ctx, n, rebuilding)
	if ctx.Err() != nil {
		return &problem{
			code: exitInterrupted, thing: "migration " + id, err: errors.New("the rebuilding of its files goes on without you"),
			remedy: "follow it again with the same command",
		}
	}
	if failed, ok := errors.AsType[*operator.FailedError](err); ok && failed.Code == fault.CodeBadInput {
		return &problem{code: exitRefused, err: errors.New(failed.Message)}
	}
	return err
}

// needsRebuild reports whether a migration's files are missing and can be made.
func needsRebuild(ctx context.Context, n *connection, id string) (bool, error) {
	if err := checkArchive(n, id); err != nil {
		return false, err
	}
	ctx, cancel := brief(ctx)
	defer cancel()
	run, err := n.engine.Describe(ctx, id)
	if err != nil && !errors.Is(err, operator.ErrUnknown) {
		return false, err
	}
	traces, readErr := n.past.Traces(ctx, id)
	switch {
	case readErr != nil:
		return false, readErr
	case err == nil && run.State == operator.Open:
		return false, stillRunning(id)
	case traces.Done:
		return false, nil
	case traces.Purged:
		return false, refusePurged(ctx, n, id)
	case err != nil && len(traces.Files) > 0:
		return false, forgotten(id)
	case err != nil:
		return false, err
	case !traces.Planned:
		return false, unwritten(id, traces)
	}
	return true, nil
}

// endedByForce reports whether a root closed without a result.
func endedByForce(run operator.Run) bool {
	switch run.State {
	case operator.Failed, operator.Terminated, operator.Canceled, operator.TimedOut:
		return true
	case operator.Open, operator.Completed:
	}
	return false
}

// unwritten is the end of a command that needs files which a migration that
// was ended by force has not written.
func unwritten(id string, traces operator.Traces) error {
	p := &problem{
		code: exitRefused, thing: "migration " + id, err: errors.New("it was closed without writing its files"),
		remedy: "make them with 'ferry reports " + id + " --rebuild'",
	}
	if !traces.Planned {
		p.err = fmt.Errorf("%w: its import had not ended, so nothing was sent to the target", p.err)
		p.remedy = "start the file again under a new name"
	}
	return p
}

// forgotten refuses a migration that Temporal doesn't know (any more): nobody
// can tell that it doesn't run elsewhere.
func forgotten(id string) error {
	return &problem{
		code: exitRefused, thing: "migration " + id,
		err:    errors.New("it is no longer known to Temporal, so that nobody can tell whether anything of it still runs"),
		remedy: "start the source file again under a new name: records that are there already are found",
	}
}
