package objectstore

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"testing/iotest"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/fault"
)

func TestUploadKeepsEveryByte(t *testing.T) {
	t.Parallel()
	s := setup(t)
	for _, n := range []int{0, 1, partSize - 1, partSize, partSize + 1, 2 * partSize, 3*partSize + 12345} {
		content := random(t, n)
		object, err := s.Upload(t.Context(), s.Work("k"), "application/x-ndjson", io.MultiReader(bytes.NewReader(content)))
		require.NoError(t, err)
		requireContent(t, s, object, content)

		object, err = s.Upload(t.Context(), s.Work("seekable"), "application/x-ndjson", bytes.NewReader(content))
		require.NoError(t, err)
		requireContent(t, s, object, content)
	}
}

func TestUploadStartsWhereTheReaderStands(t *testing.T) {
	t.Parallel()
	s := setup(t)
	content := random(t, partSize+1000)
	path := filepath.Join(t.TempDir(), "f")
	require.NoError(t, os.WriteFile(path, content, 0o600))
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	_, err = f.Seek(500, io.SeekStart)
	require.NoError(t, err)
	object, err := s.Upload(t.Context(), s.Work("k"), "text/plain", f)
	require.NoError(t, err)
	requireContent(t, s, object, content[500:])
}

func requireContent(t *testing.T, s *Store, object Object, content []byte) {
	t.Helper()
	require.EqualValues(t, len(content), object.Size)
	r, err := s.Open(t.Context(), object.Location, object.ETag)
	require.NoError(t, err)
	defer r.Close()
	got, err := io.ReadAll(r)
	require.NoError(t, err)
	require.True(t, bytes.Equal(content, got))
	head, err := s.client.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: &object.Location.Bucket, Key: &object.Location.Key})
	require.NoError(t, err)
	require.Contains(t, []string{"application/x-ndjson", "text/plain"}, *head.ContentType)
}

func TestAFailedReaderLeavesNothing(t *testing.T) {
	t.Parallel()
	broken := errors.New("the disk is gone")
	for name, n := range map[string]int{"first part": 100, "later part": 3*partSize + 100} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := setup(t)
			r := io.MultiReader(bytes.NewReader(random(t, n)), iotest.ErrReader(broken))
			_, err := s.Upload(t.Context(), s.Work("k"), "text/plain", r)
			require.ErrorIs(t, err, broken)
			_, isFault := fault.As(err)
			require.False(t, isFault)
			requireNothing(t, s)
		})
	}
}

// cancelling gives bytes without end and cancels after some.
type cancelling struct {
	left   int
	cancel context.CancelFunc
}

func (c *cancelling) Read(p []byte) (int, error) {
	if c.left -= len(p); c.left < 0 {
		c.cancel()
	}
	return len(p), nil
}

func TestACancelledUploadLeavesNothing(t *testing.T) {
	t.Parallel()
	s := setup(t)
	for _, after := range []int{0, partSize, 2*partSize + 1, 4 * partSize, 5*partSize - 1} {
		ctx, cancel := context.WithCancel(t.Context())
		_, err := s.Upload(ctx, s.Work("k"), "text/plain", &cancelling{left: after, cancel: cancel})
		require.ErrorIs(t, err, context.Canceled)
		requireNothing(t, s)
	}
}

func TestARefusedUploadIsAFault(t *testing.T) {
	t.Parallel()
	s := setup(t)
	missing := Location{"not-there", "k"}
	for _, n := range []int{10, 3 * partSize} {
		_, err := s.Upload(t.Context(), missing, "text/plain", bytes.NewReader(make([]byte, n)))
		requireFault(t, err, fault.CodeFileNotFound, fault.Final)
	}
}

func TestWriterShowsTheObjectOnCloseOnly(t *testing.T) {
	t.Parallel()
	s := setup(t)
	content := random(t, 2*partSize+99)
	w := s.Create(t.Context(), s.Work("k"), "text/plain")
	n, err := io.Copy(w, bytes.NewReader(content))
	require.NoError(t, err)
	require.EqualValues(t, len(content), n)
	_, err = s.Head(t.Context(), s.Work("k"))
	requireFault(t, err, fault.CodeFileNotFound, fault.Final)

	require.NoError(t, w.Close())

	requireContent(t, s, w.Object(), content)
	w.Abort() // too late, and harmless
	require.NoError(t, w.Close())
	_, err = s.Head(t.Context(), s.Work("k"))
	require.NoError(t, err)
	_, err = w.Write([]byte("more"))
	require.ErrorIs(t, err, io.ErrClosedPipe)
}

func TestWriterAbortLeavesNothing(t *testing.T) {
	t.Parallel()
	s := setup(t)
	for _, n := range []int{0, 10, 3*partSize + 5} {
		w := s.Create(t.Context(), s.Work("k"), "text/plain")
		_, err := w.Write(make([]byte, n))
		require.NoError(t, err)
		w.Abort()
		require.ErrorIs(t, w.Close(), errAborted)
		requireNothing(t, s)
	}
}

func TestWriterEndsWithItsContext(t *testing.T) {
	t.Parallel()
	s := setup(t)
	ctx, cancel := context.WithCancel(t.Context())
	w := s.Create(ctx, s.Work("k"), "text/plain")
	_, err := w.Write(make([]byte, partSize+5))
	require.NoError(t, err)
	cancel() // the upload waits for more bytes then
	<-w.done
	_, err = w.Write([]byte("x"))
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, w.Close(), context.Canceled)
	requireNothing(t, s)
}

func TestWriterTellsOfARefusal(t *testing.T) {
	t.Parallel()
	s := setup(t)
	w := s.Create(t.Context(), Location{"not-there", "k"}, "text/plain")
	_, err := io.Copy(w, bytes.NewReader(make([]byte, 4*partSize)))
	requireFault(t, err, fault.CodeFileNotFound, fault.Final)
	requireFault(t, w.Close(), fault.CodeFileNotFound, fault.Final)
}
