package objectstore

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/fault"
)

// wire is a proxy between a store's client and the server that harms what
// comes back.
type wire struct {
	listener    net.Listener
	target      string
	passes      int64 // bytes of each connection that get through
	silent      bool  // afterwards: say nothing instead of cutting
	connections atomic.Int32
	open        sync.Map
}

// harm puts a wire before the server, to the same work bucket. A silent wire is silent once only, on
// its first connection.
func harm(t *testing.T, direct *Store, passes int64, silent bool) (*wire, Options) {
	t.Helper()
	o := optionsOf(t, server)
	o.WorkBucket = direct.WorkBucket()
	target, err := url.Parse(server.Endpoint)
	require.NoError(t, err)
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	require.NoError(t, err)
	w := &wire{listener: l, target: target.Host, passes: passes, silent: silent}
	var all sync.WaitGroup
	all.Go(func() { w.accept(&all) })
	t.Cleanup(func() {
		_ = l.Close()
		w.open.Range(func(c, _ any) bool { _ = c.(net.Conn).Close(); return true })
		all.Wait()
	})
	o.Endpoint = "http://" + l.Addr().String()
	return w, o
}

func (w *wire) accept(all *sync.WaitGroup) {
	for {
		client, err := w.listener.Accept()
		if err != nil {
			return
		}
		n := w.connections.Add(1)
		upstream, err := net.Dial("tcp4", w.target)
		if err != nil {
			_ = client.Close()
			continue
		}
		w.open.Store(client, nil)
		w.open.Store(upstream, nil)
		all.Go(func() { _, _ = io.Copy(upstream, client); _ = upstream.Close() })
		all.Go(func() {
			if w.silent && n > 1 {
				_, _ = io.Copy(client, upstream)
			} else {
				_, _ = io.CopyN(client, upstream, w.passes)
			}
			if !w.silent || n > 1 {
				_ = client.Close()
			}
		})
	}
}

func random(t *testing.T, n int) []byte {
	t.Helper()
	b := make([]byte, n)
	_, err := rand.Read(b)
	require.NoError(t, err)
	return b
}

func TestOpenResumesACutRead(t *testing.T) {
	t.Parallel()
	content := random(t, 3<<20)
	direct := setup(t)
	wire, o := harm(t, direct, 400<<10, false)
	require.NoError(t, direct.Put(t.Context(), direct.Work("k"), content, "text/plain"))
	s := newStore(t, o)
	object, err := direct.Head(t.Context(), direct.Work("k"))
	require.NoError(t, err)

	r, err := s.Open(t.Context(), s.Work("k"), object.ETag)
	require.NoError(t, err)
	got, err := io.ReadAll(r)

	require.NoError(t, err)
	require.NoError(t, r.Close())
	require.True(t, bytes.Equal(content, got))
	require.GreaterOrEqual(t, wire.connections.Load(), int32(7))

	part, err := s.ReadRange(t.Context(), s.Work("k"), 1<<20, 1<<20)
	require.NoError(t, err)
	require.True(t, bytes.Equal(content[1<<20:2<<20], part))
}

func TestOpenResumesASilentRead(t *testing.T) {
	t.Parallel()
	content := random(t, 1<<20)
	direct := setup(t)
	wire, o := harm(t, direct, 100<<10, true)
	o.IdleTimeout = 300 * time.Millisecond
	require.NoError(t, direct.Put(t.Context(), direct.Work("k"), content, "text/plain"))
	s := newStore(t, o)

	r, err := s.Open(t.Context(), s.Work("k"), "")
	require.NoError(t, err)
	defer r.Close()
	got, err := io.ReadAll(r)

	require.NoError(t, err)
	require.True(t, bytes.Equal(content, got))
	require.GreaterOrEqual(t, wire.connections.Load(), int32(2))
}

func TestAReplacedObjectEndsTheRead(t *testing.T) {
	t.Parallel()
	direct := setup(t)
	_, o := harm(t, direct, 100<<10, false)
	require.NoError(t, direct.Put(t.Context(), direct.Work("k"), random(t, 1<<20), "text/plain"))
	s := newStore(t, o)
	r, err := s.Open(t.Context(), s.Work("k"), "") // holds to the first answer's ETag
	require.NoError(t, err)
	defer r.Close()
	require.NoError(t, direct.Put(t.Context(), direct.Work("k"), random(t, 1<<20), "text/plain"))

	_, err = io.ReadAll(r)
	requireFault(t, err, fault.CodeFileChanged, fault.Final)
	_, again := r.Read(make([]byte, 1))
	require.Equal(t, err, again)

	_, err = s.Open(t.Context(), s.Work("k"), `"an-older-etag"`)
	requireFault(t, err, fault.CodeFileChanged, fault.Final)
}

