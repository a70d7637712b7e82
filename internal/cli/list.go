package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
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
bucket those that it has forgotten. Works without a worker; a worker tells how
running ones stand.`,
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
			found, err := list(cmd.Context(), n, limit)
			if err != nil {
				return err
			}
			for _, note := range found.notes {
				a.notef("ferry: %s\n", note)
			}
			if a.json {
				return a.writeJSON(found.entries)
			}
			view.List(a.Out, a.style(), found.entries)
			return nil
		},
	}
	command.Flags().IntVar(&limit, "limit", 50, "show at most this many")
	return command
}

// listing is what a list shows, with what it can't.
type listing struct {
	entries []view.Entry
	notes   []string
}

// list joins what Temporal knows with what the work bucket has.
func list(ctx context.Context, n *connection, limit int) (listing, error) {
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	runs, err := n.engine.List(ctx, limit+1) // one more tells that there are more
	if err != nil {
		return listing{}, err
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
				return listing{}, err
			}
			if _, known := byID[id]; !known && migration.ValidID(id) {
				ids = append(ids, id)
			}
		}
	}
	asked := &openRuns{connection: n}
	entries, err := entriesOf(ctx, asked, ids, byID)
	if err != nil {
		return listing{}, err
	}
	// A folder without a claim is no migration.
	entries = slices.DeleteFunc(entries, func(e view.Entry) bool { return e.Migration == "" })
	slices.SortStableFunc(entries, func(a, b view.Entry) int { return migration.CompareTimes(b.StartedAt, a.StartedAt) })
	found := listing{entries: entries[:min(limit, len(entries))], notes: asked.notes()}
	if len(entries) > limit {
		found.notes = append(found.notes, fmt.Sprintf("only the latest %d migrations are shown; --limit N shows more", limit))
	}
	return found, markPurged(ctx, n, found.entries)
}

func entriesOf(ctx context.Context, n *openRuns, ids []string, byID map[string]operator.Run) ([]view.Entry, error) {
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

func entryOf(ctx context.Context, n *openRuns, id string, run operator.Run, inTemporal bool) (view.Entry, error) {
	if !inTemporal {
		s, _, err := pastStatus(ctx, n.connection, id, nil)
		return entry(s), err
	}
	if run.State == operator.Open {
		return n.entry(ctx, run), nil
	}
	s, err := n.engine.Result(ctx, id)
	switch {
	case err == nil:
	case errors.Is(err, operator.ErrUnknown) && n.past != nil: // forgotten since it was listed
		s, _, err = pastStatus(ctx, n.connection, id, nil)
	default:
		s, _, err = interruptedStatus(ctx, n.connection, run, err)
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

// glanceTimeout is how long a list waits for one running migration to answer.
const glanceTimeout = 3 * time.Second

// enoughSilence is after how many unanswered questions a list asks no more.
const enoughSilence = 3

// openRuns asks running migrations how they stand, until it is clear that
// nobody answers.
type openRuns struct {
	*connection
	silence    atomic.Pointer[error] // of the first that nobody answered for
	unanswered atomic.Int32
}

func (n *openRuns) entry(ctx context.Context, run operator.Run) view.Entry {
	s := known(run)
	if n.unanswered.Load() < enoughSilence {
		call, cancel := context.WithTimeout(ctx, glanceTimeout)
		defer cancel()
		now, err := n.engine.Progress(call, run.ID)
		switch {
		case err == nil:
			s.Phase, s.Records, s.Outcomes, s.Reason = now.Phase, now.Records, now.Outcomes, now.Reason
		case errors.Is(err, operator.ErrUnknown): // it ended since it was listed
		default:
			n.silence.CompareAndSwap(nil, &err)
			n.unanswered.Add(1)
			if errors.Is(err, operator.ErrNoWorker) {
				n.unanswered.Add(enoughSilence)
			}
		}
	}
	e := entry(s)
	e.Phase, e.State = s.Phase, view.OpenState(s.Phase)
	return e
}

func (n *openRuns) notes() []string {
	if silence := n.silence.Load(); silence != nil {
		return []string{fmt.Sprintf("how some running migrations stand could not be asked: %v", withRemedy(*silence))}
	}
	return nil
}
