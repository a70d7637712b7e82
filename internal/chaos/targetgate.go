package chaos

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/f0a90b9a/ferry/internal/entitlement"
)

// maxBody bounds a call's body, in bytes.
const maxBody = 4 << 20

// goneLimit bounds the wait for a client that should give up.
const goneLimit = 20 * time.Second

// targetGate stands before the target, sees every call, and does to it what
// the director says.
type targetGate struct{ scene atomic.Pointer[targetScene] }

// targetScene is what one run puts behind the gate.
type targetScene struct {
	api      http.Handler
	ledger   *ledger
	director *director
	kill     func()
	// externalOf finds the external id of an entitlement.
	externalOf func(ctx context.Context, id string) string
}

// apiCall is a call of the API.
type apiCall struct {
	step    string // create, activate, suspend, resume, cancel, revoke, get, report, echo, route
	request string // its identifier
	// What a write is about: a create names the first, the others the second.
	external, id string
}

func (c apiCall) write() bool {
	switch c.step {
	case "get", "report", "echo", "route":
		return false
	}
	return true
}

func readCall(r *http.Request, body []byte) apiCall {
	var about struct {
		External string `json:"externalEntitlementId"`
		ID       string `json:"entitlementId"`
	}
	_ = json.Unmarshal(body, &about) // what it doesn't name, the path does
	c := apiCall{request: r.Header.Get("X-RequestIdentifier"), external: about.External, id: about.ID}
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/") // v1 entitlement …
	switch {
	case len(parts) > 1 && parts[1] != "entitlement":
		c.step = parts[1]
	case r.Method == http.MethodGet:
		c.step = "get"
	case r.Method == http.MethodPatch && bytes.Contains(body, []byte(`"NORMAL"`)):
		c.step = "resume"
	case r.Method == http.MethodPatch:
		c.step = "suspend"
	case len(parts) > 2:
		c.step = parts[2] // activate, cancel, revoke, report
		c.id = parts[len(parts)-1]
	default:
		c.step = "create"
	}
	return c
}

// ServeHTTP passes a call on, unless it is one that goes wrong.
func (g *targetGate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	scene := g.scene.Load()
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if scene == nil || err != nil {
		panic(http.ErrAbortHandler)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	call := readCall(r, body)
	switch t := scene.director.called(call); t.kind {
	case ErrorsBefore:
		t.refuse(w, http.StatusServiceUnavailable)
	case Throttled:
		t.refuse(w, http.StatusTooManyRequests)
	case CreatesUnderWay:
		if t.conflict {
			t.refuse(w, http.StatusConflict)
			return
		}
		scene.underWay(call, t, func() { scene.serve(call, r) })
		panic(http.ErrAbortHandler)
	case WritesLate:
		awaitGone(r)
		scene.serve(call, r)
		panic(http.ErrAbortHandler)
	default:
		held, t := scene.serve(call, r)
		scene.answer(t, held, w, r)
	}
}

// serve has a call served and its effect booked, whoever hangs up meanwhile.
func (s *targetScene) serve(call apiCall, r *http.Request) (*heldAnswer, treatment) {
	held := &heldAnswer{header: http.Header{}, status: http.StatusOK}
	s.api.ServeHTTP(held, r.WithContext(withoutEnd(r.Context())))
	if !call.write() || held.status >= http.StatusMultipleChoices {
		return held, treatment{}
	}
	var made struct {
		ExternalEntitlementID string `json:"externalEntitlementId"`
	}
	_ = json.Unmarshal(held.body.Bytes(), &made) // empty shows up in the audit
	if made.ExternalEntitlementID == "" {        // the answer is odd
		made.ExternalEntitlementID = call.external
		if call.id != "" && s.externalOf != nil {
			made.ExternalEntitlementID = s.externalOf(withoutEnd(r.Context()), call.id)
		}
	}
	step := entitlement.Step(call.step)
	if !s.ledger.success(call.request, effect{made.ExternalEntitlementID, step}) {
		return held, treatment{}
	}
	return held, s.director.wrote(step) //nolint:contextcheck // a fault outlives the call that it begins at
}

// answer lets an answer out, or not.
func (s *targetScene) answer(t treatment, held *heldAnswer, w http.ResponseWriter, r *http.Request) {
	switch t.kind {
	case WorkerKilledInStep:
		s.kill()
		panic(http.ErrAbortHandler)
	case AnswersLost:
		panic(http.ErrAbortHandler)
	case AnswersSlow:
		awaitGone(r)
		panic(http.ErrAbortHandler)
	case ErrorsAfter:
		t.refuse(w, http.StatusInternalServerError)
	default:
		held.send(w)
	}
}

// awaitGone waits until the client has given up.
func awaitGone(r *http.Request) {
	timer := time.NewTimer(goneLimit)
	defer timer.Stop()
	select {
	case <-r.Context().Done():
	case <-timer.C:
	}
}

// refuse answers as the API, or a gateway before it, does in trouble.
func (t treatment) refuse(w http.ResponseWriter, status int) {
	if status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", strconv.Itoa(t.retryAfter))
	}
	if t.html && status != http.StatusConflict {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(status)
		fmt.Fprintf(w, "<html><body><h1>%s</h1></body></html>\n", http.StatusText(status))
		return
	}
	message := "made to fail"
	if status == http.StatusConflict {
		message = "a request with this identifier is under way"
	}
	code := strings.ToUpper(strings.ReplaceAll(http.StatusText(status), " ", "_"))
	if status == http.StatusInternalServerError {
		code = "INTERNAL_ERROR"
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"responseCode":%q,"responseMessage":%q}`, code, message)
}

// heldAnswer is an answer that may yet be lost.
type heldAnswer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header gives the headers to be.
func (h *heldAnswer) Header() http.Header { return h.header }

// WriteHeader keeps the status.
func (h *heldAnswer) WriteHeader(status int) { h.status = status }

// Write keeps the body.
func (h *heldAnswer) Write(p []byte) (int, error) { return h.body.Write(p) }

func (h *heldAnswer) send(w http.ResponseWriter) {
	maps.Copy(w.Header(), h.header)
	w.WriteHeader(h.status)
	_, _ = w.Write(h.body.Bytes())
}
