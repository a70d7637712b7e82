package activities

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"

	"github.com/f0a90b9a/ferry/internal/devstack"
	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/objectstore"
	"github.com/f0a90b9a/ferry/internal/resale"
	"github.com/f0a90b9a/ferry/internal/sandbox"
)

// server is the S3 server of all tests; each has buckets of its own.
var server *devstack.S3

func TestMain(m *testing.M) {
	devstack.RunChild()
	code, err := withServer(m.Run)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func withServer(run func() int) (int, error) {
	dir, err := os.MkdirTemp("", "activities")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	server, err = devstack.StartS3(context.Background(), devstack.S3Options{Dir: filepath.Join(dir, "s3")})
	if err != nil {
		return 0, err
	}
	defer server.Stop()
	return run(), nil
}

// start is when every test begins.
var start = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// clock is the time of Ferry and of the target, turned by the test.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) forward(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// bundle is one worker's activities over a real store and the sandbox.
type bundle struct {
	t        testing.TB
	store    *objectstore.Store
	source   string // bucket of partners' files
	box      *sandbox.Server
	target   *resale.Client
	clock    *clock
	settings migration.Settings
	acts     *Activities
	// ctx is the parent of every activity's context; cancel ends it.
	ctx    context.Context
	cancel context.CancelFunc
}

// setup gives a test its bundle; wrap, if given, puts a fault into the store.
func setup(t testing.TB, wrap ...func(*bundle) Store) *bundle {
	t.Helper()
	bucket := "test-" + strings.ToLower(rand.Text())
	b := &bundle{t: t, clock: &clock{now: start}, source: bucket + "-in", settings: defaults()}
	b.ctx, b.cancel = context.WithCancel(context.Background())
	t.Cleanup(b.cancel)
	var err error
	b.store, err = objectstore.New(t.Context(), objectstore.Options{
		Endpoint: server.Endpoint, PathStyle: true,
		AccessKeyID: server.AccessKey, SecretAccessKey: server.SecretKey, WorkBucket: bucket,
	})
	require.NoError(t, err)
	require.NoError(t, b.store.EnsureBucket(t.Context(), bucket))
	require.NoError(t, b.store.EnsureBucket(t.Context(), b.source))
	b.startSandbox()
	var store Store = b.store
	for _, w := range wrap {
		store = w(b)
	}
	b.acts = New(Options{Store: store, Target: b.target, Defaults: b.settings, Namespace: "default", Now: b.clock.Now})
	return b
}

func (b *bundle) startSandbox() {
	var err error
	b.box, err = sandbox.New(sandbox.Options{Now: b.clock.Now, Log: slog.New(slog.DiscardHandler)})
	require.NoError(b.t, err)
	web := httptest.NewServer(b.box.Handler())
	b.t.Cleanup(func() {
		web.Close()
		_ = b.box.Close()
	})
	b.target = b.client(web.URL, sandbox.DefaultPassword)
}

func (b *bundle) client(url, password string) *resale.Client {
	b.t.Helper()
	c, err := resale.NewClient(resale.Options{
		BaseURL: url, Username: sandbox.DefaultUser, Password: password, Timeout: time.Minute,
	})
	require.NoError(b.t, err)
	b.t.Cleanup(c.Close)
	return c
}

func defaults() migration.Settings {
	return migration.Settings{
		Environment: "sandbox", Reconcile: true,
		Limits:      migration.Limits{ErrorRate: 0.1, MinSample: 100, Consecutive: 10},
		Concurrency: migration.Concurrency{Batches: 4, PerBatch: 50},
		BatchSize:   5, MaxProblems: 1000,
		RetryBudgetSeconds: 900, HoldAfterSeconds: 120, ContinueAfterEvents: 4000,
	}
}

// env is where activities run as a worker would run them.
func (b *bundle) env() *testsuite.TestActivityEnvironment {
	env := quietEnv()
	env.SetWorkerOptions(worker.Options{BackgroundActivityContext: b.ctx})
	b.acts.Register(env)
	return env
}

// quietEnv is a test environment that does not log.
func quietEnv() *testsuite.TestActivityEnvironment {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestActivityEnvironment()
	env.SetTestTimeout(time.Minute)
	return env
}

// run executes an activity, by its registered name, that must succeed.
func run[T any](b *bundle, name string, in any) T {
	b.t.Helper()
	value, err := b.env().ExecuteActivity(name, in)
	require.NoError(b.t, err)
	var out T
	if value.HasValue() {
		require.NoError(b.t, value.Get(&out))
	}
	return out
}

// refused executes an activity that must fail, and gives the fault as its
// workflow sees it.
func refused(b *bundle, name string, in any) *fault.Fault {
	b.t.Helper()
	_, err := b.env().ExecuteActivity(name, in)
	require.Error(b.t, err)
	return fault.FromActivity(err)
}

// requireFault holds a fault to its code and kind, and to Temporal's own view
// of whether it may be retried.
func requireFault(t testing.TB, f *fault.Fault, kind fault.Kind, code string) {
	t.Helper()
	require.Equal(t, code, f.Code, f.Message)
	require.Equal(t, kind, f.Kind, f.Message)
	var app *temporal.ApplicationError
	require.ErrorAs(t, f.Cause, &app)
	if kind != fault.Retryable {
		require.True(t, app.NonRetryable(), f.Message)
	}
}

// --- Objects

// upload puts a partner's file into its bucket and gives its URI.
func (b *bundle) upload(key string, body []byte) string {
	b.t.Helper()
	loc := objectstore.Location{Bucket: b.source, Key: key}
	require.NoError(b.t, b.store.Put(b.t.Context(), loc, body, "application/json"))
	return loc.String()
}

// put replaces one object of the work bucket behind Ferry's back.
func (b *bundle) put(key string, body []byte) {
	b.t.Helper()
	require.NoError(b.t, b.store.Put(b.t.Context(), b.store.Work(key), body, "text/plain"))
}

// object reads one object of the work bucket.
func (b *bundle) object(key string) []byte {
	b.t.Helper()
	body, _, err := b.store.Read(b.t.Context(), b.store.Work(key), 64<<20)
	require.NoError(b.t, err)
	return body
}

// file reads one of a migration's files.
func (b *bundle) file(id, name string) []byte {
	b.t.Helper()
	return b.object(migration.Key(id, name))
}

// keys lists the work bucket.
func (b *bundle) keys(prefix string) []string {
	b.t.Helper()
	keys := []string{}
	for o, err := range b.store.List(b.t.Context(), b.store.WorkBucket(), prefix) {
		require.NoError(b.t, err)
		keys = append(keys, o.Location.Key)
	}
	return keys
}

// requireInfo holds what an activity tells of a file against the file.
func (b *bundle) requireInfo(id, name string, info migration.FileInfo) {
	b.t.Helper()
	body := b.file(id, name)
	sum := sha256.Sum256(body)
	info.Records, info.NotAttempted = 0, 0 // of a reload alone
	require.Equal(b.t, migration.FileInfo{
		URI: b.store.Work(migration.Key(id, name)).String(), Bytes: int64(len(body)), SHA256: hex.EncodeToString(sum[:]),
	}, info)
}

func lines(body []byte) []string {
	return strings.Split(strings.TrimSuffix(string(body), "\n"), "\n")
}

func join(lines ...string) []byte {
	return bytes.Join([][]byte{[]byte(strings.Join(lines, "\n")), nil}, []byte("\n"))
}
