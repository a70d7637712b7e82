package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/config"
	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/objectstore"
	"github.com/f0a90b9a/ferry/internal/operator"
	"github.com/f0a90b9a/ferry/workflows"
)

// bundle runs command lines against stand-ins for Temporal and S3.
type bundle struct {
	ctx      context.Context
	temporal *fakeEngine
	bucket   *fakeStore // nil: no object store is configured
	env      []string
	in       string
	dialErr  error
}

func setup(t *testing.T) *bundle {
	t.Helper()
	return &bundle{
		ctx:      t.Context(),
		temporal: &fakeEngine{polls: true, runs: map[string]operator.Run{}, progress: map[string]migration.Summary{}, results: map[string]result{}},
		bucket:   &fakeStore{objects: map[string]string{}},
		env:      []string{"USER=kim", "FERRY_S3_WORK_BUCKET=ferry"},
	}
}

// ran is what came of a command line.
type ran struct {
	code        int
	out, errors string
}

func (b *bundle) run(args ...string) ran {
	var out, errs bytes.Buffer
	a := &app{Streams: Streams{In: strings.NewReader(b.in), Out: &out, Err: &errs, Env: b.env}}
	a.connect = func(_ context.Context, c *config.Config, _ []string) (*connection, error) {
		n := &connection{config: c, engine: b.temporal, close: func() { b.temporal.closed++ }}
		if b.bucket != nil {
			n.store, n.past = b.bucket, operator.NewArchive(b.bucket)
		}
		return n, b.dialErr
	}
	code := run(b.ctx, args, a)
	return ran{code, out.String(), errs.String()}
}

// result is how a fake migration ended.
type result struct {
	summary migration.Summary
	err     error
}

// fakeEngine is Temporal with what a test gives it.
type fakeEngine struct {
	polls    bool
	runs     map[string]operator.Run
	progress map[string]migration.Summary
	results  map[string]result
	last     map[string]migration.Summary // known without a worker
	updateEr error

	started  []workflows.MigrateFileInput
	ids      []string
	updates  []update
	closed   int
	onResult func()

	rebuilt   []string
	settle    *time.Duration
	rebuildEr error

	reconciling fakeReconciliation
}

type update struct {
	id, name string
	input    any
}

func (e *fakeEngine) Queue() string { return "ferry" }

func (e *fakeEngine) Start(_ context.Context, id string, in workflows.MigrateFileInput) (string, error) {
	if _, used := e.runs[id]; used {
		return "", fmt.Errorf("migration %s: %w", id, operator.ErrIDUsed)
	}
	e.started, e.ids = append(e.started, in), append(e.ids, id)
	return "run-1", nil
}

func (e *fakeEngine) StartAgain(ctx context.Context, id string, in workflows.MigrateFileInput) (string, error) {
	if e.runs[id].State == operator.Failed {
		delete(e.runs, id)
	}
	return e.Start(ctx, id, in)
}

func (e *fakeEngine) Describe(_ context.Context, id string) (operator.Run, error) {
	run, known := e.runs[id]
	if !known {
		return run, fmt.Errorf("migration %s: %w", id, operator.ErrUnknown)
	}
	return run, nil
}

func (e *fakeEngine) List(_ context.Context, limit int) ([]operator.Run, error) {
	var runs []operator.Run
	for _, run := range e.runs {
		runs = append(runs, run)
	}
	return runs[:min(limit, len(runs))], nil
}

func (e *fakeEngine) Progress(_ context.Context, id string) (migration.Summary, error) {
	if !e.polls {
		return migration.Summary{}, fmt.Errorf("migration %s: progress: %w task queue ferry", id, operator.ErrNoWorker)
	}
	return e.progress[id], nil
}

func (e *fakeEngine) LastKnown(_ context.Context, run operator.Run) (migration.Summary, error) {
	s, known := e.last[run.ID]
	if !known {
		return s, errors.New("its history can't be read")
	}
	s.Stale = &migration.Stale{At: *at(11)}
	return s, nil
}

func (e *fakeEngine) Result(ctx context.Context, id string) (migration.Summary, error) {
	if e.onResult != nil {
		e.onResult()
	}
	r, ended := e.results[id]
	if run := e.runs[id]; !ended && run.State == operator.Completed {
		return r.summary, fmt.Errorf("migration %s: %w", id, operator.ErrUnknown) // forgotten
	}
	if !ended {
		<-ctx.Done()
		return r.summary, ctx.Err()
	}
	return r.summary, r.err
}

