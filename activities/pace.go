package activities

import (
	"context"
	"sync"

	"golang.org/x/time/rate"
)

// pace keeps a worker's calls to a route below the requests per second that
// its migrations ask for. A run that asks for less slows the route for all
// runs of this worker: the route is what is to be spared.
type pace struct {
	mu       sync.Mutex
	limiters map[string]*rate.Limiter
}

func newPace() *pace { return &pace{limiters: map[string]*rate.Limiter{}} }

// wait waits for the route's turn; perSecond 0 is unlimited.
func (p *pace) wait(ctx context.Context, route string, perSecond float64) error {
	return p.limiter(route, perSecond).Wait(ctx)
}

func (p *pace) limiter(route string, perSecond float64) *rate.Limiter {
	limit := rate.Inf
	if perSecond > 0 {
		limit = rate.Limit(perSecond)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	l, ok := p.limiters[route]
	if !ok {
		l = rate.NewLimiter(limit, 1)
		p.limiters[route] = l
	}
	if l.Limit() != limit {
		l.SetLimit(limit)
	}
	return l
}
