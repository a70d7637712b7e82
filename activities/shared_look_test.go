package activities

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
)

// slowTarget answers a report after a second, with an entitlement for each id,
// and keeps what it was asked.
type slowTarget struct {
	Target
	mu    sync.Mutex
	asked [][]string
	err   func(ids []string) error
	away  bool // it answers no echo either
}

func (s *slowTarget) Echo(context.Context) error {
	if s.away {
		return &fault.Fault{Kind: fault.Retryable, Code: fault.CodeServiceUnavailable}
	}
	return nil
}

func (s *slowTarget) Find(ctx context.Context, merchant string, ids []string) ([]entitlement.Entitlement, error) {
	s.mu.Lock()
	s.asked = append(s.asked, ids)
	s.mu.Unlock()
	select {
	case <-time.After(time.Second):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if s.err != nil {
		if err := s.err(ids); err != nil {
			return nil, err
		}
	}
	out := make([]entitlement.Entitlement, len(ids))
	for i, id := range ids {
		out[i] = entitlement.Entitlement{EntitlementID: merchant, ExternalEntitlementID: id}
	}
	return out, nil
}

// lookAll looks for n ids at the same time and gives what each got.
func lookAll(ctx context.Context, s *sharedLook, n int) (found [][]entitlement.Entitlement, errs []error) {
	found, errs = make([][]entitlement.Entitlement, n), make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { found[i], errs[i] = s.Find(ctx, "nova-music", []string{strconv.Itoa(i)}) })
	}
	all.Wait()
	return found, errs
}

func TestLooksAtTheSameTimeShareACall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		target := &slowTarget{}
		s := newSharedLook(target, noMeter{})
		began := time.Now()
		found, errs := lookAll(t.Context(), s, 150)
		for i := range found {
			require.NoError(t, errs[i])
			require.Equal(t, []entitlement.Entitlement{{EntitlementID: "nova-music", ExternalEntitlementID: strconv.Itoa(i)}}, found[i])
		}
		require.Len(t, target.asked, 4, "two at once, a full hundred, and the rest")
		require.Equal(t, 2*time.Second, time.Since(began))
		for _, ids := range target.asked {
			require.LessOrEqual(t, len(ids), findPage)
		}
		synctest.Wait()
		require.Empty(t, s.looks, "nothing is left")
	})
}

// Who comes while a look is under way must not take its answer: that may be
// older than the record's own beginning.
func TestALookUnderWayIsNotJoined(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		target := &slowTarget{}
		s := newSharedLook(target, noMeter{})
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() {
				_, err := s.Find(t.Context(), "nova-music", []string{"same"})
				require.NoError(t, err)
			})
		}
		all.Wait()
		require.Len(t, target.asked, 3)
	})
}

func TestLooksOfDifferentKindsAreApart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		target := &slowTarget{}
		s := newSharedLook(target, noMeter{})
		p := newPace(200, noMeter{})
		var all sync.WaitGroup
		for i, ctx := range []context.Context{
			p.of(t.Context(), "one", "acme-nova", 1000), p.of(t.Context(), "two", "acme-nova", 1000), p.of(t.Context(), "two", "other", 1000),
		} {
			for _, id := range []string{"a", "b", "c", "d"} {
				all.Go(func() {
					_, err := s.Find(ctx, "nova-music", []string{id + strconv.Itoa(i)})
					require.NoError(t, err)
				})
			}
		}
		all.Wait()
		require.Len(t, target.asked, 9, "two at once and the rest, of each kind")
	})
}

func TestAFailedLookFailsAllOfIts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		away := &fault.Fault{Kind: fault.Retryable, Code: fault.CodeServiceUnavailable}
		target := &slowTarget{away: true, err: func([]string) error { return away }}
		_, errs := lookAll(t.Context(), newSharedLook(target, noMeter{}), 5)
		for _, err := range errs {
			require.ErrorIs(t, err, away)
		}
		require.Len(t, target.asked, 3)
	})
}

// One id that the target refuses is its own record's trouble alone, and what is
// too much for one answer is asked for one by one.
func TestARefusedLookIsRepeatedAlone(t *testing.T) {
	t.Parallel()
	for name, bad := range map[string]*fault.Fault{
		"refused":  {Kind: fault.Final, Code: fault.CodeBadRequest},
		"too long": {Kind: fault.Retryable, Code: fault.CodeUnexpected},
		"failed":   {Kind: fault.Retryable, Code: fault.CodeInternalError, HTTPStatus: 500},
		"firewall": {Kind: fault.Unauthorized, Code: fault.CodeUnauthorized, HTTPStatus: 403},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				target := &slowTarget{err: func(ids []string) error {
					if slices.Contains(ids, "3") {
						return bad
					}
					return nil
				}}
				s := newSharedLook(target, noMeter{})
				for range 2 {
					target.asked = nil
					found, errs := lookAll(t.Context(), s, 8)
					for i, err := range errs {
						if i == 3 {
							require.ErrorIs(t, err, bad)
							continue
						}
						require.NoError(t, err)
						require.Len(t, found[i], 1)
					}
				}
				require.Len(t, target.asked, 4, "once it has failed alone it spoils no look any more")
			})
		})
	}
}

func TestACallerThatGoesLeavesTheOthersTheirLook(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSharedLook(&slowTarget{}, noMeter{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		var all sync.WaitGroup
		all.Go(func() {
			_, err := s.Find(ctx, "nova-music", []string{"gone"})
			f, ok := fault.As(err)
			require.True(t, ok)
			require.Equal(t, fault.Retryable, f.Kind)
			require.False(t, f.Unclear, "a read changes nothing")
		})
		all.Go(func() {
			_, err := s.Find(t.Context(), "nova-music", []string{"stays"})
			require.NoError(t, err)
		})
		all.Wait()
		_, errs := lookAll(t.Context(), s, 1)
		require.NoError(t, errs[0])
	})
}

func TestManyIdsAreAskedForAsTheyAre(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		target := &slowTarget{}
		found, err := newSharedLook(target, noMeter{}).Find(t.Context(), "nova-music", []string{"a", "b"})
		require.NoError(t, err)
		require.Len(t, found, 2)
		require.Equal(t, [][]string{{"a", "b"}}, target.asked)
	})
}
