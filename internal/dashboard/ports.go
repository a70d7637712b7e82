package dashboard

import (
	"context"
	"io"

	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/objectstore"
	"github.com/f0a90b9a/ferry/internal/operator"
	"github.com/f0a90b9a/ferry/workflows"
)

// Engine is Temporal as the dashboard needs it; operator.Client is one.
type Engine interface {
	Queue() string
	Start(ctx context.Context, id string, in workflows.MigrateFileInput) (runID string, err error)
	StartAgain(ctx context.Context, id string, in workflows.MigrateFileInput) (runID string, err error)
	Describe(ctx context.Context, id string) (operator.Run, error)
	List(ctx context.Context, limit int) ([]operator.Run, error)
	Progress(ctx context.Context, id string) (migration.Summary, error)
	Result(ctx context.Context, id string) (migration.Summary, error)
	Update(ctx context.Context, id, name string, input any) (migration.Summary, error)
	Record(ctx context.Context, route, externalEntitlementID string) (operator.RecordRun, error)
}

// Store is the object store with the work bucket; objectstore.Store is one.
type Store interface {
	operator.Bucket
	Open(ctx context.Context, loc objectstore.Location, etag string) (io.ReadCloser, error)
	Upload(ctx context.Context, loc objectstore.Location, contentType string, r io.Reader) (objectstore.Object, error)
}
