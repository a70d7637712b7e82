package integration

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/objectstore"
)

// barrier is a way to the S3 server on which the first request of a kind is held
// up until the barrier opens.
type barrier struct {
	s       *stack
	url     string
	reached chan struct{} // closed once the request is there
	opened  chan struct{}
	first   sync.Once
	release func()
}

// newBarrier holds up the first request with this method whose path ends so.
func (s *stack) newBarrier(method, end string) *barrier {
	s.t.Helper()
	behind, err := url.Parse(shared.s3.Endpoint)
	require.NoError(s.t, err)
	b := &barrier{s: s, reached: make(chan struct{}), opened: make(chan struct{})}
	proxy := &httputil.ReverseProxy{
		// The signature covers the host that was asked.
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(behind); r.Out.Host = r.In.Host },
		Transport: &http.Transport{DisableCompression: true},
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) {
			panic(http.ErrAbortHandler) // the connection is cut, and nothing logged
		},
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == method && strings.HasSuffix(r.URL.Path, end) {
			b.first.Do(func() {
				close(b.reached)
				<-b.opened
			})
		}
		proxy.ServeHTTP(w, r)
	}))
	b.url, b.release = server.URL, sync.OnceFunc(func() { close(b.opened) })
	s.t.Cleanup(server.Close)
	s.t.Cleanup(b.release)
	return b
}

// options are those of a store behind the barrier.
func (b *barrier) options() objectstore.Options {
	o := storeOptions(b.s.bucket)
	o.Endpoint = b.url
	return o
}

// await waits until the request is there.
func (b *barrier) await() {
	b.s.t.Helper()
	select {
	case <-b.reached:
	case <-b.s.ctx.Done():
		b.s.t.Fatalf("nothing came to the barrier; last seen: %s", b.s.last())
	}
}

// startWorkerBehind starts a worker in this process whose store is behind a
// barrier.
func (s *stack) startWorkerBehind(b *barrier) {
	s.t.Helper()
	store, err := objectstore.New(s.ctx, b.options())
	require.NoError(s.t, err)
	w, err := newWorker(s.client, s.queue, store, s.target, s.settings)
	require.NoError(s.t, err)
	require.NoError(s.t, w.Start())
	s.worker = w
}
