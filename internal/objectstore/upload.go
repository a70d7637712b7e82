package objectstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

const (
	partSize      = 8 << 20 // bytes
	partsInFlight = 2       // so an upload holds at most four parts in memory
	// drainTimeout is what parts on their way get to arrive after the context
	// has ended. A part that arrives after the abort would stay in the store.
	drainTimeout = 5 * time.Second
	abortTimeout = 20 * time.Second
	abortTries   = 3
)

func newTransfer(client *regionalClient, checksums aws.RequestChecksumCalculation) *transfermanager.Client {
	return transfermanager.New(client, func(o *transfermanager.Options) {
		o.PartSizeBytes = partSize
		o.MultipartUploadThreshold = partSize
		o.Concurrency = partsInFlight
		// Without it an upload whose context ends could not be aborted.
		o.FailTimeout = abortTimeout
		o.RequestChecksumCalculation = checksums
	})
}

// Upload writes an object from a reader in bounded memory, about 32 MiB. The
// object appears when all of it is there; if the reader fails or the context
// ends before the reader does, nothing appears and no parts stay behind; that
// may take some seconds. (A process that dies mid-upload leaves parts nobody
// sees; a bucket rule for incomplete multipart uploads clears them.)
//
// Parts are of 8 MiB, of which S3 takes 10,000, so a plain reader may give up
// to 78 GiB. If r can seek, its length is known and larger parts carry up to
// 5 TiB. An error of the reader is wrapped as it is. Upload looks at the
// context between reads only: a reader that blocks for ever blocks it.
func (s *Store) Upload(ctx context.Context, loc Location, contentType string, r io.Reader) (Object, error) {
	in := &transfermanager.UploadObjectInput{
		Bucket: &loc.Bucket, Key: &loc.Key, ContentType: &contentType,
	}
	length, err := lengthOf(r)
	if err != nil {
		return Object{}, fmt.Errorf("upload %s: %w", loc, err)
	}
	if length > 0 {
		in.ContentLength = &length
	}
	source := &source{ctx: ctx, r: r}
	in.Body = source
	draining, cancel := drain(ctx)
	defer cancel()
	out, err := s.transfer.UploadObject(draining, in)
	if err != nil {
		s.sweep(ctx, loc, err)
		if source.err != nil {
			return Object{}, fmt.Errorf("upload %s: %w", loc, source.err)
		}
		return Object{}, s.translate(ctx, "upload", loc, err)
	}
	return Object{
		Location:     loc,
		ETag:         aws.ToString(out.ETag),
		Size:         source.read,
		LastModified: time.Now(),
	}, nil
}

// drain gives a context that ends some time after its parent.
func drain(parent context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(parent))
	stop := context.AfterFunc(parent, func() {
		timer := time.AfterFunc(drainTimeout, cancel)
		context.AfterFunc(ctx, func() { timer.Stop() })
	})
	return ctx, func() { stop(); cancel() }
}

// sweep aborts a failed multipart upload until the store knows it no more: a
// part that was on its way during the first abort may have come after it.
func (s *Store) sweep(ctx context.Context, loc Location, cause error) {
	var failed transfermanager.MultipartUploadError
	if !errors.As(cause, &failed) {
		return
	}
	id := failed.UploadID()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortTimeout)
	defer cancel()
	for try := range abortTries {
		_, err := s.client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{
			Bucket: &loc.Bucket, Key: &loc.Key, UploadId: &id,
		})
		if statusOf(err) == http.StatusNotFound || s.pause(ctx, try) != nil {
			return
		}
	}
}

// source is the body of an upload. It hides Seek, so that the library takes it
// as a stream, and keeps the reader's own error apart from the store's.
type source struct {
	ctx  context.Context
	r    io.Reader
	read int64
	err  error
}

// Read reads on, or fails with the context's error.
func (s *source) Read(p []byte) (int, error) {
	if s.ctx.Err() != nil {
		s.err = s.ctx.Err()
		return 0, s.err
	}
	n, err := s.r.Read(p)
	s.read += int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err
}

// lengthOf is what is left in a reader that can seek, and 0 for another.
func lengthOf(r io.Reader) (int64, error) {
	seeker, ok := r.(io.Seeker)
	if !ok {
		return 0, nil
	}
	at, err := seeker.Seek(0, io.SeekCurrent)
	if err != nil {
		return 0, nil //nolint:nilerr // a pipe or a terminal: a file that only streams
	}
	end, err := seeker.Seek(0, io.SeekEnd)
	if err != nil {
		return 0, err
	}
	_, err = seeker.Seek(at, io.SeekStart)
	return end - at, err
}
