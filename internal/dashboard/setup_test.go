package dashboard

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/bcrypt"

	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/objectstore"
	"github.com/f0a90b9a/ferry/internal/operator"
	"github.com/f0a90b9a/ferry/workflows"
)

var began = time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)

// bundle is a dashboard on stand-ins for Temporal and S3, and a browser of
// sorts.
type bundle struct {
	t      *testing.T
	engine *fakeEngine
	store  *fakeStore
	server *Server
	web    *httptest.Server
	log    *lockedBuffer
}

// setup serves a dashboard for these users; without any it is open.
func setup(t *testing.T, users ...User) *bundle {
	t.Helper()
	return setupWith(t, Options{Access: Access{Users: users}})
}

func setupWith(t *testing.T, o Options) *bundle {
	t.Helper()
	b := &bundle{
		t:      t,
		engine: &fakeEngine{runs: map[string]operator.Run{}, progress: map[string]migration.Summary{}, results: map[string]migration.Summary{}, records: map[string]operator.RecordRun{}},
		store:  &fakeStore{objects: map[string]string{}},
		log:    &lockedBuffer{},
	}
	o.Engine, o.Store, o.Log = b.engine, b.store, slog.New(slog.NewTextHandler(b.log, nil))
	o.DefaultBy = "kim"
	if o.MaxUpload == 0 {
		o.MaxUpload = 1 << 20
	}
	b.serve(o)
	return b
}

// serve makes the dashboard and listens on loopback.
func (b *bundle) serve(o Options) {
	b.t.Helper()
	var err error
	b.server, err = New(b.t.Context(), o)
	require.NoError(b.t, err)
	b.web = httptest.NewServer(b.server.Handler())
	b.t.Cleanup(func() {
		b.server.Close()
		b.web.Close()
	})
}

// newSite serves a page of somebody else's and gives its address, by another
// name than the dashboard's.
func newSite(t *testing.T, h http.Handler) string {
	t.Helper()
	site := httptest.NewServer(h)
	t.Cleanup(site.Close)
	return strings.Replace(site.URL, "127.0.0.1", "localhost", 1)
}

