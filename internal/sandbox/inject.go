package sandbox

import (
	"bytes"
	"maps"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/f0a90b9a/ferry/internal/fault"
)

// dice are the chances of the faults.
type dice struct {
	mu sync.Mutex
	r  *rand.Rand
}

func (d *dice) seed(seed uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.r = rand.New(rand.NewPCG(seed, seed))
}

func (d *dice) hit(rate float64) bool {
	if rate <= 0 {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.r.Float64() < rate
}

// inject answers a call wrongly where a fault is on, and else passes it on.
func (s *Server) inject(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f := s.faults.Load()
		if !wait(r, f.LatencyMs) {
			return
		}
		switch {
		case f.Unauthorized:
			writeRefusal(w, refuse(fault.CodeUnauthorized, "the credentials are refused"))
		case f.Outage:
			f.trouble(w, http.StatusServiceUnavailable, fault.CodeServiceUnavailable)
		case s.refuseByRule(f, w, r):
		case s.dice.hit(f.ErrorRate):
			f.trouble(w, http.StatusInternalServerError, fault.CodeInternalError)
		case s.dice.hit(f.ThrottleRate):
			f.trouble(w, http.StatusTooManyRequests, fault.CodeTooManyRequests)
		case s.serveUnderWay(f, w, r, next):
		case f.LostAnswerRate > 0 || len(f.HoldAnswers) > 0 || len(f.WriteAnswers) > 0:
			s.keepBack(f, w, r, next)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// wait holds a call back; false if its caller has gone.
func wait(r *http.Request, ms int) bool {
	if ms == 0 {
		return true
	}
	timer := time.NewTimer(time.Duration(ms) * time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
		return false
	}
}

// faultMessage is the responseMessage of what is refused on purpose.
const faultMessage = "this answer is a fault of the sandbox"

// trouble answers as a server, or a gateway before it, that can't do its work.
func (f *Faults) trouble(w http.ResponseWriter, status int, code string) {
	if wait := f.retryAfter(); wait != "" && code != fault.CodeInternalError {
		w.Header().Set("Retry-After", wait)
	}
	if f.HTML {
		writePage(w, status)
		return
	}
	writeRefusal(w, refuse(code, faultMessage))
}

func (f *Faults) retryAfter() string {
	if f.RetryAfterText == "" && f.RetryAfterSeconds > 0 {
		return strconv.Itoa(f.RetryAfterSeconds)
	}
	return f.RetryAfterText
}

// keepBack serves a call and, if it was a write that was done, may hold its
// answer, spoil it or, if chance wills it, cut the connection instead of
// answering. A write whose answer is given instead of doing it isn't served.
func (s *Server) keepBack(f *Faults, w http.ResponseWriter, r *http.Request, next http.Handler) {
	kept := &keptAnswer{header: http.Header{}, status: http.StatusOK}
	spoilt := s.spoilt(f, r)
	if spoilt == nil || !spoilt.Instead {
		next.ServeHTTP(kept, r)
	}
	if kind := callOf(r).kind; kind.write() && kept.status < 300 {
		if !s.awaitRelease(r, kind) || s.dice.hit(f.LostAnswerRate) {
			panic(http.ErrAbortHandler) // the server's own word for "cut it"
		}
		if spoilt != nil {
			spoilt.spoil(kept)
		}
	}
	kept.send(w)
}

// awaitRelease waits until answers of a kind aren't held any more; false if
// the caller has gone.
func (s *Server) awaitRelease(r *http.Request, k kind) bool {
	for {
		// The channel first: a change after it is seen closes it.
		changed := *s.changed.Load()
		if !s.faults.Load().holds(k) {
			return true
		}
		select {
		case <-changed:
		case <-r.Context().Done():
			return false
		}
	}
}

// keptAnswer is an answer that may yet be lost.
type keptAnswer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (k *keptAnswer) Header() http.Header         { return k.header }
func (k *keptAnswer) WriteHeader(status int)      { k.status = status }
func (k *keptAnswer) Write(p []byte) (int, error) { return k.body.Write(p) }

func (k *keptAnswer) send(w http.ResponseWriter) {
	maps.Copy(w.Header(), k.header)
	w.WriteHeader(k.status)
	_, _ = w.Write(k.body.Bytes())
}
