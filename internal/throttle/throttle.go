// Package throttle keeps as many calls to a target in flight as it bears: the
// limit is raised slowly while calls succeed and halved when the target shows
// that it is overloaded. A target that comes back after an outage is so met by
// a few calls at first, not by all that have waited. Activities call it; it
// never looks at what a call says.
package throttle

import (
	"container/list"
	"context"
	"sync"
)

// Limiter bounds calls in flight. It is safe for concurrent use.
type Limiter struct {
	mu       sync.Mutex
	most     float64
	limit    float64
	inFlight int
	cuts     int       // how often the limit was halved
	waiting  list.List // of chan struct{}, first come first served
}

// New gives a limiter that begins with, and never exceeds, most calls in
// flight; most is at least 1.
func New(most int) *Limiter {
	m := float64(max(most, 1))
	return &Limiter{most: m, limit: m}
}

// Call is one call in flight. It must be ended once.
type Call struct {
	l    *Limiter
	cuts int
}

// Begin waits for a place. The error is the context's.
func (l *Limiter) Begin(ctx context.Context) (*Call, error) {
	l.mu.Lock()
	if l.waiting.Len() == 0 && l.free() {
		defer l.mu.Unlock()
		return l.begin(), nil
	}
	turn := make(chan struct{})
	place := l.waiting.PushBack(turn)
	l.mu.Unlock()
	select {
	case <-turn:
		l.mu.Lock()
		defer l.mu.Unlock()
		return &Call{l: l, cuts: l.cuts}, nil
	case <-ctx.Done():
		l.leave(place, turn)
		return nil, ctx.Err()
	}
}

func (l *Limiter) free() bool { return l.inFlight < int(l.limit) }

func (l *Limiter) begin() *Call {
	l.inFlight++
	return &Call{l: l, cuts: l.cuts}
}

// leave gives a place in the queue up, or the place in flight that was handed
// over in the same moment.
func (l *Limiter) leave(place *list.Element, turn chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-turn:
		l.inFlight--
	default:
		l.waiting.Remove(place)
	}
	l.admit()
}

// admit hands free places to those who wait.
func (l *Limiter) admit() {
	for l.free() && l.waiting.Len() > 0 {
		l.inFlight++
		close(l.waiting.Remove(l.waiting.Front()).(chan struct{}))
	}
}

// End gives the place back. Overloaded halves the limit, unless that was done
// since the call began: calls that were in flight together tell one and the
// same trouble. Otherwise the limit grows by one place for as many calls as it
// allows at once.
func (c *Call) End(overloaded bool) {
	l := c.l
	l.mu.Lock()
	defer l.mu.Unlock()
	l.inFlight--
	switch {
	case !overloaded:
		l.limit = min(l.limit+1/l.limit, l.most)
	case c.cuts == l.cuts:
		l.limit = max(l.limit/2, 1)
		l.cuts++
	}
	l.admit()
}

// State is what a limiter is at.
type State struct {
	InFlight int // calls
	Waiting  int // for a place
	Limit    int // calls that may be in flight now
}

// State gives the numbers of one moment.
func (l *Limiter) State() State {
	l.mu.Lock()
	defer l.mu.Unlock()
	return State{InFlight: l.inFlight, Waiting: l.waiting.Len(), Limit: int(l.limit)}
}

// Limit is how many calls may be in flight now.
func (l *Limiter) Limit() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return int(l.limit)
}
