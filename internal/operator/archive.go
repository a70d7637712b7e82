package operator

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"strings"

	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/objectstore"
)

// maxSummary bounds a summary.json: error groups and audit entries are bounded.
const maxSummary = 4 << 20

// Bucket is the part of an object store that an archive reads.
type Bucket interface {
	WorkBucket() string
	Work(key string) objectstore.Location
	Head(ctx context.Context, loc objectstore.Location) (objectstore.Object, error)
	Read(ctx context.Context, loc objectstore.Location, limit int64) ([]byte, string, error)
	List(ctx context.Context, bucket, prefix string) iter.Seq2[objectstore.Object, error]
	ListPrefixes(ctx context.Context, bucket, prefix string) iter.Seq2[string, error]
}

// Archive reads what migrations left in the work bucket.
type Archive struct{ bucket Bucket }

// NewArchive makes an archive of a store that has a work bucket.
func NewArchive(bucket Bucket) *Archive { return &Archive{bucket: bucket} }

// Summary reads a migration's summary.json; found is false while there is
// none.
func (a *Archive) Summary(ctx context.Context, id string) (s migration.Summary, found bool, err error) {
	body, _, err := a.bucket.Read(ctx, a.bucket.Work(migration.Key(id, migration.FileSummary)), maxSummary)
	if f, ok := fault.As(err); ok && f.Code == fault.CodeFileNotFound {
		return s, false, nil
	}
	if err != nil {
		return s, false, fmt.Errorf("migration %s: summary: %w", id, err)
	}
	if err := json.Unmarshal(body, &s); err != nil {
		return s, false, fmt.Errorf("migration %s: summary: %w", id, err)
	}
	return s, true, nil
}

// Purge says that and when a migration's personal data was deleted; nil if it
// wasn't.
func (a *Archive) Purge(ctx context.Context, id string) (*migration.Purge, error) {
	body, _, err := a.bucket.Read(ctx, a.bucket.Work(migration.Key(id, migration.FilePurged)), maxSummary)
	if absent(err) {
		return nil, nil
	}
	var p migration.Purge
	if err == nil {
		err = json.Unmarshal(body, &p)
	}
	if err != nil {
		return nil, fmt.Errorf("migration %s: %s: %w", id, migration.FilePurged, err)
	}
	return &p, nil
}

// Traces are what the bucket shows of a migration.
type Traces struct {
	Claimed  bool // its id is taken
	Imported bool // its records were accepted
	Planned  bool // its import ended
	Done     bool // its summary is written, and so are all files before it
	Purged   bool // its records were deleted, or their deletion has begun
	Batches  int  // batches whose outcomes are written
	Files    []objectstore.Object
}

// Traces looks at a migration's folder.
func (a *Archive) Traces(ctx context.Context, id string) (Traces, error) {
	var t Traces
	prefix := migration.Key(id, "")
	for object, err := range a.bucket.List(ctx, a.bucket.WorkBucket(), prefix) {
		if err != nil {
			return t, fmt.Errorf("migration %s: %w", id, err)
		}
		switch name := strings.TrimPrefix(object.Location.Key, prefix); {
		case strings.HasPrefix(name, "outcomes/"):
			t.Batches++
			continue
		case strings.HasPrefix(name, migration.ReconciliationsFolder):
			continue // later than the migration
		case name == migration.FileClaim:
			t.Claimed = true
		case name == migration.FileBatches:
			t.Imported = true
		case name == migration.FilePlan:
			t.Planned = true
		case name == migration.FileSummary:
			t.Done = true
		case name == migration.FilePurged:
			t.Purged = true
		}
		t.Files = append(t.Files, object)
	}
	return t, nil
}

// IDs gives the ids of all migrations that ever wrote to the bucket.
func (a *Archive) IDs(ctx context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for prefix, err := range a.bucket.ListPrefixes(ctx, a.bucket.WorkBucket(), migration.Prefix) {
			id := strings.TrimSuffix(strings.TrimPrefix(prefix, migration.Prefix), "/")
			if !yield(id, err) || err != nil {
				return
			}
		}
	}
}
