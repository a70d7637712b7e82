package integration

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/f0a90b9a/ferry/internal/objectstore"
)

// gate stands before a server and stops the calls that a test has chosen, so
// that a workflow is caught in the middle of one.
type gate struct {
	next http.Handler

	mu    sync.Mutex
	stops []*stop
}

// stop is what happens to the calls that it matches, until it is lifted.
type stop struct {
	match  func(*http.Request) bool
	answer http.HandlerFunc // given instead of the server's; nil: hold the call
	after  bool             // hold the answer, not the call

	came   chan struct{} // closed with the first call
	served chan struct{} // closed when the server has served one
	lifted chan struct{}
	once   struct{ came, served, lifted sync.Once }
}

func (g *gate) add(s *stop) *stop {
	s.came, s.served, s.lifted = make(chan struct{}), make(chan struct{}), make(chan struct{})
	g.mu.Lock()
	defer g.mu.Unlock()
	g.stops = append(g.stops, s)
	return s
}

// hold keeps calls from the server.
func (g *gate) hold(match func(*http.Request) bool) *stop { return g.add(&stop{match: match}) }

// holdAnswer lets the server do calls and keeps its answers.
func (g *gate) holdAnswer(match func(*http.Request) bool) *stop {
	return g.add(&stop{match: match, after: true})
}

// refuse answers calls in the server's place.
func (g *gate) refuse(match func(*http.Request) bool, answer http.HandlerFunc) *stop {
	return g.add(&stop{match: match, answer: answer})
}

// lift lets calls pass, those that are held too.
func (s *stop) lift() { s.once.lifted.Do(func() { close(s.lifted) }) }

// caught waits until a call has come.
func (s *stop) caught(t *testing.T) { t.Helper(); await(t, s.came, "the call never came") }

// done waits until the server has served a call.
func (s *stop) done(t *testing.T) { t.Helper(); await(t, s.served, "the call was never served") }

func await(t *testing.T, c <-chan struct{}, otherwise string) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(longWait):
		require.Fail(t, otherwise)
	}
}

func (g *gate) find(r *http.Request) *stop {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, s := range g.stops {
		select {
		case <-s.lifted:
		default:
			if s.match(r) {
				return s
			}
		}
	}
	return nil
}

// ServeHTTP holds, refuses or passes a call on. What is held gets to the server
// also if its caller has given up meanwhile, as from a network that is slow.
func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s := g.find(r)
	if s == nil {
		g.next.ServeHTTP(w, r)
		return
	}
	s.once.came.Do(func() { close(s.came) })
	if s.answer != nil {
		s.answer(w, r)
		return
	}
	if !s.after {
		<-s.lifted
	}
	held := &answerHeld{ResponseWriter: w}
	g.next.ServeHTTP(held, r.WithContext(context.WithoutCancel(r.Context())))
	s.once.served.Do(func() { close(s.served) })
	<-s.lifted
	held.send()
}

// answerHeld keeps an answer until it is sent.
type answerHeld struct {
	http.ResponseWriter

	status int
	body   bytes.Buffer
}

func (a *answerHeld) WriteHeader(status int)      { a.status = status }
func (a *answerHeld) Write(b []byte) (int, error) { return a.body.Write(b) }

func (a *answerHeld) send() {
	if a.status != 0 {
		a.ResponseWriter.WriteHeader(a.status)
	}
	_, _ = a.ResponseWriter.Write(a.body.Bytes())
}

// gates are a stack's: all that the worker says to the target and to the S3
// server goes through them.
type gates struct{ target, store *gate }

// gated gives a test a stack whose worker calls through gates.
func gated(t *testing.T, settings ...func(*stack)) (*stack, gates) {
	t.Helper()
	s := newStack(t)
	for _, set := range settings {
		set(s)
	}
	g := gates{target: &gate{next: s.books.Handler()}, store: &gate{next: proxy(t, shared.s3.Endpoint)}}
	s.target = serve(t, g.target)
	direct := s.store
	options := storeOptions(s.bucket)
	options.Endpoint = serve(t, g.store)
	through, err := objectstore.New(s.ctx, options)
	require.NoError(t, err)
	s.store = through
	s.startWorker()
	s.store = direct
	return s, g
}

// serve answers on a port of its own until the test ends.
func serve(t *testing.T, h http.Handler) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	return "http://" + listener.Addr().String()
}

// proxy passes calls on as they are: their signature covers the host.
func proxy(t *testing.T, endpoint string) http.Handler {
	t.Helper()
	to, err := url.Parse(endpoint)
	require.NoError(t, err)
	transport := &http.Transport{DisableCompression: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &httputil.ReverseProxy{
		Transport: transport,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to)
			r.Out.Host = r.In.Host
		},
		// The server is away: so is its face.
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
}

// calls matches a method, or any, and the beginning of a path.
func calls(method, path string) func(*http.Request) bool {
	return func(r *http.Request) bool {
		return (method == "" || r.Method == method) && strings.HasPrefix(r.URL.Path, path)
	}
}

// about matches calls whose body has a text.
func about(match func(*http.Request) bool, text string) func(*http.Request) bool {
	return func(r *http.Request) bool {
		if !match(r) {
			return false
		}
		body, err := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		return err == nil && bytes.Contains(body, []byte(text))
	}
}

// later answers a status with a Retry-After of ten minutes: 429 says that
// nothing was done, 500 leaves it open.
func later(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "600")
		w.WriteHeader(status)
	}
}

// reset starts a workflow's run again at its first task, as the button of the
// Temporal UI does.
func (s *stack) reset(id string) {
	s.t.Helper()
	events := s.history(id)
	at := slices.IndexFunc(events, func(e *history.HistoryEvent) bool {
		return e.GetEventType() == enums.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED
	})
	require.GreaterOrEqual(s.t, at, 0)
	_, err := s.client.ResetWorkflowExecution(s.ctx, &workflowservice.ResetWorkflowExecutionRequest{
		Namespace: "default", WorkflowExecution: &common.WorkflowExecution{WorkflowId: id}, Reason: "by hand",
		WorkflowTaskFinishEventId: events[at].GetEventId() + 1, RequestId: uuid.NewString(),
	})
	require.NoError(s.t, err)
}
