package sandbox

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/f0a90b9a/ferry/internal/fault"
)

// underWay are the writes whose callers were cut off and that are done later.
// Their identifiers are refused meanwhile, as by a target that works on a
// request still when it comes again.
type underWay struct {
	mu      sync.Mutex
	known   map[string]bool
	running sync.WaitGroup
	closing chan struct{}
}

// begin notes an identifier; false if it is under way already.
func (u *underWay) begin(request string) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.known[request] {
		return false
	}
	if u.known == nil {
		u.known = make(map[string]bool)
	}
	u.known[request] = true
	u.running.Add(1)
	return true
}

func (u *underWay) has(request string) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.known[request]
}

func (u *underWay) end(request string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.known, request)
	u.running.Done()
}

// close has what is under way done at once, and waits for it.
func (u *underWay) close() {
	close(u.closing)
	u.running.Wait()
}

// serveUnderWay cuts a write's caller off and does the write later, or refuses
// one that is under way; false if the call is to be served as any other.
func (s *Server) serveUnderWay(f *Faults, w http.ResponseWriter, r *http.Request, next http.Handler) bool {
	request := r.Header.Get("X-RequestIdentifier")
	if request == "" || !callOf(r).kind.write() {
		return false
	}
	if s.underWay.has(request) {
		writeRefusal(w, refuse(fault.CodeConflict, "a request with this identifier is under way"))
		return true
	}
	if !s.dice.hit(f.UnderWayRate) || !s.underWay.begin(request) {
		return false
	}
	later := r.WithContext(context.WithoutCancel(r.Context()))
	go func() {
		defer s.underWay.end(request)
		timer := time.NewTimer(time.Duration(f.UnderWayMs) * time.Millisecond)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-s.underWay.closing:
		}
		next.ServeHTTP(&keptAnswer{header: http.Header{}}, later)
	}()
	panic(http.ErrAbortHandler) // the server's own word for "cut it"
}
