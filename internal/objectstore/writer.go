package objectstore

import (
	"context"
	"errors"
	"io"
	"sync"
)

// errAborted is why an upload ends that its writer gave up.
var errAborted = errors.New("the upload was aborted by its writer")

// Writer is an upload in the making; see Upload for its limits. It is for one
// goroutine. Every Writer needs a Close or an Abort; both after each other are
// harmless, so that Abort may be deferred.
type Writer struct {
	pipe   *io.PipeWriter
	stop   func() bool
	done   chan struct{} // closed when object and err are set
	object Object
	err    error

	once   sync.Once
	result error
}

// Create starts an upload that is fed by Write. Only a Close without an error
// makes the object visible. The end of the context aborts it.
func (s *Store) Create(ctx context.Context, loc Location, contentType string) *Writer {
	r, w := io.Pipe()
	writer := &Writer{pipe: w, done: make(chan struct{})}
	// The upload waits in the pipe, where it can't see the context.
	writer.stop = context.AfterFunc(ctx, func() { w.CloseWithError(ctx.Err()) })
	go func() {
		defer close(writer.done)
		writer.object, writer.err = s.Upload(ctx, loc, contentType, r)
		r.CloseWithError(errors.Join(writer.err, io.ErrClosedPipe))
	}()
	return writer
}

// Write gives bytes to the upload. After a failed upload it returns the
// upload's error.
func (w *Writer) Write(p []byte) (int, error) {
	n, err := w.pipe.Write(p)
	if err != nil {
		<-w.done
		if w.err != nil {
			err = w.err
		}
	}
	return n, err
}

// Close ends the upload; without an error the object is there.
func (w *Writer) Close() error { return w.finish(nil) }

// Abort gives the upload up; nothing appears. After Close it does nothing.
func (w *Writer) Abort() { _ = w.finish(errAborted) }

// Object is what was written; it is empty before a successful Close.
func (w *Writer) Object() Object { return w.object }

func (w *Writer) finish(cause error) error {
	w.once.Do(func() {
		w.pipe.CloseWithError(cause)
		<-w.done
		w.stop()
		w.result = w.err
	})
	return w.result
}
