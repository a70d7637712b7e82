// Package integration runs whole migrations against a real Temporal dev
// server, a real S3 server and the sandbox over HTTP, and proves what became
// of them from the sandbox's own books. It holds tests alone.
package integration

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"

	"github.com/f0a90b9a/ferry/activities"
	"github.com/f0a90b9a/ferry/config"
	"github.com/f0a90b9a/ferry/internal/devstack"
	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/migrationfile"
	"github.com/f0a90b9a/ferry/internal/objectstore"
	"github.com/f0a90b9a/ferry/internal/resale"
	"github.com/f0a90b9a/ferry/internal/routes"
	"github.com/f0a90b9a/ferry/internal/sandbox"
	"github.com/f0a90b9a/ferry/internal/temporalconn"
	"github.com/f0a90b9a/ferry/workflows"
)

// shared is what all tests of a run use: one Temporal and one S3 server. The
// tests keep apart by task queue, bucket and sandbox.
var shared struct {
	temporal *devstack.Temporal
	s3       *devstack.S3
}

func TestMain(m *testing.M) {
	devstack.RunChild()
	runWorkerChild()
	os.Exit(runTests(m))
}

func runTests(m *testing.M) int {
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	dir, err := os.MkdirTemp("", "ferry-integration-")
	if err != nil {
		return complain(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	cli, err := devstack.FindTemporalCLI(ctx, func(line string) { fmt.Fprintln(os.Stderr, line) })
	if err != nil {
		return complain(err)
	}
	if shared.temporal, err = devstack.StartTemporal(ctx, devstack.TemporalOptions{
		CLIPath: cli, LogFile: filepath.Join(dir, "temporal.log"), UIPort: devstack.AnyPort,
		SearchAttributes: devstack.Keywords(workflows.SearchAttributes()),
	}); err != nil {
		return complain(err)
	}
	defer shared.temporal.Stop()
	if shared.s3, err = devstack.StartS3(ctx, devstack.S3Options{Dir: filepath.Join(dir, "s3")}); err != nil {
		return complain(err)
	}
	defer shared.s3.Stop()
	return m.Run()
}

func complain(err error) int {
	fmt.Fprintln(os.Stderr, "integration tests can't begin:", err)
	return 1
}

// stack is one test's own: a sandbox, a pair of buckets, a task queue.
type stack struct {
	t        *testing.T
	ctx      context.Context
	queue    string
	bucket   string
	books    *sandbox.Server
	target   string
	client   client.Client
	store    *objectstore.Store
	settings migration.Settings
	worker   worker.Worker
}

var bucketNumber struct {
	sync.Mutex
	n int
}

func newStack(t *testing.T) *stack {
	t.Helper()
	bucketNumber.Lock()
	bucketNumber.n++
	name := fmt.Sprintf("test-%d", bucketNumber.n)
	bucketNumber.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	t.Cleanup(cancel)
	s := &stack{t: t, ctx: ctx, queue: name, bucket: name, settings: defaults()}
	t.Cleanup(s.stopWorker)
	s.startSandbox()
	s.client = dial(t)
	s.store = openStore(ctx, t, name)
	require.NoError(t, s.store.EnsureBucket(ctx, name))
	require.NoError(t, s.store.EnsureBucket(ctx, name+"-in"))
	return s
}

// setup gives a test its stack with a worker in this process.
func setup(t *testing.T) *stack {
	t.Helper()
	s := newStack(t)
	s.startWorker()
	return s
}

func (s *stack) startSandbox() {
	server, err := sandbox.New(sandbox.Options{Log: slog.New(slog.DiscardHandler)})
	require.NoError(s.t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(s.t, err)
	h := &http.Server{Handler: server.Handler(), ReadHeaderTimeout: time.Minute}
	go func() { _ = h.Serve(listener) }()
	s.t.Cleanup(func() {
		_ = h.Close()
		_ = server.Close()
	})
	s.books, s.target = server, "http://"+listener.Addr().String()
}

func dial(t *testing.T) client.Client {
	t.Helper()
	return dialWith(t, testLog())
}

func dialWith(t *testing.T, log *slog.Logger) client.Client {
	t.Helper()
	options, err := temporalconn.Options(config.Temporal{Address: shared.temporal.HostPort}, temporalconn.Env{"TEMPORAL_CONFIG_FILE=" + os.DevNull})
	require.NoError(t, err)
	options.Identity, options.Logger = "client", sdklog.NewStructuredLogger(log)
	c, err := client.Dial(options)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

func openStore(ctx context.Context, t *testing.T, bucket string) *objectstore.Store {
	t.Helper()
	store, err := objectstore.New(ctx, storeOptions(bucket))
	require.NoError(t, err)
	return store
}

func storeOptions(bucket string) objectstore.Options {
	return objectstore.Options{
		Region: "us-east-1", Endpoint: shared.s3.Endpoint, PathStyle: true,
		AccessKeyID: shared.s3.AccessKey, SecretAccessKey: shared.s3.SecretKey, WorkBucket: bucket,
	}
}

func defaults() migration.Settings {
	return migration.Settings{
		Environment: "sandbox", Reconcile: true, Waves: true,
		Limits:      migration.Limits{ErrorRate: 0.1, MinSample: 100, Consecutive: 10},
		Concurrency: migration.Concurrency{Batches: 4, PerBatch: 50},
		BatchSize:   50, MaxProblems: 1000,
		RetryBudgetSeconds: 900, HoldAfterSeconds: 120, ContinueAfterEvents: 4000,
	}
}

// newWorker makes a worker of a queue. Its identity goes into histories, so it
// names no machine.
func newWorker(
	c client.Client, queue string, store *objectstore.Store, target string, settings migration.Settings, change ...func(*activities.Options),
) (worker.Worker, error) {
	resaleClient, err := resaleClient(target)
	if err != nil {
		return nil, err
	}
	// Workflow code that only waits for a processor on a busy machine is no deadlock.
	w := worker.New(c, queue, worker.Options{Identity: "worker", DeadlockDetectionTimeout: time.Minute})
	options := activities.Options{
		Store: store, Target: resaleClient, Defaults: settings, Namespace: "default",
		SearchAttributes: workflows.SearchAttributes(),
	}
	for _, f := range change {
		f(&options)
	}
	workflows.Register(w, activities.New(options))
	return w, nil
}

func resaleClient(target string) (*resale.Client, error) {
	return resale.NewClient(resale.Options{
		BaseURL: target, Username: sandbox.DefaultUser, Password: sandbox.DefaultPassword, Timeout: 10 * time.Second,
	})
}

func (s *stack) startWorker(change ...func(*activities.Options)) {
	w, err := newWorker(s.client, s.queue, s.store, s.target, s.settings, change...)
	require.NoError(s.t, err)
	require.NoError(s.t, w.Start())
	s.worker = w
}

func (s *stack) stopWorker() {
	if s.worker != nil {
		s.worker.Stop()
		s.worker = nil
	}
}

// upload puts a file into the source bucket and gives its URI.
func (s *stack) upload(key string, body []byte) string {
	s.t.Helper()
	loc := objectstore.Location{Bucket: s.bucket + "-in", Key: key}
	require.NoError(s.t, s.store.Put(s.ctx, loc, body, "application/json"))
	return loc.String()
}

// generate makes up a file.
func generate(t *testing.T, o migrationfile.GenOptions) []byte {
	t.Helper()
	route, ok := routes.Builtin("acme-nova")
	require.True(t, ok)
	o.Route = &route
	o.Now = time.Now()
	var buf bytes.Buffer
	require.NoError(t, migrationfile.Generate(&buf, o))
	return buf.Bytes()
}

func activeRecords(t *testing.T, prefix string, n int) []byte {
	t.Helper()
	return generate(t, migrationfile.GenOptions{Records: n, Seed: 1, Prefix: prefix, OnlyStatus: entitlement.Active, Product: "nova-basic"})
}

// start begins a migration of a file on acme-nova.
func (s *stack) start(id string, in workflows.MigrateFileInput) client.WorkflowRun {
	s.t.Helper()
	if in.Route == "" {
		in.Route = "acme-nova"
	}
	run, err := s.client.ExecuteWorkflow(s.ctx, client.StartWorkflowOptions{
		ID: s.id(id), TaskQueue: s.queue, WorkflowTaskTimeout: 5 * time.Second,
	}, workflows.MigrateFileName, in)
	require.NoError(s.t, err)
	return run
}

func (s *stack) id(id string) string { return s.bucket + "-" + id }

// migrate runs a migration to its end.
func (s *stack) migrate(id string, in workflows.MigrateFileInput) workflows.Summary {
	s.t.Helper()
	var sum workflows.Summary
	require.NoError(s.t, s.start(id, in).Get(s.ctx, &sum))
	s.conserved(sum)
	return sum
}

// conserved holds a summary to the conservation law.
func (s *stack) conserved(sum workflows.Summary) {
	s.t.Helper()
	require.Equal(s.t, sum.Records, sum.Outcomes.Total(), "records = sum of outcomes: %+v", sum)
	failed := 0
	for _, step := range entitlement.AllSteps() {
		c := sum.Steps.Of(step)
		require.LessOrEqual(s.t, c.Done+c.Failed, c.Planned, "%s: %+v", step, sum)
		failed += c.Failed
	}
	require.Equal(s.t, sum.Outcomes.Failed, failed, "every failure is at a step: %+v", sum)
	if sum.Result != migration.Rejected {
		require.Equal(s.t, sum.Records, sum.Steps.Create.Planned, "every record needs a create: %+v", sum)
	}
}

// file reads one of a migration's files.
func (s *stack) file(id, name string) []byte {
	s.t.Helper()
	body, _, err := s.store.Read(s.ctx, s.store.Work(migration.Key(s.id(id), name)), 64<<20)
	require.NoError(s.t, err)
	return body
}

func (s *stack) stats() sandbox.Stats {
	s.t.Helper()
	stats, err := s.books.Stats(s.ctx)
	require.NoError(s.t, err)
	return stats
}

// clean holds the books to a summary: one effective create for each record
// that is migrated or partial, and nothing twice.
func (s *stack) clean(sum workflows.Summary) {
	s.t.Helper()
	stats := s.stats()
	require.EqualValues(s.t, sum.Outcomes.Migrated+sum.Partial, stats.Effective["create"])
	require.Zero(s.t, stats.DuplicateExternalIDs)
}

func decodeRecords(t *testing.T, body []byte) []map[string]any {
	t.Helper()
	var records []map[string]any
	require.NoError(t, json.Unmarshal(body, &records))
	return records
}

func encodeRecords(t *testing.T, records []map[string]any) []byte {
	t.Helper()
	body, err := json.Marshal(records)
	require.NoError(t, err)
	return body
}

func lines(body []byte) []string { return strings.Split(strings.TrimSpace(string(body)), "\n") }

// testLog shows what workers say when FERRY_TEST_LOG is set.
func testLog() *slog.Logger {
	if os.Getenv("FERRY_TEST_LOG") != "" {
		return slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	return slog.New(slog.DiscardHandler)
}

func bytesReader(b []byte) *bytes.Reader { return bytes.NewReader(b) }
