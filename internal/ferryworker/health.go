package ferryworker

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"go.temporal.io/sdk/client"
)

const (
	readyTimeout  = 2 * time.Second
	headerTimeout = 5 * time.Second
)

// health answers probes: /livez while the process runs, /readyz while it polls
// and Temporal answers, and serves /metrics. A worker that drains is not ready,
// and lives and is measured until it has ended. A server that is away makes a worker unready, not
// dead: it goes on by itself when the server is back.
type health struct {
	listenOn string
	temporal interface {
		CheckHealth(ctx context.Context, request *client.CheckHealthRequest) (*client.CheckHealthResponse, error)
	}
	metrics  http.Handler
	ready    atomic.Bool
	server   *http.Server
	listener net.Listener
}

func newHealth(address string, temporal client.Client, metrics http.Handler) *health {
	return &health{listenOn: address, temporal: temporal, metrics: metrics}
}

// listen starts the endpoints; without an address there are none.
func (h *health) listen() error {
	if h.listenOn == "" {
		return nil
	}
	listener, err := net.Listen("tcp", h.listenOn)
	if err != nil {
		return fmt.Errorf("health endpoints: %w (set worker.health_address)", err)
	}
	h.listener = listener
	h.server = &http.Server{Handler: h.handler(), ReadHeaderTimeout: headerTimeout}
	go func() {
		if err := h.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			h.ready.Store(false)
		}
	}()
	return nil
}

func (h *health) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "ok")
	})
	mux.HandleFunc("GET /readyz", h.readyz)
	mux.Handle("GET /metrics", h.metrics)
	return mux
}

func (h *health) readyz(w http.ResponseWriter, r *http.Request) {
	if !h.ready.Load() {
		http.Error(w, "not polling", http.StatusServiceUnavailable)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
	defer cancel()
	if _, err := h.temporal.CheckHealth(ctx, &client.CheckHealthRequest{}); err != nil {
		http.Error(w, "temporal does not answer", http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ok")
}

// address is where the endpoints are; empty without any.
func (h *health) address() string {
	if h.listener == nil {
		return ""
	}
	return h.listener.Addr().String()
}

func (h *health) close() {
	if h.server != nil {
		_ = h.server.Close()
	}
}
