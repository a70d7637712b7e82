package dashboard

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Options are what a dashboard is made of.
type Options struct {
	Engine     Engine
	Store      Store
	Access     Access
	PublicURL  string // as browsers see it; empty: as they ask for it
	TemporalUI string // base address for links; empty: none
	Namespace  string // of Temporal, for those links
	DefaultBy  string // proposed as who asks, where nobody signs in
	MaxUpload  int64  // bytes of one file
	Log        *slog.Logger
	Now        func() time.Time // nil: the machine's clock
}

// Server answers the dashboard's requests. It needs a Close.
type Server struct {
	engine     Engine
	store      Store
	past       *past
	hub        *hub
	views      *views
	fence      *fence
	log        *slog.Logger
	now        func() time.Time
	clock      clock // for how long refusals take
	lately     *lately
	temporalUI string
	namespace  string
	defaultBy  string
	maxUpload  int64

	ctx     context.Context // until Close
	stop    context.CancelFunc
	streams sync.WaitGroup
	open    shares // streams
	uploads shares
}

// New makes a server, whose streams and polling end with ctx at the latest.
// The error is one of the access rules or the public URL.
func New(ctx context.Context, o Options) (*Server, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	door, err := newDoorkeeper(o.Access, o.Now, o.Log)
	if err != nil {
		return nil, err
	}
	fence, err := newFence(door, o.PublicURL)
	if err != nil {
		return nil, err
	}
	views, err := newViews()
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(ctx)
	s := &Server{
		engine: o.Engine, store: o.Store, past: newPast(o.Store), views: views, fence: fence, log: o.Log, now: o.Now, clock: machineClock(), lately: &lately{now: o.Now},
		temporalUI: strings.TrimRight(o.TemporalUI, "/"), namespace: o.Namespace, defaultBy: o.DefaultBy, maxUpload: o.MaxUpload,
		ctx: ctx, stop: stop,
		open:    shares{what: "pages open", total: maxStreams, each: streamsEach, again: streamsAgain},
		uploads: shares{what: "files on their way", total: maxUploads, each: uploadsEach, again: uploadsAgain},
	}
	list := newLister(o.Engine, s.past, o.Now)
	s.hub = newHub(ctx, func(id string) polling {
		return (&watcher{engine: o.Engine, past: s.past, id: id, now: o.Now}).poll
	}, list.poll)
	return s, nil
}

// Close ends all event streams and everything that is polled.
func (s *Server) Close() {
	s.stop()
	s.streams.Wait()
}

// Handler answers everything. Health and assets are for everybody.
func (s *Server) Handler() http.Handler {
	inner := http.NewServeMux()
	inner.HandleFunc("GET /{$}", brisk(s.showList))
	inner.HandleFunc("GET /events", s.streamList)
	inner.HandleFunc("GET /start", brisk(s.showStart))
	inner.HandleFunc("POST /start", s.start)
	inner.HandleFunc("GET /migrations/{id}", brisk(s.showMigration))
	inner.HandleFunc("GET /migrations/{id}/events", s.streamMigration)
	inner.HandleFunc("GET /migrations/{id}/record", brisk(s.showRecord))
	inner.HandleFunc("GET /migrations/{id}/files/{name...}", s.download)
	inner.HandleFunc("GET /migrations/{id}/outcomes", brisk(s.showOutcomes))
	inner.HandleFunc("GET /migrations/{id}/do/{action}", brisk(s.showAction))
	inner.HandleFunc("POST /migrations/{id}/do/{action}", brisk(s.act))
	inner.HandleFunc("/", brisk(s.nothing))

	outer := http.NewServeMux()
	outer.HandleFunc("GET /livez", s.healthy)
	outer.HandleFunc("GET /readyz", s.healthy)
	outer.HandleFunc("GET /assets/{name}", s.asset)
	outer.Handle("/", s.fence.guard(inner))
	return timely(outer)
}

func (s *Server) healthy(w http.ResponseWriter, r *http.Request) {
	secure(w.Header(), r.TLS != nil)
	if s.ctx.Err() != nil {
		http.Error(w, "closing", http.StatusServiceUnavailable)
		return
	}
	_, _ = w.Write([]byte("ok\n"))
}

const (
	readIn   = time.Minute
	answerIn = 90 * time.Second
	maxForm  = 64 << 10 // bytes
)

// timely bounds how long requests and answers may take. A connection keeps its
// deadlines from one request to the next, so every request sets them; streams,
// downloads and uploads then set their own.
func timely(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctl := http.NewResponseController(w)
		// A writer that knows no deadlines is a test's.
		_ = ctl.SetReadDeadline(time.Now().Add(readIn))
		_ = ctl.SetWriteDeadline(time.Now().Add(answerIn))
		next.ServeHTTP(w, r)
	})
}

// brisk is for requests that have a small body.
func brisk(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		next(w, r)
	}
}

// variant is a kind of reader: those of one kind see the same page.
type variant struct{ steers, all bool }

func variantOf(u *User) variant { return variant{steers: u.Steers(), all: u.all()} }
