package operator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/objectstore"
	"github.com/f0a90b9a/ferry/workflows"
)

// Starter is what a launch needs of Temporal; Client is one.
type Starter interface {
	Start(ctx context.Context, id string, in workflows.MigrateFileInput) (runID string, err error)
	StartAgain(ctx context.Context, id string, in workflows.MigrateFileInput) (runID string, err error)
	Describe(ctx context.Context, id string) (Run, error)
}

// Launch starts migrations under ids that nobody has used, neither in Temporal
// nor, where retention may have emptied that, in the work bucket.
type Launch struct {
	Engine  Starter
	Archive *Archive // nil without a work bucket: Temporal alone is asked
}

// Claimed reports whether an id has ever been a migration's that got so far as
// to claim it.
func (a *Archive) Claimed(ctx context.Context, id string) (bool, error) {
	_, err := a.bucket.Head(ctx, a.bucket.Work(migration.Key(id, migration.FileClaim)))
	if f, ok := fault.As(err); ok && f.Code == fault.CodeFileNotFound {
		return false, nil
	}
	return err == nil, err
}

// Unused refuses a used id (ErrIDUsed). Again is true for one whose only run
// failed before it claimed anything, and which is therefore still good.
func (l Launch) Unused(ctx context.Context, id string) (again bool, err error) {
	run, err := l.Engine.Describe(ctx, id)
	known := err == nil
	if err != nil && !errors.Is(err, ErrUnknown) {
		return false, err
	}
	used := fmt.Errorf("migration %s: %w", id, ErrIDUsed)
	if known && (run.State != Failed || l.Archive == nil) {
		return false, used
	}
	if l.Archive == nil {
		return false, nil
	}
	claimed, err := l.Archive.Claimed(ctx, id)
	if err == nil && claimed {
		return false, used
	}
	return known, err
}

// Start starts a migration under an id that was found unused, and gives the
// run's id.
func (l Launch) Start(ctx context.Context, id string, in workflows.MigrateFileInput, again bool) (runID string, err error) {
	if again {
		return l.Engine.StartAgain(ctx, id, in)
	}
	return l.Engine.Start(ctx, id, in)
}

// NewID is a migration's id where the user gives none. Dry runs may be
// repeated, so they carry their time.
func NewID(in workflows.MigrateFileInput, now time.Time) string {
	id := migration.IDFor(in.File)
	if in.DryRun {
		// The file's stem is cut further, so that the whole fits.
		const room = migration.MaxIDLength - len("-dry-20060102T150405Z")
		id = strings.TrimLeft(id[max(0, len(id)-room):], "._-") + "-dry-" + now.UTC().Format("20060102T150405Z")
	}
	return id
}

// maxReloads bounds the search for a number that is free.
const maxReloads = 1000

// Reload is a name for what a migration left over.
type Reload struct {
	ID     string   // <parent>-reload-<n>
	Again  bool     // as of Unused
	Before []string // those that were used before it, in order
}

// NextReload finds the first id for a reload that is good.
func (l Launch) NextReload(ctx context.Context, parent string) (Reload, error) {
	var r Reload
	for number := 1; number <= maxReloads; number++ {
		suffix := fmt.Sprintf("-reload-%d", number)
		r.ID = parent[:min(len(parent), migration.MaxIDLength-len(suffix))] + suffix
		again, err := l.Unused(ctx, r.ID)
		if err == nil {
			r.Again = again
			return r, nil
		}
		if !errors.Is(err, ErrIDUsed) {
			return r, err
		}
		r.Before = append(r.Before, r.ID)
	}
	return r, fmt.Errorf("migration %s: %d reloads are there already", parent, maxReloads)
}

// Files is what a reload needs of an object store; objectstore.Store is one.
type Files interface {
	Work(key string) objectstore.Location
	Open(ctx context.Context, loc objectstore.Location, etag string) (io.ReadCloser, error)
	Upload(ctx context.Context, loc objectstore.Location, contentType string, r io.Reader) (objectstore.Object, error)
}

// ReloadPlace is where the source of a reload lies.
func ReloadPlace(files Files, id string) objectstore.Location {
	return files.Work(migration.InputPrefix + id + ".json")
}

// CopyReload puts a migration's reload.json under the name of its reload, if it
// is the one among the files that are known (EndedFiles). A
// copy that an earlier try left there belongs to an id that was never used, so
// it is replaced by the same bytes.
func CopyReload(ctx context.Context, files Files, parent, id string, known map[string]migration.FileInfo) (from, to objectstore.Location, err error) {
	from, to = files.Work(migration.Key(parent, migration.FileReload)), ReloadPlace(files, id)
	body, err := files.Open(ctx, from, "")
	if err != nil {
		return from, to, err
	}
	defer body.Close()
	_, err = files.Upload(ctx, to, "application/json", Genuine(parent, migration.FileReload, known, body))
	return from, to, err
}
