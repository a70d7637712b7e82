package objectstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/f0a90b9a/ferry/internal/fault"
)

// barrenTries is how often in a row a read may be resumed without a single
// byte of progress.
const barrenTries = 6

var (
	errShort  = errors.New("the answer ended early")
	errSilent = errors.New("the connection fell silent")
)

// Open streams a whole object. With an ETag (of Head) every request carries
// If-Match, and a replaced object is a fault FILE_CHANGED; with an empty one
// the first answer's ETag is held to from there on. A cut or silent connection
// is resumed by a ranged read from where it stopped, as often as needed while
// bytes arrive and a few times in a row if none do; then the error is a
// retryable STORE_FAULT. The reader ends with the context and is for one
// goroutine; it must be closed.
func (s *Store) Open(ctx context.Context, loc Location, etag string) (io.ReadCloser, error) {
	r := &stream{store: s, ctx: ctx, loc: loc, etag: etag, end: -1}
	if err := r.connect(); err != nil {
		return nil, err
	}
	return r, nil
}

// stream reads the bytes [at, end) of an object over as many requests as it
// takes.
type stream struct {
	store *Store
	ctx   context.Context // of the whole read, as with http.Request
	loc   Location
	etag  string // empty until the first answer
	at    int64
	end   int64 // exclusive; -1: the object's, not known yet

	body   io.ReadCloser // nil: to be connected
	cancel context.CancelCauseFunc
	idle   *time.Timer // running during a Read of the body
	silent func() bool // whether idle has run out
	barren int         // tries in a row without a byte
	failed error
}

// Read fills p, resuming where the connection broke.
func (r *stream) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, r.failed
	}
	for r.failed == nil {
		if err := r.ctx.Err(); err != nil { // else what is buffered would still come
			r.failed = r.recover(err)
			break
		}
		if r.end >= 0 && r.at >= r.end {
			r.disconnect()
			r.failed = io.EOF
			break
		}
		n, err := r.readOnce(p)
		if n > 0 {
			r.barren = 0
			return n, nil
		}
		if err != nil {
			r.failed = r.recover(err)
		}
	}
	return 0, r.failed
}

// readOnce reads from the open connection, made if need be. It never gives
// bytes and an error together.
func (r *stream) readOnce(p []byte) (int, error) {
	if r.body == nil {
		if err := r.connect(); err != nil {
			return 0, err
		}
	}
	if left := r.end - r.at; int64(len(p)) > left {
		p = p[:left]
	}
	r.idle.Reset(r.store.idleTimeout)
	n, err := r.body.Read(p)
	r.idle.Stop()
	r.at += int64(n)
	switch {
	case n > 0, err == nil:
		return n, nil // an error will come again
	case errors.Is(err, io.EOF):
		return 0, errShort // a whole answer never gets here
	case r.silent():
		return 0, errSilent
	}
	return 0, err
}

// recover drops the connection and waits, or gives the error that ends the
// read.
func (r *stream) recover(err error) error {
	r.disconnect()
	err = r.store.translate(r.ctx, "read", r.loc, err)
	f, ok := fault.As(err)
	if !ok || f.Kind != fault.Retryable {
		return err
	}
	r.barren++
	if r.barren >= barrenTries {
		return err
	}
	if ctxErr := r.store.pause(r.ctx, r.barren-1); ctxErr != nil {
		return fmt.Errorf("read %s: %w", r.loc, ctxErr)
	}
	return nil
}

// connect asks for what is left.
func (r *stream) connect() error {
	ctx, cancel := context.WithCancelCause(r.ctx)
	in := &s3.GetObjectInput{Bucket: &r.loc.Bucket, Key: &r.loc.Key}
	if r.etag != "" {
		in.IfMatch = &r.etag
	}
	if asked := r.byteRange(); asked != "" {
		in.Range = &asked
	}
	out, err := r.store.client.GetObject(ctx, in)
	if err != nil {
		cancel(nil)
		return r.store.translate(r.ctx, "read", r.loc, err)
	}
	r.body, r.cancel = out.Body, cancel
	r.silent = func() bool { return errors.Is(context.Cause(ctx), errSilent) }
	r.idle = time.AfterFunc(r.store.idleTimeout, func() { cancel(errSilent) })
	r.idle.Stop()
	if err := r.accept(in.Range != nil, out); err != nil {
		r.disconnect()
		return err
	}
	return nil
}

// byteRange is the Range header for what is left; empty for all of an object.
func (r *stream) byteRange() string {
	switch {
	case r.end >= 0:
		return fmt.Sprintf("bytes=%d-%d", r.at, r.end-1)
	case r.at > 0:
		return fmt.Sprintf("bytes=%d-", r.at)
	}
	return ""
}

// accept checks that the answer is what was asked for: a store or proxy that
// ignores Range would otherwise give the object's head again.
func (r *stream) accept(ranged bool, out *s3.GetObjectOutput) error {
	if ranged && !strings.HasPrefix(aws.ToString(out.ContentRange), fmt.Sprintf("bytes %d-", r.at)) {
		return final(fault.CodeStoreFault, "read %s: the store ignores ranged reads", r.loc)
	}
	length := aws.ToInt64(out.ContentLength)
	if out.ContentLength == nil || length < 0 {
		return final(fault.CodeStoreFault, "read %s: the store does not tell the object's length", r.loc)
	}
	if r.end < 0 {
		r.end = r.at + length
	}
	if r.at+length != r.end {
		return final(fault.CodeFileChanged, "read %s: the object is shorter than expected", r.loc)
	}
	if r.etag == "" {
		r.etag = aws.ToString(out.ETag)
	}
	return nil
}

func (r *stream) disconnect() {
	if r.body == nil {
		return
	}
	r.idle.Stop()
	r.cancel(nil) // before Close, which could else read on for the connection's sake
	_ = r.body.Close()
	r.body = nil
}

// Close ends the read.
func (r *stream) Close() error {
	r.disconnect()
	if r.failed == nil {
		r.failed = fmt.Errorf("read %s: %w", r.loc, io.ErrClosedPipe)
	}
	return nil
}
