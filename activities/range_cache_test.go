package activities

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migrationfile"
	"github.com/f0a90b9a/ferry/internal/objectstore"
)

// memory is a store for reading. It counts who asks, and makes up records that
// it hasn't.
type memory struct {
	Store
	objects map[string]string
	gate    chan struct{} // nil: reads don't wait
	mu      sync.Mutex
	read    map[string]int
	fail    error
}

func newMemory() *memory { return &memory{objects: map[string]string{}, read: map[string]int{}} }

func (m *memory) Work(key string) objectstore.Location {
	return objectstore.Location{Bucket: "work", Key: key}
}

func (m *memory) asked(what string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.read[what]++
	return m.fail
}

func (m *memory) times(what string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.read[what]
}

// wait is how long the store takes, which its caller's context may end.
func (m *memory) wait(ctx context.Context) error {
	if m.gate == nil {
		return nil
	}
	select {
	case <-m.gate:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("read: %w", ctx.Err())
	}
}

func (m *memory) ReadRange(ctx context.Context, loc objectstore.Location, offset, length int64) ([]byte, error) {
	if err := m.asked(fmt.Sprintf("%s@%d", loc.Key, offset)); err != nil {
		return nil, err
	}
	if err := m.wait(ctx); err != nil {
		return nil, err
	}
	if body, ok := m.objects[loc.Key]; ok {
		return []byte(body[offset : offset+length]), nil
	}
	body := make([]byte, length)
	for i := range min(length, 1000) {
		body[i] = byte('a' + (offset+i)%26)
	}
	return body, nil
}

func (m *memory) Read(ctx context.Context, loc objectstore.Location, _ int64) (body []byte, etag string, err error) {
	if err := m.asked(loc.Key); err != nil {
		return nil, "", err
	}
	return []byte(m.objects[loc.Key]), "", m.wait(ctx)
}

const acmeRecords = "migrations/acme/records.ndjson"

func TestRangeCacheReadsARangeOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		m.gate = make(chan struct{})
		c := newRangeCache(m)
		var wait sync.WaitGroup
		for range 20 {
			wait.Go(func() {
				line, err := c.record(t.Context(), "acme", Range{100, 50}, Range{110, 5})
				require.NoError(t, err)
				require.Equal(t, "ghijk", string(line))
			})
		}
		synctest.Wait() // all of them wait for the store
		require.Equal(t, 1, m.times(acmeRecords+"@100"))
		close(m.gate)
		wait.Wait()
		_, err := c.get(t.Context(), "acme", Range{100, 50})
		require.NoError(t, err)
		require.Equal(t, 1, m.times(acmeRecords+"@100"), "it is kept")
		_, err = c.get(t.Context(), "else", Range{100, 50})
		require.NoError(t, err)
		require.Equal(t, 1, m.times("migrations/else/records.ndjson@100"), "each migration has its own")
	})
}

// A record that is stopped must not take its neighbours with it.
func TestRangeCacheOutlivesACancelledReader(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		m.gate = make(chan struct{})
		c := newRangeCache(m)
		stopped, stop := context.WithCancel(t.Context())
		var wait sync.WaitGroup
		wait.Go(func() {
			_, err := c.get(stopped, "acme", Range{0, 10})
			require.ErrorIs(t, err, context.Canceled)
		})
		synctest.Wait()
		for range 5 {
			wait.Go(func() {
				body, err := c.get(t.Context(), "acme", Range{0, 10})
				require.NoError(t, err)
				require.Len(t, body, 10)
			})
		}
		synctest.Wait()
		require.Equal(t, 1, m.times(acmeRecords+"@0"))
		stop()
		synctest.Wait()
		require.Equal(t, 2, m.times(acmeRecords+"@0"), "one of the others reads for all")
		close(m.gate)
		wait.Wait()
	})
}

