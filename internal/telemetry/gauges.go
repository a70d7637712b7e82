package telemetry

import (
	"context"
	"fmt"
	"sync"

	"go.opentelemetry.io/otel/metric"

	"github.com/f0a90b9a/ferry/internal/throttle"
)

// routes are asked for their calls in flight when somebody looks.
type routes struct {
	mu sync.Mutex
	by map[string]func() throttle.State
}

func (r *routes) add(route string, state func() throttle.State) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.by[route] = state
}

func observeRoutes(m metric.Meter) (*routes, error) {
	r := &routes{by: map[string]func() throttle.State{}}
	var c made
	inFlight := c.gauge(m, "ferry_target_calls_in_flight", "Calls to the target in flight")
	limit := c.gauge(m, "ferry_target_calls_limit", "Calls to the target that may be in flight now")
	waiting := c.gauge(m, "ferry_target_calls_waiting", "Calls to the target that wait for a place among those in flight")
	if c.err != nil {
		return nil, fmt.Errorf("metrics: %w", c.err)
	}
	_, err := m.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		r.mu.Lock()
		defer r.mu.Unlock()
		for route, state := range r.by {
			now, labels := state(), metric.WithAttributeSet(set("route", route))
			o.ObserveInt64(inFlight, int64(now.InFlight), labels)
			o.ObserveInt64(limit, int64(now.Limit), labels)
			o.ObserveInt64(waiting, int64(now.Waiting), labels)
		}
		return nil
	}, inFlight, limit, waiting)
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	return r, nil
}

func (c *made) gauge(m metric.Meter, name, help string) metric.Int64ObservableGauge {
	g, err := m.Int64ObservableGauge(name, metric.WithDescription(help))
	c.keep(err)
	return g
}

// observeBuild shows which build a worker is.
func observeBuild(m metric.Meter, buildID string) error {
	_, err := m.Int64ObservableGauge("ferry_build_info", metric.WithDescription("Always 1; its label says which build this worker is"),
		metric.WithInt64Callback(func(_ context.Context, o metric.Int64Observer) error {
			o.Observe(1, metric.WithAttributeSet(set("build", buildID)))
			return nil
		}))
	if err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	return nil
}
