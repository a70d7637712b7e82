package objectstore

import (
	"context"
	"fmt"
	"io"

	"github.com/f0a90b9a/ferry/internal/fault"
)

// ReadRange gives exactly length bytes from offset on, or an error: a fault
// FILE_CHANGED if the object is shorter. The bytes are held in memory, so the
// caller bounds the length. No ETag is asked for; read what is written once.
func (s *Store) ReadRange(ctx context.Context, loc Location, offset, length int64) ([]byte, error) {
	if offset < 0 || length < 0 {
		return nil, fmt.Errorf("read %s: no such range: %d bytes from %d", loc, length, offset)
	}
	if length == 0 {
		return []byte{}, nil
	}
	r := &stream{store: s, ctx: ctx, loc: loc, at: offset, end: offset + length}
	defer r.Close()
	body := make([]byte, length)
	if _, err := io.ReadFull(r, body); err != nil {
		return nil, err
	}
	return body, nil
}

// Read gives a small object and its ETag. One larger than limit bytes is a
// final fault STORE_FAULT, and none of it is read.
func (s *Store) Read(ctx context.Context, loc Location, limit int64) (body []byte, etag string, err error) {
	r := &stream{store: s, ctx: ctx, loc: loc, end: -1}
	defer r.Close()
	if err := r.connect(); err != nil {
		return nil, "", err
	}
	if r.end > limit {
		return nil, "", final(fault.CodeStoreFault, "read %s: it has %d bytes and may have %d", loc, r.end, limit)
	}
	body = make([]byte, r.end)
	if _, err := io.ReadFull(r, body); err != nil {
		return nil, "", err
	}
	return body, r.etag, nil
}