func TestOpenGivesUpWithoutProgress(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	s := fakeStore(t, func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		from := rangeStart(r)
		w.Header().Set("Content-Length", strconv.Itoa(1000-from))
		if from > 0 {
			w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-999/1000", from))
			w.WriteHeader(http.StatusPartialContent)
		} else {
			_, _ = w.Write(make([]byte, 10))
		}
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler) // cuts the connection
	})
	r, err := s.Open(t.Context(), s.Work("k"), "")
	require.NoError(t, err)
	defer r.Close()

	got, err := io.ReadAll(r)

	require.Len(t, got, 10)
	requireFault(t, err, fault.CodeStoreFault, fault.Retryable)
	require.EqualValues(t, 1+barrenTries-1, calls.Load())
}

func rangeStart(r *http.Request) int {
	var from int
	_, _ = fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &from)
	return from
}

// A store that ignores Range would give the head of the object for its middle.
func TestAnIgnoredRangeIsNoticed(t *testing.T) {
	t.Parallel()
	s := fakeStore(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 100)) })
	_, err := s.ReadRange(t.Context(), s.Work("k"), 50, 50)
	requireFault(t, err, fault.CodeStoreFault, fault.Final)
	require.ErrorContains(t, err, "ignores ranged reads")
}

func TestReadsEndWithTheirContext(t *testing.T) {
	t.Parallel()
	s := setup(t)
	require.NoError(t, s.Put(t.Context(), s.Work("k"), random(t, 4<<20), "text/plain"))
	ctx, cancel := context.WithCancel(t.Context())
	r, err := s.Open(ctx, s.Work("k"), "")
	require.NoError(t, err)
	defer r.Close()
	_, err = io.ReadFull(r, make([]byte, 1000))
	require.NoError(t, err)
	cancel()
	_, err = io.Copy(io.Discard, r)
	require.ErrorIs(t, err, context.Canceled)
}

func TestReadRange(t *testing.T) {
	t.Parallel()
	s := setup(t)
	content := random(t, 1000)
	require.NoError(t, s.Put(t.Context(), s.Work("k"), content, "text/plain"))
	for _, c := range [][2]int64{{0, 1000}, {0, 1}, {999, 1}, {123, 456}, {500, 0}} {
		got, err := s.ReadRange(t.Context(), s.Work("k"), c[0], c[1])
		require.NoError(t, err)
		require.Equal(t, content[c[0]:c[0]+c[1]], got)
	}
	for _, c := range [][2]int64{{0, 1001}, {999, 2}, {1000, 1}, {5000, 10}} {
		_, err := s.ReadRange(t.Context(), s.Work("k"), c[0], c[1])
		requireFault(t, err, fault.CodeFileChanged, fault.Final)
	}
	_, err := s.ReadRange(t.Context(), s.Work("k"), -1, 10)
	require.ErrorContains(t, err, "no such range")
	_, err = s.ReadRange(t.Context(), s.Work("missing"), 0, 10)
	requireFault(t, err, fault.CodeFileNotFound, fault.Final)
}

func TestReadHasALimit(t *testing.T) {
	t.Parallel()
	s := setup(t)
	for _, n := range []int{0, 1, 100} {
		loc := s.Work(strconv.Itoa(n))
		content := random(t, n)
		require.NoError(t, s.Put(t.Context(), loc, content, "text/plain"))
		got, etag, err := s.Read(t.Context(), loc, int64(n))
		require.NoError(t, err)
		require.Equal(t, content, got)
		head, err := s.Head(t.Context(), loc)
		require.NoError(t, err)
		require.Equal(t, head.ETag, etag)
		require.EqualValues(t, n, head.Size)
		require.False(t, head.LastModified.IsZero())
	}
	_, _, err := s.Read(t.Context(), s.Work("100"), 99)
	requireFault(t, err, fault.CodeStoreFault, fault.Final)
	require.ErrorContains(t, err, "it has 100 bytes and may have 99")
}

func TestOpenOfAnEmptyObject(t *testing.T) {
	t.Parallel()
	s := setup(t)
	require.NoError(t, s.Put(t.Context(), s.Work("k"), nil, "text/plain"))
	r, err := s.Open(t.Context(), s.Work("k"), "")
	require.NoError(t, err)
	got, err := io.ReadAll(r)
	require.NoError(t, err)
	require.Empty(t, got)
	require.NoError(t, r.Close())
	_, err = r.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF)
}
