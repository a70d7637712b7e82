package activities

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
)

// strained is a target whose every call takes a second, and which is away
// until it is said to be back. It notes how many calls it had at once.
type strained struct {
	counting
	mu       sync.Mutex
	away     bool
	inFlight int
	most     int
}

func (s *strained) Get(context.Context, string) (entitlement.Entitlement, error) {
	s.mu.Lock()
	s.inFlight++
	s.most = max(s.most, s.inFlight)
	s.mu.Unlock()
	time.Sleep(time.Second)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inFlight--
	s.calls++
	if s.away {
		return entitlement.Entitlement{}, &fault.Fault{Kind: fault.Retryable, Code: fault.CodeGateway, HTTPStatus: 503}
	}
	return entitlement.Entitlement{}, nil
}

// rush makes n calls at once and gives their errors and how many were in
// flight at most.
func (s *strained) rush(ctx context.Context, n int) (errs []error, most int) {
	s.most = 0
	errs = make([]error, n)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() { _, errs[i] = pacedTarget{s, noMeter{}}.Get(ctx, "e") })
	}
	wg.Wait()
	return errs, s.most
}

func TestATargetThatComesBackIsNotOverrun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &strained{away: true}
		p := newPace(64, noMeter{})
		ctx := p.of(t.Context(), "acme", "acme-nova", 0)
		_, most := s.rush(ctx, 64)
		require.Equal(t, 64, most, "nothing is known against it yet")
		for range 6 {
			s.rush(ctx, 1)
		}
		s.away = false
		_, most = s.rush(ctx, 64)
		require.Less(t, most, 20, "the places come back one by one")
		for range 40 {
			s.rush(ctx, 64)
		}
		_, most = s.rush(ctx, 64)
		require.Equal(t, 64, most)
		_, most = s.rush(p.of(t.Context(), "other", "other-route", 0), 64)
		require.Equal(t, 64, most, "each route has its own places")
	})
}

func TestACallThatFindsNoPlaceIsNotMade(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &strained{}
		ctx := newPace(1, noMeter{}).of(t.Context(), "acme", "acme-nova", 0)
		errs, most := s.rush(ctx, 100)
		require.Equal(t, 1, most)
		var late int
		for _, err := range errs {
			if err == nil {
				continue
			}
			f, ok := fault.As(err)
			require.True(t, ok)
			require.Equal(t, fault.CodePaced, f.Code)
			require.Equal(t, fault.Retryable, f.Kind)
			require.False(t, f.Unclear, "nothing was sent")
			late++
		}
		require.Equal(t, 100, s.calls+late)
		require.InDelta(t, placeWait.Seconds(), s.calls, 1, "a call a second, for as long as they wait")
	})
}

func TestOnlyTheTargetsTroubleTakesPlaces(t *testing.T) {
	t.Parallel()
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	trouble := &fault.Fault{Kind: fault.Retryable, Code: fault.CodeTimeout}
	require.True(t, overloaded(t.Context(), trouble))
	require.False(t, overloaded(gone, trouble), "the worker is stopping")
	require.False(t, overloaded(t.Context(), nil))
	require.False(t, overloaded(t.Context(), &fault.Fault{Kind: fault.Final, Code: fault.CodeNotFound}))
	require.False(t, overloaded(t.Context(), &fault.Fault{Kind: fault.Retryable, Code: fault.CodeStillPending}))
}
