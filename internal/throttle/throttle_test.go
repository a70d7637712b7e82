package throttle

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

func begin(t *testing.T, l *Limiter, n int) []*Call {
	t.Helper()
	calls := make([]*Call, n)
	for i := range calls {
		var err error
		calls[i], err = l.Begin(t.Context())
		require.NoError(t, err)
	}
	return calls
}

func TestTroubleToldTogetherHalvesOnce(t *testing.T) {
	t.Parallel()
	l := New(64)
	for _, c := range begin(t, l, 64) {
		c.End(true)
	}
	require.Equal(t, 32, l.Limit())
	begin(t, l, 1)[0].End(true)
	require.Equal(t, 16, l.Limit())
	for range 10 {
		begin(t, l, 1)[0].End(true)
	}
	require.Equal(t, 1, l.Limit(), "one call always gets through")
}

func TestSuccessRaisesSlowlyUpToTheMost(t *testing.T) {
	t.Parallel()
	l := New(8)
	for range 3 {
		begin(t, l, 1)[0].End(true)
	}
	require.Equal(t, 1, l.Limit())
	raised := 0
	for ; l.Limit() < 8; raised++ {
		begin(t, l, 1)[0].End(false)
	}
	require.Greater(t, raised, 20, "about as many calls as places for each place")
	for range 100 {
		begin(t, l, 1)[0].End(false)
	}
	require.Equal(t, 8, l.Limit())
}

func TestWaitersAreServedInOrderAndMayLeave(t *testing.T) {
	t.Parallel()
	l := New(1)
	first := begin(t, l, 1)[0]
	gone, leave := context.WithCancel(t.Context())
	leave()
	_, err := l.Begin(gone)
	require.ErrorIs(t, err, context.Canceled)
	got := make(chan *Call)
	go func() {
		c, _ := l.Begin(t.Context())
		got <- c
	}()
	first.End(false)
	(<-got).End(false)
	begin(t, l, 1)[0].End(false)
}

func TestNeverMoreInFlightThanTheLimit(t *testing.T) {
	t.Parallel()
	const most = 10
	l := New(most)
	var inFlight, highest atomic.Int64
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if i%7 == 0 {
				cancel() // some leave at once
			}
			c, err := l.Begin(ctx)
			if err != nil {
				return
			}
			n := inFlight.Add(1)
			for h := highest.Load(); n > h && !highest.CompareAndSwap(h, n); h = highest.Load() {
			}
			inFlight.Add(-1)
			c.End(i%5 == 0)
		})
	}
	wg.Wait()
	require.LessOrEqual(t, highest.Load(), int64(most))
	require.Zero(t, l.inFlight)
	require.Zero(t, l.waiting.Len())
}
