package operator

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/objectstore"
)

// PurgeStore is the part of an object store that a purge needs.
type PurgeStore interface {
	Bucket
	Put(ctx context.Context, loc objectstore.Location, body []byte, contentType string) error
	PutIfAbsent(ctx context.Context, loc objectstore.Location, body []byte, contentType string) (created bool, err error)
	Remove(ctx context.Context, loc objectstore.Location) (kept bool, err error)
}

// deletesAtOnce bounds what is deleted at the same time.
const deletesAtOnce = 16

// Purger deletes the personal data of migrations that are over. That they are
// is for its caller to find out: Client.CheckOver.
type Purger struct {
	store   PurgeStore
	archive *Archive
	now     func() time.Time
}

// NewPurger makes a purger of a store that has a work bucket.
func NewPurger(store PurgeStore) *Purger {
	return &Purger{store: store, archive: NewArchive(store), now: time.Now}
}

// PurgeOrder says who wants what deleted.
type PurgeOrder struct {
	Holdings

	By, Reason string
	Progress   func(deleted int) // may be nil
}

// Purged is what a purge did.
type Purged struct {
	migration.Purge

	// KeepsVersions says that the bucket has versions: what was deleted is
	// hidden, and somebody else has to take it away.
	KeepsVersions bool
}

// Purge writes purged.json, deletes what goes, and writes purged.json again
// with its end. From the first write on every program says that the migration
// was purged, so that an interruption leaves nothing that looks whole; the
// same order again finishes it, and changes nothing if nothing is left to do.
func (p *Purger) Purge(ctx context.Context, o PurgeOrder) (Purged, error) {
	done := Purged{}
	marker, err := p.begin(ctx, o)
	if err != nil {
		return done, err
	}
	done.Purge = *marker
	if marker.FinishedAt != nil {
		return done, nil
	}
	if done.KeepsVersions, err = p.remove(ctx, o); err != nil {
		return done, fmt.Errorf("migration %s: purge: %w", o.Migration, err)
	}
	left, err := p.Look(ctx, o.Migration)
	if err != nil {
		return done, err
	}
	if n := len(left.Going); n > 0 {
		return done, fmt.Errorf("migration %s: purge: %d objects were written meanwhile, %s among them (purge it again)",
			o.Migration, n, left.Going[0].Location)
	}
	finished := p.now().UTC().Truncate(time.Second)
	marker.FinishedAt = &finished
	done.Purge = *marker
	return done, p.mark(ctx, marker)
}

// begin writes the marker, or takes up the one that is there. One that says
// that the purge has ended comes back as it is if nothing is left to do.
func (p *Purger) begin(ctx context.Context, o PurgeOrder) (*migration.Purge, error) {
	objects, bytes := len(o.Going), o.Bytes()
	now := p.now().UTC().Truncate(time.Second)
	entry := migration.AuditEntry{
		At: now, By: o.By, Action: migration.ActionPurge, Reason: o.Reason,
		Detail: fmt.Sprintf("%d objects of %d bytes", objects, bytes),
	}
	if o.Purged == nil {
		first := &migration.Purge{
			Migration: o.Migration, StartedAt: now, By: o.By, Reason: o.Reason,
			Objects: objects, Bytes: bytes, Audit: []migration.AuditEntry{entry},
		}
		created, err := p.markFirst(ctx, first)
		if err != nil || created {
			return first, err
		}
		there, err := p.archive.Purge(ctx, o.Migration) // somebody else was faster
		if err != nil {
			return nil, err
		}
		o.Purged = there
	}
	marker := *o.Purged
	if marker.FinishedAt != nil && objects == 0 {
		return &marker, nil
	}
	marker.FinishedAt = nil
	marker.Audit = append(slices.Clip(marker.Audit), entry)
	return &marker, p.mark(ctx, &marker)
}

func (p *Purger) markFirst(ctx context.Context, m *migration.Purge) (created bool, err error) {
	loc, body, err := p.encode(m)
	if err != nil {
		return false, err
	}
	return p.store.PutIfAbsent(ctx, loc, body, "application/json")
}

func (p *Purger) mark(ctx context.Context, m *migration.Purge) error {
	loc, body, err := p.encode(m)
	if err != nil {
		return err
	}
	return p.store.Put(ctx, loc, body, "application/json")
}

func (p *Purger) encode(m *migration.Purge) (objectstore.Location, []byte, error) {
	body, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return objectstore.Location{}, nil, fmt.Errorf("encode %s: %w", migration.FilePurged, err)
	}
	return p.store.Work(migration.Key(m.Migration, migration.FilePurged)), body, nil
}

// remove deletes what goes, in its order.
func (p *Purger) remove(ctx context.Context, o PurgeOrder) (keepsVersions bool, err error) {
	kept := make([]bool, len(o.Going))
	group, deleting := errgroup.WithContext(ctx)
	group.SetLimit(deletesAtOnce)
	for i, object := range o.Going {
		if deleting.Err() != nil {
			break
		}
		if o.Progress != nil {
			o.Progress(i)
		}
		group.Go(func() (err error) {
			kept[i], err = p.store.Remove(deleting, object.Location)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return false, err
	}
	return slices.Contains(kept, true), ctx.Err()
}
