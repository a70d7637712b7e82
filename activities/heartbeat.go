package activities

import (
	"context"
	"sync"
	"time"

	"go.temporal.io/sdk/activity"
)

const (
	// pulseEvery is well below every heartbeat timeout, ten seconds and more.
	pulseEvery = 3 * time.Second
	// pulseLimit is longer than any wait that ends well: a call's turn at a low
	// requestsPerSecond, a store that joins the parts of a large upload. Beyond
	// it the worker is taken for one that hangs.
	pulseLimit = 30 * time.Minute
)

// pulse repeats an activity's last heartbeat while it waits.
type pulse struct {
	mu       sync.Mutex
	progress any
	at       time.Time
}

type pulseKey struct{}

// withPulse keeps a long activity alive at the server through a single wait
// that is longer than its heartbeat timeout, and lets it hear a cancellation
// meanwhile. stop ends it.
func withPulse(ctx context.Context) (pulsing context.Context, stop func()) {
	p := &pulse{at: time.Now()}
	done := make(chan struct{})
	var ended sync.WaitGroup
	ended.Go(func() {
		ticker := time.NewTicker(pulseEvery)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				return
			case <-ctx.Done():
				return
			case <-ticker.C:
				p.repeat(ctx)
			}
		}
	})
	return context.WithValue(ctx, pulseKey{}, p), func() { close(done); ended.Wait() }
}

func (p *pulse) repeat(ctx context.Context) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Since(p.at) < pulseLimit {
		activity.RecordHeartbeat(ctx, p.progress)
	}
}

func (p *pulse) beat(ctx context.Context, progress any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.progress, p.at = progress, time.Now()
	activity.RecordHeartbeat(ctx, progress)
}

// heartbeat tells the server that the activity is at work, and how far.
func heartbeat(ctx context.Context, progress any) {
	if activity.GetInfo(ctx).IsLocalActivity {
		return
	}
	if p, ok := ctx.Value(pulseKey{}).(*pulse); ok {
		p.beat(ctx, progress)
		return
	}
	activity.RecordHeartbeat(ctx, progress)
}
