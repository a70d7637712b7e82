package activities

import (
	"context"
	"io"
	"sync/atomic"

	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/objectstore"
)

// brokenStore is a store in which a test has its hand: a hook that is set
// takes the place of the call.
type brokenStore struct {
	Store
	putIfAbsent func(context.Context, objectstore.Location, []byte) (bool, error)
	read        func(context.Context, objectstore.Location) error
	put         func(context.Context, objectstore.Location, []byte) error
	remove      func(context.Context, objectstore.Location) error
	open        func(context.Context, objectstore.Location, string) (io.ReadCloser, error)
	readRange   func(ctx context.Context, loc objectstore.Location, offset, length int64) ([]byte, error)
	ranges      atomic.Int64 // calls of ReadRange
}

// broken gives a setup a store with hooks, which the test may set until it
// runs its first activity.
func broken(s *brokenStore) func(*bundle) Store {
	return func(b *bundle) Store {
		s.Store = b.store
		return s
	}
}

func (s *brokenStore) PutIfAbsent(ctx context.Context, loc objectstore.Location, body []byte, contentType string) (bool, error) {
	if s.putIfAbsent != nil {
		return s.putIfAbsent(ctx, loc, body)
	}
	return s.Store.PutIfAbsent(ctx, loc, body, contentType)
}

func (s *brokenStore) Read(ctx context.Context, loc objectstore.Location, limit int64) ([]byte, string, error) {
	if s.read != nil {
		if err := s.read(ctx, loc); err != nil {
			return nil, "", err
		}
	}
	return s.Store.Read(ctx, loc, limit)
}

func (s *brokenStore) Put(ctx context.Context, loc objectstore.Location, body []byte, contentType string) error {
	if s.put != nil {
		if err := s.put(ctx, loc, body); err != nil {
			return err
		}
	}
	return s.Store.Put(ctx, loc, body, contentType)
}

func (s *brokenStore) Delete(ctx context.Context, loc objectstore.Location) error {
	if s.remove != nil {
		return s.remove(ctx, loc)
	}
	return s.Store.Delete(ctx, loc)
}

func (s *brokenStore) Open(ctx context.Context, loc objectstore.Location, etag string) (io.ReadCloser, error) {
	if s.open != nil {
		return s.open(ctx, loc, etag)
	}
	return s.Store.Open(ctx, loc, etag)
}

func (s *brokenStore) ReadRange(ctx context.Context, loc objectstore.Location, offset, length int64) ([]byte, error) {
	s.ranges.Add(1)
	if s.readRange != nil {
		return s.readRange(ctx, loc, offset, length)
	}
	return s.Store.ReadRange(ctx, loc, offset, length)
}

// away is the fault of a store that can't be reached.
func away() error {
	return &fault.Fault{Kind: fault.Retryable, Code: fault.CodeStoreFault, Message: "the store is away"}
}

// once gives an error the first time alone.
func once(err error) func() error {
	var used atomic.Bool
	return func() error {
		if used.Swap(true) {
			return nil
		}
		return err
	}
}