func TestRangeCacheKeepsNoFault(t *testing.T) {
	t.Parallel()
	m := newMemory()
	c := newRangeCache(m)
	// A store's own time limit is no end of the caller's.
	m.fail = &fault.Fault{Kind: fault.Retryable, Code: fault.CodeStoreFault, Cause: context.DeadlineExceeded}
	_, err := c.get(t.Context(), "acme", Range{0, 10})
	require.ErrorIs(t, err, m.fail)
	require.Equal(t, 1, m.times(acmeRecords+"@0"))
	m.fail = nil
	_, err = c.get(t.Context(), "acme", Range{0, 10})
	require.NoError(t, err)
}

func TestRangeCacheIsBoundedAndDropsTheOldest(t *testing.T) {
	t.Parallel()
	const piece = rangeCacheBytes / 4
	m := newMemory()
	c := newRangeCache(m)
	at := func(i int64) Range { return Range{i * piece, piece} }
	get := func(i int64) {
		t.Helper()
		_, err := c.get(t.Context(), "acme", at(i))
		require.NoError(t, err)
		require.LessOrEqual(t, c.used, rangeCacheBytes)
		require.Len(t, c.items, c.order.Len())
	}
	reads := func(i int64) int { return m.times(fmt.Sprintf("%s@%d", acmeRecords, i*piece)) }
	for i := range int64(4) {
		get(i)
	}
	require.Equal(t, rangeCacheBytes, c.used)
	get(0) // of the four, 1 is now the oldest
	get(4)
	get(0)
	require.Equal(t, 1, reads(0))
	get(1)
	require.Equal(t, 2, reads(1))
	require.Equal(t, 4, c.order.Len())

	c.forget("acme", at(1))
	c.forget("acme", at(1))
	require.Equal(t, 3*piece, c.used)
	get(1)
	require.Equal(t, 3, reads(1))

	_, err := c.get(t.Context(), "acme", Range{0, rangeCacheBytes + 1})
	require.NoError(t, err, "what is too large for the cache is read all the same")
	require.Equal(t, 1, c.order.Len())
	get(2)
	require.Equal(t, piece, c.used, "and doesn't stay")
}

func TestRangeCacheGivesNothingBeyondTheBatch(t *testing.T) {
	t.Parallel()
	c := newRangeCache(newMemory())
	batch := Range{100, 50}
	for _, r := range []Range{{99, 10}, {140, 11}, {151, 0}, {120, -1}} {
		_, err := c.record(t.Context(), "acme", batch, r)
		require.Error(t, err, "%+v", r)
	}
	for _, r := range []Range{{100, 50}, {149, 1}, {150, 0}} {
		line, err := c.record(t.Context(), "acme", batch, r)
		require.NoError(t, err, "%+v", r)
		require.Len(t, line, int(r.Length))
	}
}

func TestPlanCacheKeepsTheLastMigration(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		m.gate = make(chan struct{})
		var text strings.Builder
		require.NoError(t, migrationfile.EncodePlan(&text, migrationfile.Plan{
			Batches: []migrationfile.Batch{{Number: 1, First: 1, Count: 2, Length: 20}},
			Waves:   []migrationfile.Wave{{Number: 1, FirstBatch: 1, LastBatch: 1, Records: 2}},
		}))
		m.objects["migrations/acme/batches.json"], m.objects["migrations/else/batches.json"] = text.String(), text.String()
		c := newPlanCache(m)
		stopped, stop := context.WithCancel(t.Context())
		var wait sync.WaitGroup
		wait.Go(func() {
			_, err := c.get(stopped, "acme")
			require.ErrorIs(t, err, context.Canceled)
		})
		synctest.Wait()
		for range 5 {
			wait.Go(func() {
				plan, err := c.get(t.Context(), "acme")
				require.NoError(t, err)
				require.Len(t, plan.Batches, 1)
			})
		}
		synctest.Wait()
		stop()
		synctest.Wait()
		close(m.gate)
		wait.Wait()
		require.Equal(t, 2, m.times("migrations/acme/batches.json"))
		for _, id := range []string{"acme", "else", "else", "acme"} {
			_, err := c.get(t.Context(), id)
			require.NoError(t, err)
		}
		require.Equal(t, 1, m.times("migrations/else/batches.json"))
		require.Equal(t, 3, m.times("migrations/acme/batches.json"))
	})
}
