package migrationfile

import (
	"bytes"
	"context"
	"io"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

// workers reads with a number of workers and gives all that can be told.
func (b *bench) workers(t testing.TB, n int, file string) (*Result, string) {
	t.Helper()
	b.opts.Workers = n
	res := b.text(t, file)
	staged := b.stage.String()
	if res.Index == nil {
		staged = "" // worthless
	}
	return res, staged
}

// spoilt is a file of several blocks in which some records are bad.
func spoilt(t *testing.T, rt *rapid.T) string {
	t.Helper()
	file := madeUp(t, GenOptions{
		Records: rapid.IntRange(1, 700).Draw(rt, "records"), Seed: rapid.Uint64().Draw(rt, "seed"), Lines: rapid.Bool().Draw(rt, "lines"),
	})
	return mutated(rt, file)
}

func TestAnyNumberOfWorkersFindsTheSame(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		file := spoilt(t, rt)
		b := setup(t)
		want, staged := b.workers(t, 1, file)
		for _, n := range []int{2, 7} {
			got, stagedToo := b.workers(t, n, file)
			require.Equal(rt, want, got)
			require.Equal(rt, staged, stagedToo)
		}
	})
}

// Goroutines end with Import, whatever ends it.
func TestNoGoroutineOutlivesAnImport(t *testing.T) { //nolint:paralleltest // goleak sees the goroutines of all tests
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	file := madeUp(t, GenOptions{Records: 5000})
	b := setup(t)
	b.opts.Workers = 3
	require.Empty(t, b.text(t, file).Problems)

	_, err := Import(t.Context(), io.MultiReader(strings.NewReader(file[:len(file)/2]), iotest.ErrReader(errCable)), b.opts)
	require.ErrorIs(t, err, errCable)

	ctx, cancel := context.WithCancel(t.Context())
	b.opts.Progress = func(int64, int64) { cancel() }
	_, err = Import(ctx, strings.NewReader(file), b.opts)
	require.ErrorIs(t, err, context.Canceled)
	b.opts.Progress = nil

	for after := range 4 {
		b.opts.Stage = &fillingDisk{room: after}
		_, err = Import(t.Context(), strings.NewReader(file), b.opts)
		require.ErrorIs(t, err, errCable)
	}

	b.opts.Stage = nil
	b.opts.Progress = func(int64, int64) { panic(errCable) }
	require.PanicsWithError(t, errCable.Error(), func() { _, _ = Import(t.Context(), strings.NewReader(file), b.opts) })
}

// fillingDisk has room for so many writes.
type fillingDisk struct{ room int }

func (d *fillingDisk) Write(p []byte) (int, error) {
	if d.room--; d.room < 0 {
		return 0, errCable
	}
	return len(p), nil
}

// A mistake in a checker is the caller's to see, not the process's end.
func TestAPanicReachesTheCaller(t *testing.T) {
	t.Parallel()
	in := newSource(t.Context(), strings.NewReader(madeUp(t, GenOptions{Records: 2000})))
	opts := ImportOptions{}.withDefaults()
	checkers := newCheckers(opts, 2, new(atomic.Bool))
	for _, c := range checkers {
		c.decoder = nil
	}
	require.Panics(t, func() {
		_ = newPipeline(newSplitter(in, 1<<16), 2).run(checkers, func(*block) error { return nil })
	})
}

// Reading goes no further ahead than the blocks allow.
func TestReadingWaitsForStaging(t *testing.T) {
	t.Parallel()
	file := madeUp(t, GenOptions{Records: 10_000})
	src := &countingReader{Reader: strings.NewReader(file)}
	ahead := 0
	b := setup(t)
	b.opts.Workers = 2
	staged := 0
	b.opts.Stage = writerFunc(func(p []byte) (int, error) {
		staged += len(p)
		ahead = max(ahead, src.read()-staged)
		return len(p), nil
	})
	require.Empty(t, b.read(t, src).Problems)
	require.Positive(t, ahead)
	require.Less(t, ahead, 2<<20)
}

// countingReader may be asked by others how far it is.
type countingReader struct {
	io.Reader
	bytes atomic.Int64
}

func (r *countingReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.bytes.Add(int64(n))
	return n, err
}

func (r *countingReader) read() int { return int(r.bytes.Load()) }

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// What is over the bound is counted as if it were kept, and the rest is the
// same.
func TestProblemsOverTheBound(t *testing.T) {
	t.Parallel()
	file := strings.NewReplacer(`"PENDING"`, `"pending"`, `"dateEnded"`, `"dateend"`).Replace(madeUp(t, GenOptions{Records: 5000}))
	b := setup(t)
	all, _ := b.workers(t, 1, file)
	require.Greater(t, len(all.Problems), 1000)
	for _, kept := range []int{1, 5, 100} {
		b.opts.MaxProblems = kept
		got, _ := b.workers(t, 3, file)
		require.Equal(t, all.Problems[:kept], got.Problems)
		got.Problems = all.Problems
		require.Equal(t, all, got)
	}
}

// Blocks that are used again keep nothing of what was in them.
func TestTextsThatOutliveTheirBlock(t *testing.T) {
	t.Parallel()
	var file bytes.Buffer
	for i := range 4000 {
		file.WriteString(strings.Replace(sound(i, `,"colour`+strings.Repeat("x", i%50)+`":1`), `"ACTIVE"`, `"WRONG"`, 1) + "\n")
	}
	res := setup(t).text(t, file.String())
	require.Len(t, res.Problems, 4000)
	for i, p := range res.Problems {
		require.Equal(t, "ext-"+strconv.Itoa(i), p.ExternalEntitlementID)
	}
	require.Len(t, res.Warnings, 50)
	for i, w := range res.Warnings {
		require.Equal(t, "colour"+strings.Repeat("x", i), w.Field)
		require.Equal(t, 80, w.Count)
	}
}
