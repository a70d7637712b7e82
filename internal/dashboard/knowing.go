package dashboard

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/f0a90b9a/ferry/internal/operator"
)

// refusalEvery is the step of the times that a refusal takes: whether the
// looks before it took a little more or less can't be measured.
const refusalEvery = 250 * time.Millisecond

// mayKnow reports whether the reader may know of a migration, before anything
// else of it is fetched; if not, the request is answered. Those who see all
// routes may know of any. For others the same is asked whether or not there is
// such a migration, and the refusal takes as long: else they could find out
// what others migrate, and when.
func (s *Server) mayKnow(w http.ResponseWriter, r *http.Request, id string) bool {
	u := userOf(r)
	if u.all() {
		return true
	}
	if route, ok := s.lately.route(id); ok && u.Sees(route) {
		return true
	}
	begun := s.clock.now()
	ctx, cancel := context.WithTimeout(r.Context(), callTimeout)
	defer cancel()
	route, err := s.routeOf(ctx, id)
	if u.Sees(route) {
		s.lately.see(id, route)
		return true
	}
	s.clock.wait(r.Context(), untilStep(s.clock.now().Sub(begun), refusalEvery))
	if err != nil {
		// Whatever the other of the two says, it would be said of nothing, too.
		s.log.Warn("Whose a migration is could not be asked.", "error", err.Error())
		s.complain(w, r, http.StatusServiceUnavailable, complaint{"No answer", "Temporal or the store did not answer. Try again in a while."})
		return false
	}
	s.nothing(w, r)
	return false
}

// routeOf asks Temporal and the bucket whose a migration is; empty if neither
// knows.
func (s *Server) routeOf(ctx context.Context, id string) (string, error) {
	var run operator.Run
	var claimed claim
	var runErr, claimErr error
	var both sync.WaitGroup
	both.Go(func() { run, runErr = s.engine.Describe(ctx, id) })
	both.Go(func() { claimed, _, claimErr = s.past.claim(ctx, id) })
	both.Wait()
	if errors.Is(runErr, operator.ErrUnknown) {
		runErr = nil
	}
	if run.Route != "" {
		return run.Route, errors.Join(runErr, claimErr)
	}
	return claimed.Route, errors.Join(runErr, claimErr)
}

// untilStep is how long it is from a moment after the beginning to the next
// step.
func untilStep(passed, step time.Duration) time.Duration { return step - passed%step }

const (
	// seenFor is how long a migration that was shown is known to be of its route.
	seenFor = time.Minute
	// maxSeen bounds those that are remembered.
	maxSeen = 1_000
)

// lately remembers whose the migrations are that were shown, so that many pages
// on one don't ask as often. A refusal doesn't look at it.
type lately struct {
	now func() time.Time

	mu   sync.Mutex
	seen map[string]seenRoute
}

type seenRoute struct {
	route string
	at    time.Time
}

func (l *lately) route(id string) (string, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s, ok := l.seen[id]
	return s.route, ok && l.now().Sub(s.at) < seenFor
}

func (l *lately) see(id, route string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.seen == nil || len(l.seen) >= maxSeen {
		l.seen = map[string]seenRoute{}
	}
	l.seen[id] = seenRoute{route, l.now()}
}

// clock is the machine's, or a test's.
type clock struct {
	now  func() time.Time
	wait func(ctx context.Context, d time.Duration)
}

func machineClock() clock { return clock{time.Now, waitFor} }

func waitFor(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
