package operator

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/objectstore"
)

// Holdings are what the work bucket holds of a migration, as a purge parts it.
type Holdings struct {
	Migration string
	Namespace string           // of the Temporal in which it ran
	Done      bool             // it wrote its summary, so that it is over
	Purged    *migration.Purge // nil: it was never purged
	Going     []objectstore.Object
	Staying   []objectstore.Object
	Source    Source
}

// Source is the file that a migration was started with.
type Source struct {
	URI   string
	Stays string // why a purge leaves it; empty: it goes, or has gone
}

// Bytes is how much goes.
func (h *Holdings) Bytes() int64 {
	var sum int64
	for _, o := range h.Going {
		sum += o.Size
	}
	return sum
}

// claimed is what claim.json and the ledger's entries say.
type claimed struct {
	Namespace string `json:"namespace"`
	Migration string `json:"migration"`
	File      string `json:"file"`
}

// maxClaim bounds claim.json and a ledger's entry, in bytes.
const maxClaim = 64 << 10

// Look finds out what a purge of a migration would delete: everything in its
// folder but claim.json, plan.json, summary.json, audit.ndjson and purged.json,
// and its source if that was uploaded to input/ of the work bucket. A migration
// without a claim is ErrUnknown.
func (p *Purger) Look(ctx context.Context, id string) (Holdings, error) {
	h := Holdings{Migration: id}
	c, found, err := p.claim(ctx, migration.Key(id, migration.FileClaim))
	if err != nil {
		return h, fmt.Errorf("migration %s: %w", id, err)
	}
	if !found {
		return h, fmt.Errorf("migration %s: no files in bucket %s: %w", id, p.store.WorkBucket(), ErrUnknown)
	}
	h.Namespace, h.Source.URI = c.Namespace, c.File
	if h.Purged, err = p.archive.Purge(ctx, id); err != nil {
		return h, err
	}
	if err := p.folder(ctx, &h); err != nil {
		return h, fmt.Errorf("migration %s: %w", id, err)
	}
	if err := p.source(ctx, &h); err != nil {
		return h, fmt.Errorf("migration %s: %w", id, err)
	}
	// What holds most of a person goes first.
	slices.SortStableFunc(h.Going, func(a, b objectstore.Object) int {
		return cmp.Compare(rank(a.Location.Key), rank(b.Location.Key))
	})
	return h, nil
}

// rank is small for what is to be deleted early.
func rank(key string) int {
	switch {
	case strings.HasSuffix(key, "/"+migration.FileRecords):
		return 0
	case migration.IsInput(key):
		return 1
	case strings.HasSuffix(key, "/"+migration.FileReload):
		return 2
	}
	return 3
}

func (p *Purger) folder(ctx context.Context, h *Holdings) error {
	prefix := migration.Key(h.Migration, "")
	for object, err := range p.store.List(ctx, p.store.WorkBucket(), prefix) {
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(object.Location.Key, prefix)
		h.Done = h.Done || name == migration.FileSummary
		if migration.OutlastsPurge(name) {
			h.Staying = append(h.Staying, object)
		} else {
			h.Going = append(h.Going, object)
		}
	}
	return nil
}

// source finds out whether the file that was migrated is Ferry's to delete.
func (p *Purger) source(ctx context.Context, h *Holdings) error {
	loc, err := objectstore.ParseURI(h.Source.URI)
	if err != nil {
		h.Source.Stays = "it is nowhere that a purge could look"
		return nil //nolint:nilerr // a claim from elsewhere is no reason to keep the rest
	}
	if loc.Bucket == p.store.WorkBucket() && strings.HasPrefix(loc.Key, migration.Key(h.Migration, "")) {
		return nil // goes with the folder
	}
	if loc.Bucket != p.store.WorkBucket() || !migration.IsInput(loc.Key) {
		h.Source.Stays = "it is not in " + migration.InputPrefix + " of the work bucket, so that it is not Ferry's"
		return nil
	}
	other, err := p.otherClaim(ctx, h.Migration, loc)
	if err != nil {
		return err
	}
	if other != "" {
		h.Source.Stays = "migration " + other + " took it too; it goes when that is purged"
		return nil
	}
	object, err := p.store.Head(ctx, loc)
	if absent(err) {
		return nil
	}
	if err == nil {
		h.Going = append(h.Going, object)
	}
	return err
}

// otherClaim names another migration that took the same file, to another
// target, and that was not purged.
func (p *Purger) otherClaim(ctx context.Context, id string, loc objectstore.Location) (string, error) {
	for folder, err := range p.store.ListPrefixes(ctx, p.store.WorkBucket(), migration.LedgerPrefix) {
		if err != nil {
			return "", err
		}
		environment := strings.TrimSuffix(strings.TrimPrefix(folder, migration.LedgerPrefix), "/")
		c, found, err := p.claim(ctx, migration.LedgerKey(environment, loc.Bucket, loc.Key))
		if err != nil {
			return "", err
		}
		if !found || c.Migration == id || !migration.ValidID(c.Migration) {
			continue
		}
		purged, err := p.archive.Purge(ctx, c.Migration)
		if err != nil {
			return "", err
		}
		if purged == nil || purged.FinishedAt == nil {
			return c.Migration, nil
		}
	}
	return "", nil
}

func (p *Purger) claim(ctx context.Context, key string) (c claimed, found bool, err error) {
	loc := p.store.Work(key)
	body, _, err := p.store.Read(ctx, loc, maxClaim)
	if absent(err) {
		return c, false, nil
	}
	if err != nil {
		return c, false, err
	}
	if err := json.Unmarshal(body, &c); err != nil {
		return c, false, fmt.Errorf("%s is not a claim that Ferry wrote: %w", loc, err)
	}
	return c, true, nil
}

func absent(err error) bool {
	f, ok := fault.As(err)
	return ok && f.Code == fault.CodeFileNotFound
}
