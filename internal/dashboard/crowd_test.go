package dashboard

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"google.golang.org/grpc"

	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/migrationfile"
	"github.com/f0a90b9a/ferry/internal/operator"
	"github.com/f0a90b9a/ferry/internal/temporalconn"
	"github.com/f0a90b9a/ferry/workflows"
)

// crowd counts what a dashboard on a real Temporal does for its pages.
type crowd struct {
	*scene
	queries atomic.Int64 // QueryWorkflow calls on the wire
	pollers atomic.Int64 // of migrations
	ticks   atomic.Int64 // their rounds
}

func setupCrowd(t *testing.T, name string) *crowd {
	t.Helper()
	c := &crowd{scene: setupStack(t, name)}
	settings := shared.stack.Config.Temporal
	options, err := temporalconn.Options(settings, shared.stack.TemporalEnv)
	require.NoError(t, err)
	options.Logger = log.NewStructuredLogger(testLog())
	options.ConnectionOptions.DialOptions = append(options.ConnectionOptions.DialOptions, grpc.WithChainUnaryInterceptor(c.count))
	connection, err := client.DialContext(t.Context(), options)
	require.NoError(t, err)
	t.Cleanup(connection.Close)
	c.serve(c.options(operator.New(connection, settings)))
	watch := c.server.hub.watch
	c.server.hub.watch = func(id string) polling {
		c.pollers.Add(1)
		poll := watch(id)
		return func(ctx context.Context) (standing, time.Duration) {
			c.ticks.Add(1)
			return poll(ctx)
		}
	}
	return c
}

func (c *crowd) count(ctx context.Context, method string, in, out any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, o ...grpc.CallOption) error {
	if strings.HasSuffix(method, "/QueryWorkflow") {
		c.queries.Add(1)
	}
	return invoke(ctx, method, in, out, conn, o...)
}

// perTick is how many queries there were for each of the next rounds.
func (c *crowd) perTick(rounds int64) float64 {
	c.t.Helper()
	queries, ticks := c.queries.Load(), c.ticks.Load()
	require.Eventually(c.t, func() bool { return c.ticks.Load() >= ticks+rounds }, browserWait, 20*time.Millisecond)
	return float64(c.queries.Load()-queries) / float64(c.ticks.Load()-ticks)
}

// However many pages are open on a migration, Temporal is asked as often as for
// one: real clients of the event stream, counted on the connection.
//
//nolint:paralleltest // the tests on the real servers share one sandbox, which each slows down
func TestAHundredPagesAtARealTemporal(t *testing.T) {
	c := setupCrowd(t, "acme-crowd")
	c.slow(100)
	id := c.begin(c.file(300, migrationfile.GenOptions{}), workflows.MigrateFileInput{
		Concurrency: &workflows.ConcurrencyInput{Batches: new(1), PerBatch: new(2)},
	})
	var readers sync.WaitGroup
	read := func() {
		require.Equal(t, http.StatusOK, c.get("/migrations/"+id, "vera").status)
		e := c.follow("/migrations/"+id+"/events", "vera")
		readers.Go(func() { e.until("head", ">Paused<") })
	}
	const pages, rounds = 100, 10
	read()
	one := c.perTick(rounds)
	for range pages - 1 {
		read()
	}
	all := c.perTick(rounds)
	t.Logf("queries for each round of polling: %.2f with 1 page, %.2f with %d", one, all, pages)
	require.Positive(t, one)
	// A round that is under way at either end makes up to one of ten.
	require.InDelta(t, one, all, 2.0/rounds)
	require.EqualValues(t, 1, c.pollers.Load())

	_, err := shared.engine.Update(t.Context(), id, workflows.UpdatePause, workflows.OperatorAction{By: "test"})
	require.NoError(t, err)
	readers.Wait() // every page has heard of it
	require.EqualValues(t, 1, c.pollers.Load())
	_, err = shared.engine.Update(t.Context(), id, workflows.UpdateAbort, workflows.OperatorAction{By: "test"})
	require.NoError(t, err)
	require.Equal(t, migration.Aborted, c.ended(id).Result)
}
