package activities

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migrator"
)

// pace keeps each migration's calls to the target below the requests per
// second that it asks for, in this worker.
type pace struct {
	mu       sync.Mutex
	limiters map[string]*rate.Limiter
}

func newPace() *pace { return &pace{limiters: map[string]*rate.Limiter{}} }

type paceKey struct{}

// of gives a context whose calls to the target keep a migration's pace;
// perSecond 0 is unlimited.
func (p *pace) of(ctx context.Context, migrationID string, perSecond float64) context.Context {
	p.mu.Lock()
	defer p.mu.Unlock()
	l, ok := p.limiters[migrationID]
	if perSecond <= 0 {
		delete(p.limiters, migrationID)
		return ctx
	}
	if !ok {
		l = rate.NewLimiter(rate.Limit(perSecond), 1)
		p.limiters[migrationID] = l
	}
	if l.Limit() != rate.Limit(perSecond) {
		l.SetLimit(rate.Limit(perSecond))
	}
	return context.WithValue(ctx, paceKey{}, l)
}

// await waits for a call's turn.
func await(ctx context.Context) error {
	l, ok := ctx.Value(paceKey{}).(*rate.Limiter)
	if !ok {
		return nil
	}
	if err := l.Wait(ctx); err != nil {
		return &fault.Fault{
			Kind: fault.Retryable, Code: fault.CodePaced, Cause: err,
			Message: "the call's turn did not come in time (requestsPerSecond is low for what is under way)",
		}
	}
	return nil
}

// pacedTarget makes every call wait for its turn.
type pacedTarget struct{ Target }

// paced makes one call when its turn has come.
func paced[T any](ctx context.Context, call func() (T, error)) (T, error) {
	if err := await(ctx); err != nil {
		var none T
		return none, err
	}
	return call()
}

// Create implements migrator.Target.
func (p pacedTarget) Create(ctx context.Context, request string, r *entitlement.Record) (entitlement.Entitlement, error) {
	return paced(ctx, func() (entitlement.Entitlement, error) { return p.Target.Create(ctx, request, r) })
}

// Activate implements migrator.Target.
func (p pacedTarget) Activate(ctx context.Context, request, id string, at time.Time) (entitlement.Entitlement, error) {
	return paced(ctx, func() (entitlement.Entitlement, error) { return p.Target.Activate(ctx, request, id, at) })
}

// Suspend implements migrator.Target.
func (p pacedTarget) Suspend(ctx context.Context, request, id string, at time.Time) (entitlement.Entitlement, error) {
	return paced(ctx, func() (entitlement.Entitlement, error) { return p.Target.Suspend(ctx, request, id, at) })
}

// Cancel implements migrator.Target.
func (p pacedTarget) Cancel(ctx context.Context, request, id string, end migrator.Ending) (entitlement.Entitlement, error) {
	return paced(ctx, func() (entitlement.Entitlement, error) { return p.Target.Cancel(ctx, request, id, end) })
}

// Revoke implements migrator.Target.
func (p pacedTarget) Revoke(ctx context.Context, request, id string, end migrator.Ending) (entitlement.Entitlement, error) {
	return paced(ctx, func() (entitlement.Entitlement, error) { return p.Target.Revoke(ctx, request, id, end) })
}

// Get implements migrator.Target.
func (p pacedTarget) Get(ctx context.Context, id string) (entitlement.Entitlement, error) {
	return paced(ctx, func() (entitlement.Entitlement, error) { return p.Target.Get(ctx, id) })
}

// Find implements migrator.Target.
func (p pacedTarget) Find(ctx context.Context, merchant string, ids []string) ([]entitlement.Entitlement, error) {
	return paced(ctx, func() ([]entitlement.Entitlement, error) { return p.Target.Find(ctx, merchant, ids) })
}