// testLog shows what the dashboard says when FERRY_TEST_LOG is set.
func testLog() *slog.Logger {
	if os.Getenv("FERRY_TEST_LOG") != "" {
		return slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	return slog.New(slog.DiscardHandler)
}

// Users of the tests; the password is the name.
var (
	olga = user("olga", Operator)
	vera = user("vera", Viewer, "acme-nova")
	pia  = user("pia", Operator, "acme-nova")
	otto = user("otto", Operator, "other-route")
)

func user(name string, role Role, routes ...string) User {
	hash, err := bcrypt.GenerateFromPassword([]byte(name), bcrypt.MinCost)
	if err != nil {
		panic(err)
	}
	return User{Name: name, Role: role, Routes: routes, hash: hash}
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

// ask sends a request as a browser would from a page of the dashboard.
func (b *bundle) ask(method, path, as string, body io.Reader, change ...func(*http.Request)) answer {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.web.URL+path, body)
	require.NoError(b.t, err)
	if as != "" {
		r.SetBasicAuth(as, as)
	}
	if method == http.MethodPost {
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	for _, c := range change {
		c(r)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(r)
	require.NoError(b.t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	require.NoError(b.t, err)
	return answer{res.StatusCode, res.Header, string(text)}
}

func (b *bundle) get(path, as string) answer {
	b.t.Helper()
	return b.ask(http.MethodGet, path, as, http.NoBody)
}

func (b *bundle) post(path, as string, form url.Values) answer {
	b.t.Helper()
	return b.ask(http.MethodPost, path, as, strings.NewReader(form.Encode()), func(r *http.Request) {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	})
}

// running puts a migration in the middle of its work into Temporal.
func (b *bundle) running(id, route string) migration.Summary {
	s := summaryOf(id, route)
	b.engine.mu.Lock()
	defer b.engine.mu.Unlock()
	b.engine.runs[id] = operator.Run{ID: id, File: s.File, Route: route, State: operator.Open, StartedAt: &began}
	b.engine.progress[id] = s
	b.store.put(migration.Key(id, migration.FileClaim), fmt.Sprintf(`{"file":%q,"route":%q}`, s.File, route))
	b.store.put(migration.Key(id, migration.FileRecords), `{"customerIdentifier":"secret"}`)
	b.store.put(migration.Key(id, migration.FilePlan), `{"hash":"abc123","records":1000,"batches":20,"steps":{"create":1000,"activate":900}}`)
	return s
}

// finished puts a migration into the bucket that Temporal has forgotten.
func (b *bundle) finished(id, route string, result migration.Result) migration.Summary {
	s := summaryOf(id, route)
	end := began.Add(time.Hour)
	s.Phase, s.Result, s.FinishedAt = migration.Done, result, &end
	s.Outcomes = migration.Outcomes{Migrated: 985, AlreadyMigrated: 5, Failed: 10}
	found := migration.ByGroup{Pending: 50, Active: 700, Suspended: 190, Terminated: 49}
	s.Statuses = migration.CountStatuses(
		migration.ByGroup{Pending: 50, Active: 710, Suspended: 190, Terminated: 50},
		migration.ByGroup{Pending: 50, Active: 700, Suspended: 190, Terminated: 50}, &found)
	b.store.put(migration.Key(id, migration.FileClaim), fmt.Sprintf(`{"file":%q,"route":%q}`, s.File, route))
	b.store.put(migration.Key(id, migration.FileSummary), encode(b.t, s))
	b.store.put(migration.Key(id, migration.FileErrors), "record,externalEntitlementId\n1,ext-1\n")
	b.store.put(migration.Key(id, migration.FileReload), `[{"customerIdentifier":"secret"}]`)
	return s
}

func summaryOf(id, route string) migration.Summary {
	return migration.Summary{
		Migration: id, File: "s3://partner/" + id + ".json", Route: route, Phase: migration.Migrating, Records: 1000,
		Outcomes:  migration.Outcomes{Migrated: 400, Failed: 12},
		Partial:   4,
		Statuses:  migration.CountStatuses(migration.ByGroup{Active: 1000}, migration.ByGroup{Active: 400}, nil),
		Errors:    []migration.ErrorGroup{{Code: "NOT_AVAILABLE", Step: "activate", Count: 12, Examples: []string{"ext-000017", `ext/<b>&"2`}}},
		Limits:    migration.LimitsState{Limits: migration.Limits{ErrorRate: 0.1, MinSample: 100, Consecutive: 10}, LongestRun: 3},
		Audit:     []migration.AuditEntry{{At: began, By: "kim", Action: "pause", Reason: "merchant asked"}},
		StartedAt: &began,
		Settings: migration.Settings{
			Environment: "sandbox", Waves: true, Reconcile: true,
			Limits:      migration.Limits{ErrorRate: 0.1, MinSample: 100, Consecutive: 10},
			Concurrency: migration.Concurrency{Batches: 4, PerBatch: 50},
		},
	}
}

// fakeEngine is Temporal with migrations that stand still.
type fakeEngine struct {
	mu       sync.Mutex
	runs     map[string]operator.Run
	progress map[string]migration.Summary
	results  map[string]migration.Summary
	records  map[string]operator.RecordRun
	silent   error           // of queries
	stuck    map[string]bool // of these queries get no answer
	asked    map[string]int  // queries by migration
	away     error           // of everything
	calls    map[string]int
	updates  []sentUpdate
	starts   []workflows.MigrateFileInput
	startIDs []string
	refuse   error // of updates
}

type sentUpdate struct {
	id, name string
	input    any
}

func (f *fakeEngine) enter(call string) (func(), error) {
	f.mu.Lock()
	if f.calls == nil {
		f.calls = map[string]int{}
	}
	f.calls[call]++
	return f.mu.Unlock, f.away
}

func (f *fakeEngine) count(call string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls[call]
}

func (f *fakeEngine) change(id string, edit func(*migration.Summary)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.progress[id]
	edit(&s)
	f.progress[id] = s
}

func (f *fakeEngine) Queue() string { return "ferry" }

func (f *fakeEngine) Start(_ context.Context, id string, in workflows.MigrateFileInput) (string, error) {
	leave, err := f.enter("start")
	defer leave()
	f.starts, f.startIDs = append(f.starts, in), append(f.startIDs, id)
	f.runs[id] = operator.Run{ID: id, File: in.File, Route: in.Route, State: operator.Open, StartedAt: &began}
	f.progress[id] = migration.Summary{Migration: id, File: in.File, Route: in.Route, Phase: migration.Checking, StartedAt: &began}
	return "run-1", err
}

func (f *fakeEngine) StartAgain(ctx context.Context, id string, in workflows.MigrateFileInput) (string, error) {
	leave, _ := f.enter("again")
	leave()
	return f.Start(ctx, id, in)
}

func (f *fakeEngine) Describe(_ context.Context, id string) (operator.Run, error) {
	leave, err := f.enter("describe")
	defer leave()
	run, ok := f.runs[id]
	if err == nil && !ok {
		err = fmt.Errorf("migration %s: %w", id, operator.ErrUnknown)
	}
	return run, err
}

func (f *fakeEngine) List(context.Context, int) ([]operator.Run, error) {
	leave, err := f.enter("list")
	defer leave()
	if err != nil {
		return nil, err
	}
	var runs []operator.Run
	for _, run := range f.runs {
		runs = append(runs, run)
	}
	return runs, nil
}

func (f *fakeEngine) Progress(ctx context.Context, id string) (migration.Summary, error) {
	leave, err := f.enter("progress")
	if f.asked == nil {
		f.asked = map[string]int{}
	}
	f.asked[id]++
	if f.stuck[id] {
		leave()
		<-ctx.Done()
		return migration.Summary{}, ctx.Err()
	}
	defer leave()
	if err == nil {
		err = f.silent
	}
	return f.progress[id], err
}

func (f *fakeEngine) Result(_ context.Context, id string) (migration.Summary, error) {
	leave, err := f.enter("result")
	defer leave()
	s, ok := f.results[id]
	if err == nil && !ok {
		err = &operator.InterruptedError{Migration: id, How: "terminated"}
	}
	return s, err
}

func (f *fakeEngine) Update(_ context.Context, id, name string, input any) (migration.Summary, error) {
	leave, err := f.enter("update")
	defer leave()
	f.updates = append(f.updates, sentUpdate{id, name, input})
	if f.refuse != nil {
		return migration.Summary{}, f.refuse
	}
	s := f.progress[id]
	if name == workflows.UpdatePause {
		s.Phase = migration.Paused
	}
	f.progress[id] = s
	return s, err
}

func (f *fakeEngine) Record(_ context.Context, route, externalID string) (operator.RecordRun, error) {
	leave, err := f.enter("record")
	defer leave()
	run, ok := f.records[workflows.EntitlementID(route, externalID)]
	if err == nil && !ok {
		err = operator.ErrUnknown
	}
	return run, err
}

// fakeStore is a bucket called ferry in memory; other buckets have keys with
// their names.
type fakeStore struct {
	mu      sync.Mutex
	objects map[string]string
	away    error
	reads   int
}

func (f *fakeStore) readCount() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.reads
}

func (f *fakeStore) name(loc objectstore.Location) string {
	if loc.Bucket == "ferry" {
		return loc.Key
	}
	return loc.Bucket + ":" + loc.Key
}

func (f *fakeStore) put(key, body string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.objects[key] = body
}

func (f *fakeStore) get(loc objectstore.Location) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	body, ok := f.objects[f.name(loc)]
	if f.away != nil {
		return "", f.away
	}
	if !ok {
		return "", &fault.Fault{Code: fault.CodeFileNotFound, Message: "look at " + loc.String() + ": no such object"}
	}
	return body, nil
}

func (f *fakeStore) WorkBucket() string { return "ferry" }

func (f *fakeStore) Work(key string) objectstore.Location {
	return objectstore.Location{Bucket: "ferry", Key: key}
}

func (f *fakeStore) Head(_ context.Context, loc objectstore.Location) (objectstore.Object, error) {
	body, err := f.get(loc)
	return objectstore.Object{Location: loc, Size: int64(len(body)), ETag: `"1"`}, err
}

func (f *fakeStore) Read(_ context.Context, loc objectstore.Location, _ int64) ([]byte, string, error) {
	f.mu.Lock()
	f.reads++
	f.mu.Unlock()
	body, err := f.get(loc)
	return []byte(body), `"1"`, err
}

func (f *fakeStore) Open(_ context.Context, loc objectstore.Location, _ string) (io.ReadCloser, error) {
	body, err := f.get(loc)
	return io.NopCloser(strings.NewReader(body)), err
}

func (f *fakeStore) Upload(_ context.Context, loc objectstore.Location, _ string, r io.Reader) (objectstore.Object, error) {
	body, err := io.ReadAll(r)
	if err != nil {
		return objectstore.Object{}, fmt.Errorf("upload %s: %w", loc, err)
	}
	f.put(f.name(loc), string(body))
	return objectstore.Object{Location: loc}, nil
}

func (f *fakeStore) keys(prefix string) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var keys []string
	for key := range f.objects {
		if strings.HasPrefix(key, prefix) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

func (f *fakeStore) List(_ context.Context, _, prefix string) iter.Seq2[objectstore.Object, error] {
	return func(yield func(objectstore.Object, error) bool) {
		for _, key := range f.keys(prefix) {
			if !yield(objectstore.Object{Location: f.Work(key)}, nil) {
				return
			}
		}
	}
}

func (f *fakeStore) ListPrefixes(_ context.Context, _, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		if f.away != nil {
			yield("", f.away)
			return
		}
		last := ""
		for _, key := range f.keys(prefix) {
			folder, _, _ := strings.Cut(strings.TrimPrefix(key, prefix), "/")
			if folder != last && !yield(prefix+folder+"/", nil) {
				return
			}
			last = folder
		}
	}
}

// lockedBuffer takes a log.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
