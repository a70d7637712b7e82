package cli

import (
	"context"
	"errors"

	"golang.org/x/sync/errgroup"

	"github.com/f0a90b9a/ferry/internal/cli/view"
	"github.com/f0a90b9a/ferry/internal/migration"
)

// withPurge has the summary of an ended migration say that it was purged, if
// it was. A store that is away keeps nobody from a summary that Temporal has.
func (a *app) withPurge(ctx context.Context, n *connection, s migration.Summary) migration.Summary {
	if n.past == nil || s.Result == "" || !migration.ValidID(s.Migration) {
		return s
	}
	call, cancel := brief(ctx)
	defer cancel()
	purge, err := n.past.Purge(call, s.Migration)
	switch {
	case err != nil:
		a.notef("ferry: whether it was purged can't be told: %v\n", err)
	case purge != nil:
		purge.ApplyTo(&s)
	}
	return s
}

// refusePurged ends a command that needs what a purge has deleted.
func refusePurged(ctx context.Context, n *connection, id string) error {
	purge, err := n.past.Purge(ctx, id)
	if err != nil || purge == nil {
		return err
	}
	return &problem{
		code: exitRefused, thing: "migration " + id, err: errors.New(purge.Says() + ", so that its records are gone"),
		remedy: "its counts are in 'ferry status " + id + "'",
	}
}

// notePurged says why files of a migration are not there.
func (a *app) notePurged(ctx context.Context, n *connection, id string) error {
	call, cancel := brief(ctx)
	defer cancel()
	purge, err := n.past.Purge(call, id)
	if err == nil && purge != nil {
		a.notef("ferry: migration %s: %s; what held its records is gone\n", id, purge.Says())
	}
	return err
}

// markPurged finds out which migrations of a list were purged.
func markPurged(ctx context.Context, n *connection, entries []view.Entry) error {
	if n.past == nil {
		return nil
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(listWidth)
	for i := range entries {
		e := &entries[i]
		if e.Open() || !migration.ValidID(e.Migration) {
			continue
		}
		group.Go(func() (err error) {
			e.Purged, err = n.past.Purge(ctx, e.Migration)
			return err
		})
	}
	return group.Wait()
}