func (e *fakeEngine) Update(_ context.Context, id, name string, input any) (migration.Summary, error) {
	e.updates = append(e.updates, update{id, name, input})
	return e.progress[id], e.updateEr
}

func (e *fakeEngine) Rebuild(_ context.Context, id string, settle *time.Duration) (string, error) {
	if e.rebuildEr != nil {
		return "", e.rebuildEr
	}
	e.rebuilt, e.settle = append(e.rebuilt, id), settle
	return id + "/reports", nil
}

func (e *fakeEngine) WorkerPolls(context.Context) (bool, error) { return e.polls, nil }

// fakeStore is an object store in memory, by "bucket/key".
type fakeStore struct {
	objects map[string]string
	fails   string // key of an object that can't be opened
}

func (s *fakeStore) WorkBucket() string { return "ferry" }

func (s *fakeStore) Work(key string) objectstore.Location {
	return objectstore.Location{Bucket: "ferry", Key: key}
}

func place(loc objectstore.Location) string { return loc.Bucket + "/" + loc.Key }

func (s *fakeStore) put(bucket, key, content string) { s.objects[bucket+"/"+key] = content }

func (s *fakeStore) Head(_ context.Context, loc objectstore.Location) (objectstore.Object, error) {
	content, there := s.objects[place(loc)]
	if !there {
		return objectstore.Object{}, &fault.Fault{Kind: fault.Final, Code: fault.CodeFileNotFound, Message: loc.String() + " is not there"}
	}
	return objectstore.Object{Location: loc, ETag: `"e"`, Size: int64(len(content))}, nil
}

func (s *fakeStore) Read(ctx context.Context, loc objectstore.Location, limit int64) ([]byte, string, error) {
	o, err := s.Head(ctx, loc)
	if err == nil && o.Size > limit {
		err = errors.New("too large")
	}
	return []byte(s.objects[place(loc)]), o.ETag, err
}

func (s *fakeStore) Open(ctx context.Context, loc objectstore.Location, _ string) (io.ReadCloser, error) {
	_, err := s.Head(ctx, loc)
	if loc.Key == s.fails {
		err = errors.New("it broke")
	}
	return io.NopCloser(strings.NewReader(s.objects[place(loc)])), err
}

func (s *fakeStore) Upload(_ context.Context, loc objectstore.Location, _ string, r io.Reader) (objectstore.Object, error) {
	content, err := io.ReadAll(r)
	if err == nil {
		s.objects[place(loc)] = string(content)
	}
	return objectstore.Object{Location: loc}, err
}

func (s *fakeStore) keys(bucket, prefix string) []string {
	var keys []string
	for at := range s.objects {
		if key, in := strings.CutPrefix(at, bucket+"/"); in && strings.HasPrefix(key, prefix) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

func (s *fakeStore) List(_ context.Context, bucket, prefix string) iter.Seq2[objectstore.Object, error] {
	return func(yield func(objectstore.Object, error) bool) {
		for _, key := range s.keys(bucket, prefix) {
			loc := objectstore.Location{Bucket: bucket, Key: key}
			if !yield(objectstore.Object{Location: loc, Size: int64(len(s.objects[place(loc)]))}, nil) {
				return
			}
		}
	}
}

func (s *fakeStore) ListPrefixes(_ context.Context, bucket, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		last := ""
		for _, key := range s.keys(bucket, prefix) {
			head, _, _ := strings.Cut(strings.TrimPrefix(key, prefix), "/")
			if folder := prefix + head + "/"; folder != last {
				last = folder
				if !yield(folder, nil) {
					return
				}
			}
		}
	}
}

func at(hour int) *time.Time {
	moment := time.Date(2026, 11, 21, hour, 0, 0, 0, time.UTC)
	return &moment
}

// requireEnd checks a command's code, and that stdout and stderr hold (or, for
// an empty text, are) what they should.
func requireEnd(t *testing.T, r ran, code int, out, errs string) {
	t.Helper()
	require.Equal(t, code, r.code, "stdout: %s\nstderr: %s", r.out, r.errors)
	for _, c := range []struct{ what, got, expected string }{{"stdout", r.out, out}, {"stderr", r.errors, errs}} {
		if c.expected == "" {
			require.Empty(t, c.got, c.what)
		} else {
			require.Contains(t, c.got, c.expected, c.what)
		}
	}
}
