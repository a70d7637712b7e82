package dashboard

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/migrationfile"
	"github.com/f0a90b9a/ferry/internal/operator"
)

// past is what the work bucket tells of migrations.
type past struct {
	store   Store
	archive *operator.Archive
}

func newPast(store Store) *past { return &past{store: store, archive: operator.NewArchive(store)} }

func (p *past) summary(ctx context.Context, id string) (migration.Summary, bool, error) {
	return p.archive.Summary(ctx, id)
}

// remembered shows a migration that only the bucket knows.
func (p *past) remembered(ctx context.Context, id string) (s migration.Summary, known bool, err error) {
	s, found, err := p.summary(ctx, id)
	if err != nil || found {
		return s, found, err
	}
	claim, claimed, err := p.claim(ctx, id)
	if err != nil || !claimed {
		return s, false, err
	}
	s = migration.Summary{Migration: id, File: claim.File, Route: claim.Route}
	return interrupted(s, "Temporal no longer knows it, and it wrote no summary"), true, nil
}

// claim is the part of claim.json that names the file.
type claim struct {
	File  string `json:"file"`
	Route string `json:"route"`
}

const maxSmall = 4 << 20

func (p *past) claim(ctx context.Context, id string) (c claim, found bool, err error) {
	found, err = p.readJSON(ctx, id, migration.FileClaim, &c)
	return c, found, err
}

// phase is how far a run has come that nobody can ask; empty if the bucket has
// nothing of it.
func (p *past) phase(ctx context.Context, id string) (migration.Phase, error) {
	for _, stage := range []struct {
		file  string
		phase migration.Phase
	}{{migration.FileBatches, migration.Migrating}, {migration.FileClaim, migration.Importing}} {
		_, found, err := p.head(ctx, id, stage.file)
		if err != nil || found {
			return stage.phase, err
		}
	}
	return "", nil
}

// files finds out which top-level files there are: those that are known by
// name and those that the summary lists.
func (p *past) files(ctx context.Context, id string, listed map[string]migration.FileInfo) ([]file, error) {
	names := slices.Clone(topLevel)
	for name := range listed {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names[len(topLevel):])
	found := make([]*file, len(names))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(readsAtOnce)
	for i, name := range names {
		group.Go(func() error {
			size, there, err := p.head(ctx, id, name)
			if there {
				found[i] = &file{Name: name, Bytes: size, Personal: personal(name)}
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	var files []file
	for _, f := range found {
		if f != nil {
			files = append(files, *f)
		}
	}
	return files, nil
}

// readsAtOnce bounds requests to the bucket for one answer.
const readsAtOnce = 8

func (p *past) head(ctx context.Context, id, name string) (size int64, found bool, err error) {
	object, err := p.store.Head(ctx, p.store.Work(migration.Key(id, name)))
	if missing(err) {
		return 0, false, nil
	}
	return object.Size, err == nil, err
}

// batches reads how a migration's records were cut.
func (p *past) batches(ctx context.Context, id string) (migrationfile.Plan, error) {
	body, err := p.store.Open(ctx, p.store.Work(migration.Key(id, migration.FileBatches)), "")
	if err != nil {
		return migrationfile.Plan{}, err
	}
	defer body.Close()
	plan, err := migrationfile.DecodePlan(body)
	if err != nil {
		return plan, fmt.Errorf("migration %s: %w", id, err)
	}
	return plan, nil
}

// plan reads plan.json if it is among the files.
func (p *past) plan(ctx context.Context, id string, files []file) (pl planned, err error) {
	if !slices.ContainsFunc(files, func(f file) bool { return f.Name == migration.FilePlan }) {
		return pl, nil
	}
	_, err = p.readJSON(ctx, id, migration.FilePlan, &pl)
	return pl, err
}

func (p *past) readJSON(ctx context.Context, id, name string, into any) (found bool, err error) {
	body, _, err := p.store.Read(ctx, p.store.Work(migration.Key(id, name)), maxSmall)
	if missing(err) {
		return false, nil
	}
	if err == nil {
		err = json.Unmarshal(body, into)
	}
	if err != nil {
		return false, fmt.Errorf("migration %s: %s: %w", id, name, err)
	}
	return true, nil
}

func missing(err error) bool {
	f, ok := fault.As(err)
	return ok && f.Code == fault.CodeFileNotFound
}
