package activities

import (
	"context"
	"fmt"
	"sync"
	"time"

	"go.temporal.io/sdk/activity"
	"golang.org/x/time/rate"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migrator"
	"github.com/f0a90b9a/ferry/internal/throttle"
)

// pace holds the calls to the target back, in this worker: each migration's
// below the requests per second that it asks for, and each route's below what
// the route has shown to bear.
type pace struct {
	mu          sync.Mutex
	maxInFlight int
	meter       Meter
	limiters    map[string]*rate.Limiter     // by migration
	routes      map[string]*throttle.Limiter // by route
}

func newPace(maxInFlight int, meter Meter) *pace {
	return &pace{maxInFlight: maxInFlight, meter: meter, limiters: map[string]*rate.Limiter{}, routes: map[string]*throttle.Limiter{}}
}

type (
	paceKey  struct{}
	placeKey struct{}
)

// of gives a context whose calls to the target keep a migration's pace, and
// share the places of its route with all that this worker runs; perSecond 0 is
// unlimited.
func (p *pace) of(ctx context.Context, migrationID, route string, perSecond float64) context.Context {
	p.mu.Lock()
	defer p.mu.Unlock()
	places, ok := p.routes[route]
	if !ok {
		places = throttle.New(p.maxInFlight)
		p.routes[route] = places
		p.meter.Route(route, places.State)
	}
	ctx = context.WithValue(ctx, placeKey{}, places)
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

// The longest waits for a place among a route's calls in flight. A local
// activity must be back before its workflow task is over.
const (
	placeWaitLocal = 5 * time.Second
	placeWait      = time.Minute
)

// place waits for a call's place among those in flight on its route.
func place(ctx context.Context) (*throttle.Call, error) {
	l, ok := ctx.Value(placeKey{}).(*throttle.Limiter)
	if !ok {
		return nil, nil
	}
	limit := placeWait
	if activity.IsActivity(ctx) && activity.GetInfo(ctx).IsLocalActivity {
		limit = placeWaitLocal
	}
	waiting, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	call, err := l.Begin(waiting)
	if err != nil {
		return nil, &fault.Fault{
			Kind: fault.Retryable, Code: fault.CodePaced, Cause: err,
			Message: fmt.Sprintf("the call found no place among the %d that the target bears at once now", l.Limit()),
		}
	}
	return call, nil
}

// overloaded reports whether an answer shows that the target has too much to
// do, or is away: too many requests, its own trouble, or none in time.
func overloaded(ctx context.Context, err error) bool {
	f, ok := fault.As(err)
	return ok && f.Kind == fault.Retryable && f.Code != fault.CodeStillPending && ctx.Err() == nil
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

// pacedTarget makes every call wait for its turn, and measures it.
type pacedTarget struct {
	Target
	meter Meter
}

// paced makes one call when its turn has come and it has a place.
func paced[T any](ctx context.Context, p pacedTarget, name string, call func() (T, error)) (T, error) {
	inFlight, err := p.turn(ctx)
	if err != nil {
		var none T
		return none, err
	}
	res, err := measured(p, name, call)
	if inFlight != nil {
		inFlight.End(overloaded(ctx, err))
	}
	return res, err
}

// turn waits for all that a call has to wait for.
func (p pacedTarget) turn(ctx context.Context) (*throttle.Call, error) {
	began := time.Now()
	if ctx.Value(paceKey{}) != nil {
		err := await(ctx)
		p.meter.Waited(WaitPace, time.Since(began))
		if err != nil {
			return nil, err
		}
		began = time.Now()
	}
	inFlight, err := place(ctx)
	if ctx.Value(placeKey{}) != nil {
		p.meter.Waited(WaitPlace, time.Since(began))
	}
	return inFlight, err
}

func measured[T any](p pacedTarget, name string, call func() (T, error)) (T, error) {
	began := time.Now()
	res, err := call()
	p.meter.Call(name, time.Since(began), err)
	return res, err
}

// Echo implements Target. It waits for nothing: it is asked when nothing else
// comes through.
func (p pacedTarget) Echo(ctx context.Context) error {
	_, err := measured(p, "echo", func() (struct{}, error) { return struct{}{}, p.Target.Echo(ctx) })
	return err
}

// Route implements Target.
func (p pacedTarget) Route(ctx context.Context, route string) (entitlement.Route, error) {
	return measured(p, "route", func() (entitlement.Route, error) { return p.Target.Route(ctx, route) })
}

// Create implements migrator.Target.
func (p pacedTarget) Create(ctx context.Context, request string, r *entitlement.Record) (entitlement.Entitlement, error) {
	return paced(ctx, p, "create", func() (entitlement.Entitlement, error) { return p.Target.Create(ctx, request, r) })
}

// Activate implements migrator.Target.
func (p pacedTarget) Activate(ctx context.Context, request, id string, at time.Time) (entitlement.Entitlement, error) {
	return paced(ctx, p, "activate", func() (entitlement.Entitlement, error) { return p.Target.Activate(ctx, request, id, at) })
}

// Suspend implements migrator.Target.
func (p pacedTarget) Suspend(ctx context.Context, request, id string, at time.Time) (entitlement.Entitlement, error) {
	return paced(ctx, p, "suspend", func() (entitlement.Entitlement, error) { return p.Target.Suspend(ctx, request, id, at) })
}

// Cancel implements migrator.Target.
func (p pacedTarget) Cancel(ctx context.Context, request, id string, end migrator.Ending) (entitlement.Entitlement, error) {
	return paced(ctx, p, "cancel", func() (entitlement.Entitlement, error) { return p.Target.Cancel(ctx, request, id, end) })
}

// Revoke implements migrator.Target.
func (p pacedTarget) Revoke(ctx context.Context, request, id string, end migrator.Ending) (entitlement.Entitlement, error) {
	return paced(ctx, p, "revoke", func() (entitlement.Entitlement, error) { return p.Target.Revoke(ctx, request, id, end) })
}

// Get implements migrator.Target.
func (p pacedTarget) Get(ctx context.Context, id string) (entitlement.Entitlement, error) {
	return paced(ctx, p, "get", func() (entitlement.Entitlement, error) { return p.Target.Get(ctx, id) })
}

// Find implements migrator.Target.
func (p pacedTarget) Find(ctx context.Context, merchant string, ids []string) ([]entitlement.Entitlement, error) {
	return paced(ctx, p, "report", func() ([]entitlement.Entitlement, error) { return p.Target.Find(ctx, merchant, ids) })
}
