package cli

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/f0a90b9a/ferry/internal/cli/view"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/operator"
)

const (
	listTimeout = time.Minute
	// listWidth is how many summaries are read at once.
	listWidth = 8
)

func newList(a *app) *cobra.Command {
	var limit int
	command := &cobra.Command{
		Use:   "list",
		Short: "List migrations, the latest first",
		Long: `List migrations, the latest first: those that Temporal knows, and from the work
bucket those that it has forgotten. Works without a worker.`,
		Args: arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if limit < 1 || limit > 10_000 {
				return usagef("--limit %d is not between 1 and 10000", limit)
			}
			n, err := a.dial(cmd)
			if err != nil {
				return err
			}
			defer n.close()
			entries, err := list(cmd.Context(), n, limit)
			if err != nil {
				return err
			}
			if a.json {
				return a.writeJSON(entries)
			}
			view.List(a.Out, a.style(), entries)
			return nil
		},
	}
	command.Flags().IntVar(&limit, "limit", 50, "show at most this many")
	return command
}

// list joins what Temporal knows with what the work bucket has.
func list(ctx context.Context, n *connection, limit int) ([]view.Entry, error) {
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	runs, err := n.engine.List(ctx, limit)
	if err != nil {
		return nil, err
	}
	ids := make([]string, 0, len(runs))
	byID := map[string]operator.Run{}
	for _, run := range runs {
		former, again := byID[run.ID] // one that failed before it claimed anything
		if !again {
			ids = append(ids, run.ID)
		}
		if !again || migration.CompareTimes(run.StartedAt, former.StartedAt) > 0 {
			byID[run.ID] = run
		}
	}
	if n.past != nil {
		for id, err := range n.past.IDs(ctx) {
			if err != nil {
				return nil, err
			}
			if _, known := byID[id]; !known && migration.ValidID(id) {
				ids = append(ids, id)
			}
		}
	}
	entries, err := entriesOf(ctx, n, ids, byID)
	if err != nil {
		return nil, err
	}
	// A folder without a claim is no migration.
	entries = slices.DeleteFunc(entries, func(e view.Entry) bool { return e.Migration == "" })
	slices.SortStableFunc(entries, func(a, b view.Entry) int { return migration.CompareTimes(b.StartedAt, a.StartedAt) })
	entries = entries[:min(limit, len(entries))]
	return entries, markPurged(ctx, n, entries)
}

func entriesOf(ctx context.Context, n *connection, ids []string, byID map[string]operator.Run) ([]view.Entry, error) {
	entries := make([]view.Entry, len(ids))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(listWidth)
	for i, id := range ids {
		group.Go(func() error {
			run, known := byID[id]
			var err error
			entries[i], err = entryOf(ctx, n, id, run, known)
			return err
		})
	}
	return entries, group.Wait()
}

func entryOf(ctx context.Context, n *connection, id string, run operator.Run, inTemporal bool) (view.Entry, error) {
	if !inTemporal {
		s, _, err := pastStatus(ctx, n, id, nil)
		return entry(s), err
	}
	if run.State == operator.Open {
		e := entry(known(run))
		e.State = "RUNNING"
		return e, nil
	}
	s, err := n.engine.Result(ctx, id)
	switch {
	case err == nil:
	case errors.Is(err, operator.ErrUnknown) && n.past != nil: // forgotten since it was listed
		s, _, err = pastStatus(ctx, n, id, nil)
	default:
		s, _, err = interruptedStatus(ctx, n, run, err)
	}
	return entry(s), err
}

func entry(s migration.Summary) view.Entry {
	return view.Entry{
		Migration: s.Migration, File: s.File, Route: s.Route,
		State: string(s.Result), Reason: s.Reason,
		Records: s.Records, Outcomes: s.Outcomes,
		StartedAt: s.StartedAt, FinishedAt: s.FinishedAt,
	}
}
