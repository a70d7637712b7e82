package activities

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sync/singleflight"

	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
)

// rangeCacheBytes bounds the staged records a worker keeps in memory: some
// hundred batches of usual size.
const rangeCacheBytes = 64 << 20

// Range is a stretch of records.ndjson.
type Range struct {
	Offset int64 `json:"offset"`
	Length int64 `json:"length"`
}

// rangeCache keeps the batch ranges of records.ndjson that steps read again
// and again. Staged records never change, so nothing is refreshed; what somebody
// changed all the same is forgotten when it doesn't read back.
type rangeCache struct {
	store  Store
	flight singleflight.Group

	mu    sync.Mutex
	used  int
	order *list.List // of *cached, most recent first
	items map[rangeKey]*list.Element
}

type rangeKey struct {
	migration string
	Range
}

type cached struct {
	key  rangeKey
	body []byte
}

func newRangeCache(s Store) *rangeCache {
	return &rangeCache{store: s, order: list.New(), items: map[rangeKey]*list.Element{}}
}

// record gives the bytes of one record out of its batch's range.
func (c *rangeCache) record(ctx context.Context, migrationID string, batch, record Range) ([]byte, error) {
	body, err := c.get(ctx, migrationID, batch)
	if err != nil {
		return nil, err
	}
	from := record.Offset - batch.Offset
	if from < 0 || record.Length < 0 || from+record.Length > int64(len(body)) {
		return nil, fmt.Errorf("record at %d is outside its batch's range at %d", record.Offset, batch.Offset)
	}
	return body[from : from+record.Length], nil
}

// get gives a range; callers don't change it.
func (c *rangeCache) get(ctx context.Context, migrationID string, r Range) ([]byte, error) {
	key := rangeKey{migrationID, r}
	if body, ok := c.lookup(key); ok {
		return body, nil
	}
	name := fmt.Sprintf("%s@%d+%d", migrationID, r.Offset, r.Length)
	body, err := together(ctx, &c.flight, name, func() (any, error) {
		body, err := c.store.ReadRange(ctx, c.store.Work(migration.Key(migrationID, migration.FileRecords)), r.Offset, r.Length)
		if err == nil {
			c.add(key, body)
		}
		return body, gone(migration.FileRecords, err)
	})
	if err != nil {
		return nil, err
	}
	return body.([]byte), nil
}

// together lets all who ask for one thing at the same time share one read. If
// the one who reads is cancelled, which is no fault, another reads on.
func together(ctx context.Context, flight *singleflight.Group, name string, read func() (any, error)) (any, error) {
	for {
		v, err, _ := flight.Do(name, read)
		_, isFault := fault.As(err)
		ended := errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
		if isFault || !ended || ctx.Err() != nil {
			return v, err
		}
	}
}

func (c *rangeCache) lookup(key rangeKey) ([]byte, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.items[key]
	if !ok {
		return nil, false
	}
	c.order.MoveToFront(e)
	return e.Value.(*cached).body, true
}

func (c *rangeCache) add(key rangeKey, body []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.items[key]; ok {
		return
	}
	c.items[key] = c.order.PushFront(&cached{key, body})
	c.used += len(body)
	for c.used > rangeCacheBytes && c.order.Len() > 1 {
		c.drop(c.order.Back())
	}
}

// forget drops a range that proved to be wrong.
func (c *rangeCache) forget(migrationID string, r Range) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.items[rangeKey{migrationID, r}]; ok {
		c.drop(e)
	}
}

// forgetAll drops all that is kept of a migration.
func (c *rangeCache) forgetAll(migrationID string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for key, e := range c.items {
		if key.migration == migrationID {
			c.drop(e)
		}
	}
}

func (c *rangeCache) drop(e *list.Element) {
	old := c.order.Remove(e).(*cached)
	delete(c.items, old.key)
	c.used -= len(old.body)
}
