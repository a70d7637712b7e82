package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/f0a90b9a/ferry/internal/cli/view"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/operator"
)

const (
	// pollEvery is the pace of progress queries; each costs a worker a replay
	// if the run fell out of its cache.
	pollEvery = time.Second
	// queryTimeout is how long one query may take before the progress says
	// that nobody answers.
	queryTimeout = 10 * time.Second
)

func newWatch(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "watch ID",
		Short: "Follow a migration to its end; the exit code is its result",
		Args:  arguments("migration ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := a.dial(cmd)
			if err != nil {
				return err
			}
			defer n.close()
			s, found, err := finished(cmd.Context(), n, args[0])
			if err != nil {
				return err
			}
			if found {
				return a.conclude(cmd.Context(), n, s)
			}
			return a.follow(cmd.Context(), n, args[0])
		},
	}
}

// finished looks for a migration that Temporal has forgotten in the work
// bucket. Found is false for one that Temporal knows.
func finished(ctx context.Context, n *connection, id string) (migration.Summary, bool, error) {
	call, cancel := brief(ctx)
	defer cancel()
	_, err := n.engine.Describe(call, id)
	if err == nil {
		return migration.Summary{}, false, nil
	}
	if !errors.Is(err, operator.ErrUnknown) || n.past == nil || !migration.ValidID(id) {
		return migration.Summary{}, false, err
	}
	s, found, readErr := n.past.Summary(call, id)
	if readErr != nil || found {
		return s, found, readErr
	}
	return s, false, err
}

// follow shows a migration's progress until it ends and then its summary. An
// interruption ends the watching, never the migration.
func (a *app) follow(ctx context.Context, n *connection, id string) error {
	s, err := a.await(ctx, n, id)
	if ctx.Err() != nil {
		return &problem{
			code: exitInterrupted, thing: "migration " + id, err: errors.New("goes on without you"),
			remedy: "follow it again with 'ferry watch " + id + "'",
		}
	}
	if err != nil {
		return err
	}
	return a.conclude(ctx, n, s)
}

// await shows the progress until the result is there.
func (a *app) await(ctx context.Context, n *connection, id string) (migration.Summary, error) {
	progress := a.progress()
	defer progress.Close()
	asking, stop := context.WithCancel(ctx)
	asked := make(chan struct{})
	go func() {
		defer close(asked)
		ask(asking, n, id, progress)
	}()
	s, err := n.engine.Result(ctx, id)
	stop()
	<-asked
	if err == nil {
		progress.Show(s, "")
	}
	return s, err
}

// ask queries a migration until ctx ends.
func ask(ctx context.Context, n *connection, id string, progress view.Progress) {
	said := ""
	for ctx.Err() == nil {
		call, cancel := context.WithTimeout(ctx, queryTimeout)
		s, err := n.engine.Progress(call, id)
		cancel()
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			said = ""
			progress.Show(s, passOf(ctx, n, s))
		case err.Error() != said: // each trouble once
			said = err.Error()
			progress.Note(waiting(n, err))
		}
		select {
		case <-ctx.Done():
		case <-time.After(pollEvery):
		}
	}
}

// passOf says how far a migration is that goes through its whole file, if
// Temporal can tell.
func passOf(ctx context.Context, n *connection, s migration.Summary) string {
	switch s.Phase {
	case migration.Importing, migration.Reporting, migration.Reconciling:
	default:
		return ""
	}
	call, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	run, err := n.engine.Describe(call, s.Migration)
	if err != nil || !run.Pass.Fresh(time.Now()) {
		return "" // if anything is wrong, the next query will say so
	}
	return run.Pass.Says()
}

func waiting(n *connection, err error) string {
	if errors.Is(err, operator.ErrNoWorker) {
		return fmt.Sprintf("ferry: no worker is polling task queue %s; waiting for one (%s)", n.engine.Queue(), howToStartAWorker)
	}
	return "ferry: waiting: " + err.Error()
}

// conclude writes the summary of an ended migration and ends with its code.
func (a *app) conclude(ctx context.Context, n *connection, s migration.Summary) error {
	s = a.withPurge(ctx, n, s)
	if err := a.show(s); err != nil {
		return err
	}
	return resultEnd(s)
}

// show writes a summary for whoever reads.
func (a *app) show(s migration.Summary) error {
	if a.json {
		return a.writeJSON(s)
	}
	view.Summary(a.Out, a.style(), s)
	return nil
}
