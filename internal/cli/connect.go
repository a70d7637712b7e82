package cli

import (
	"context"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/f0a90b9a/ferry/config"
	"github.com/f0a90b9a/ferry/internal/ferryworker"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/objectstore"
	"github.com/f0a90b9a/ferry/internal/operator"
	"github.com/f0a90b9a/ferry/internal/temporalconn"
	"github.com/f0a90b9a/ferry/workflows"
)

// callTimeout bounds one question to Temporal or the object store.
const callTimeout = 15 * time.Second

// engine is Temporal as the commands need it; operator.Client is one.
type engine interface {
	Queue() string
	Start(ctx context.Context, id string, in workflows.MigrateFileInput) (runID string, err error)
	StartAgain(ctx context.Context, id string, in workflows.MigrateFileInput) (runID string, err error)
	Update(ctx context.Context, id, name string, input any) (migration.Summary, error)
	WorkerPolls(ctx context.Context) (bool, error)
	follower
	aftermath
}

// follower tells how migrations stand.
type follower interface {
	Describe(ctx context.Context, id string) (operator.Run, error)
	List(ctx context.Context, limit int) ([]operator.Run, error)
	Progress(ctx context.Context, id string) (migration.Summary, error)
	LastKnown(ctx context.Context, run operator.Run) (migration.Summary, error)
	Result(ctx context.Context, id string) (migration.Summary, error)
}

// aftermath is what workers do for migrations that are over.
type aftermath interface {
	Rebuild(ctx context.Context, id string, settle *time.Duration) (workflowID string, err error)
	Reconcile(ctx context.Context, id string) (workflowID string, err error)
	ReconcileProgress(ctx context.Context, workflowID string) (migration.Reconciliation, error)
	ReconcileResult(ctx context.Context, workflowID string) (migration.Reconciliation, error)
	CheckOver(ctx context.Context, id string, files []string) (known bool, err error)
}

// store is the object store as the commands need it; objectstore.Store is one.
type store interface {
	operator.PurgeStore
	Open(ctx context.Context, loc objectstore.Location, etag string) (io.ReadCloser, error)
	Upload(ctx context.Context, loc objectstore.Location, contentType string, r io.Reader) (objectstore.Object, error)
}

// connection is what a configuration leads to.
type connection struct {
	config *config.Config
	engine engine
	store  store             // nil if no object store is configured
	past   *operator.Archive // nil without a work bucket
	close  func()
}

// launch starts migrations.
func (n *connection) launch() operator.Launch {
	return operator.Launch{Engine: n.engine, Archive: n.past}
}

// connector makes connections; tests make their own.
type connector func(ctx context.Context, c *config.Config, env []string) (*connection, error)

func connect(ctx context.Context, c *config.Config, env []string) (*connection, error) {
	client, err := temporalconn.Dial(ctx, c.Temporal, env, quiet())
	if err != nil {
		return nil, err
	}
	n := &connection{config: c, engine: operator.New(client, c.Temporal), close: client.Close}
	if n.store, err = openStore(ctx, c); err != nil {
		client.Close()
		return nil, err
	}
	if c.S3.WorkBucket != "" {
		n.past = operator.NewArchive(n.store)
	}
	return n, nil
}

// openStore gives the object store, or nil if the configuration names none.
// Without a word about S3 in it the AWS environment alone is no reason to call
// anybody.
func openStore(ctx context.Context, c *config.Config) (store, error) {
	if c.S3.Endpoint == "" && c.S3.WorkBucket == "" && c.S3.AccessKeyID == "" {
		return nil, nil
	}
	return objectstore.New(ctx, ferryworker.StoreOptions(c.S3))
}

// loadConfig puts the configuration together and judges it.
func (a *app) loadConfig(cmd *cobra.Command) (*config.Config, error) {
	c, err := config.Load(config.Options{File: a.configFile, Flags: cmd.Flags(), Env: a.Env})
	if err != nil {
		return nil, err
	}
	return c, c.Validate()
}

// dial loads the configuration and connects.
func (a *app) dial(cmd *cobra.Command) (*connection, error) {
	c, err := a.loadConfig(cmd)
	if err != nil {
		return nil, err
	}
	return a.connect(cmd.Context(), c, a.Env)
}

// brief gives a context for one call.
func brief(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, callTimeout)
}
