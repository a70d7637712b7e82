package chaos

import (
	"context"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
)

// storeGate stands before the S3 server, sees every request, and does to it
// what the director says.
type storeGate struct {
	proxy *httputil.ReverseProxy
	scene atomic.Pointer[storeScene]
}

// storeScene is what one run puts behind the gate.
type storeScene struct {
	director *director
	kill     func()
	source   string // path of the file that is migrated
}

// newStoreGate passes on to an S3 endpoint. The Host stays the client's,
// because its signature covers it.
func newStoreGate(endpoint string) (*storeGate, error) {
	to, err := url.Parse(endpoint)
	if err != nil {
		return nil, err
	}
	g := &storeGate{}
	g.proxy = &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host = to.Scheme, to.Host
			r.Out.Host = r.In.Host
		},
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) {
			if scene := g.scene.Load(); scene != nil {
				scene.director.storeRefused()
			}
			panic(http.ErrAbortHandler)
		},
	}
	return g, nil
}

// ServeHTTP passes a request on, unless it is one that goes wrong.
func (g *storeGate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	scene := g.scene.Load()
	if scene == nil {
		g.proxy.ServeHTTP(w, r)
		return
	}
	//nolint:contextcheck // a fault outlives the request that it begins at
	switch t := scene.director.stored(scene.object(r)); t.kind {
	case StoreErrors:
		_, _ = io.Copy(io.Discard, r.Body)
		busy(w)
	case StoreLost:
		g.do(r)
		panic(http.ErrAbortHandler)
	case WorkerKilledInStore:
		g.do(r)
		scene.kill()
		panic(http.ErrAbortHandler)
	case StoreStopped:
		panic(http.ErrAbortHandler)
	default:
		g.proxy.ServeHTTP(w, r)
	}
}

// do has a request done and keeps the answer.
func (g *storeGate) do(r *http.Request) {
	held := &heldAnswer{header: http.Header{}, status: http.StatusOK}
	g.proxy.ServeHTTP(held, r.WithContext(withoutEnd(r.Context())))
}

// object names what a request is about, as schedules do.
func (s *storeScene) object(r *http.Request) string {
	method := r.Method
	if method == http.MethodPost {
		method = http.MethodPut // a part of an upload
	}
	_, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	switch {
	case r.URL.Path == s.source:
		return method + " source"
	case strings.HasPrefix(key, "migrations/"):
		_, name, _ := strings.Cut(strings.TrimPrefix(key, "migrations/"), "/")
		return method + " " + name
	}
	return method + " " + key
}

// busy is S3's own word for it.
func busy(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(http.StatusServiceUnavailable)
	_, _ = io.WriteString(w, `<?xml version="1.0" encoding="UTF-8"?>`+
		`<Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message></Error>`)
}

// withoutEnd keeps a call going when its client has gone: what was begun is
// done.
func withoutEnd(ctx context.Context) context.Context { return context.WithoutCancel(ctx) }
