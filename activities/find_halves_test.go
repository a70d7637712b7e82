package activities

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
)

// fussy is a target that fails at look-ups of some ids, and counts its calls.
type fussy struct {
	Target
	trouble func(ids []string) *fault.Fault
	echo    error
	calls   int
}

func (f *fussy) Echo(context.Context) error { return f.echo }

func (f *fussy) Find(_ context.Context, _ string, ids []string) ([]entitlement.Entitlement, error) {
	f.calls++
	if t := f.trouble(ids); t != nil {
		return nil, t
	}
	out := make([]entitlement.Entitlement, len(ids))
	for i, id := range ids {
		out[i] = entitlement.Entitlement{ExternalEntitlementID: id}
	}
	return out, nil
}

func at(f *fault.Fault, bad ...string) func(ids []string) *fault.Fault {
	return func(ids []string) *fault.Fault {
		if slices.ContainsFunc(ids, func(id string) bool { return slices.Contains(bad, id) }) {
			return f
		}
		return nil
	}
}

func always(f *fault.Fault) func([]string) *fault.Fault {
	return func([]string) *fault.Fault { return f }
}

func numbered(n int) []stagedRecord {
	out := make([]stagedRecord, n)
	for i := range out {
		out[i].number = i + 1
		out[i].decoded.ExternalEntitlementID = fmt.Sprintf("ext-%d", i+1)
	}
	return out
}

var (
	errBadRequest = &fault.Fault{Kind: fault.Final, Code: fault.CodeBadRequest, HTTPStatus: 400}
	internal      = &fault.Fault{Kind: fault.Retryable, Code: fault.CodeInternalError, HTTPStatus: 500}
	odd           = &fault.Fault{Kind: fault.Retryable, Code: fault.CodeUnexpected, HTTPStatus: 200}
	timeout       = &fault.Fault{Kind: fault.Retryable, Code: fault.CodeTimeout}
	firewall      = &fault.Fault{Kind: fault.Unauthorized, Code: fault.CodeUnauthorized, HTTPStatus: 403}
	password      = &fault.Fault{Kind: fault.Unauthorized, Code: fault.CodeUnauthorized, HTTPStatus: 401}
	errTooMany    = &fault.Fault{Kind: fault.Retryable, Code: fault.CodeTooManyRequests, HTTPStatus: 429}
	down          = &fault.Fault{Kind: fault.Retryable, Code: fault.CodeServiceUnavailable, HTTPStatus: 503}
)

// sees makes a look-up inside an activity, where it can beat.
func sees(t *testing.T, target *fussy, n int, f finder) (sighted, error) {
	t.Helper()
	a := &Activities{target: target}
	var seen sighted
	var err error
	look := func(ctx context.Context) error {
		seen, err = a.findEvery(ctx, numbered(n), f)
		return nil
	}
	env := quietEnv()
	env.RegisterActivityWithOptions(look, activity.RegisterOptions{Name: "look"})
	_, failed := env.ExecuteActivity("look")
	require.NoError(t, failed)
	return seen, err
}

// A page that fails for some of its ids is halved down to them, and the others
// are read.
func TestAPageIsHalvedDownToTheIdsToBlame(t *testing.T) {
	t.Parallel()
	for name, trouble := range map[string]*fault.Fault{
		"refused": errBadRequest, "failed": internal, "odd": odd, "no answer": timeout, "a firewall": firewall,
	} {
		for _, bad := range [][]string{{"ext-1"}, {"ext-77"}, {"ext-250"}, {"ext-3", "ext-4", "ext-5", "ext-99", "ext-100", "ext-101"}} {
			t.Run(name+" "+strings.Join(bad, ","), func(t *testing.T) {
				t.Parallel()
				target := &fussy{trouble: at(trouble, bad...)}
				seen, err := sees(t, target, 250, finder{soon: true})
				require.NoError(t, err)
				require.Len(t, seen.found, 250-len(bad))
				require.Len(t, seen.unread, len(bad))
				for _, id := range bad {
					require.Equal(t, trouble, seen.unread[id])
					require.NotContains(t, seen.found, id)
				}
				require.Less(t, target.calls, 3+len(bad)*(2*8+aloneTries))
			})
		}
	}
}

// What is no id's doing is no id's trouble.
func TestTheWholeTargetsTroubleIsAnError(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		trouble *fault.Fault
		echo    error
		want    error
	}{
		"away":                     {down, down, down},
		"refuses and is away":      {errBadRequest, down, down},
		"refuses the credentials":  {password, nil, password},
		"403 and the echo as well": {firewall, firewall, firewall},
		"too many requests":        {errTooMany, nil, errTooMany},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target := &fussy{trouble: at(c.trouble, "ext-60"), echo: c.echo}
			_, err := sees(t, target, 100, finder{})
			require.ErrorIs(t, err, c.want)
			_, all := whole(err)
			require.False(t, all)
			require.Equal(t, 1, target.calls)
		})
	}
}

// A target that answers its echo and no look-up costs a bounded number of
// calls, and is told apart; what it refuses is each record's own.
func TestALookUpThatNothingComesThrough(t *testing.T) {
	t.Parallel()
	target := &fussy{trouble: always(internal)}
	_, err := sees(t, target, 1000, finder{})
	trouble, all := whole(err)
	require.True(t, all)
	require.Equal(t, internal, trouble)
	require.Equal(t, wholeAfter, target.calls)

	target = &fussy{trouble: always(errBadRequest)}
	seen, err := sees(t, target, 1000, finder{soon: true})
	require.NoError(t, err)
	require.Len(t, seen.unread, 1000)
	require.Less(t, target.calls, 2*wholeAfter+10)

	target = &fussy{trouble: always(internal)}
	_, err = sees(t, target, 1, finder{soon: true})
	_, all = whole(err)
	require.True(t, all, "it may pass soon")
	seen, err = sees(t, target, 1, finder{})
	require.NoError(t, err)
	require.Len(t, seen.unread, 1)
}

// A trouble that passes is nobody's.
func TestAnIdThatFailsForTheMomentIsRead(t *testing.T) {
	t.Parallel()
	left := 9
	target := &fussy{}
	target.trouble = func(ids []string) *fault.Fault {
		if slices.Contains(ids, "ext-2") && left > 0 {
			left--
			return internal
		}
		return nil
	}
	seen, err := sees(t, target, 100, finder{soon: true})
	require.NoError(t, err)
	require.Empty(t, seen.unread)
	require.Len(t, seen.found, 100)
}

// Halving that must not take long leaves the rest unread.
func TestHalvingIsOverInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		target := &fussy{trouble: func(ids []string) *fault.Fault {
			time.Sleep(30 * time.Second)
			return at(timeout, "ext-7")(ids)
		}}
		f := finder{
			target: target, limit: lookUpLimit, beat: func() {},
			sighted: sighted{found: map[string][]entitlement.Entitlement{}, unread: map[string]*fault.Fault{}},
		}
		began := time.Now()
		ids := make([]string, 100)
		for i, r := range numbered(100) {
			ids[i] = r.decoded.ExternalEntitlementID
		}
		require.NoError(t, f.page(t.Context(), ids))
		require.LessOrEqual(t, time.Since(began), 3*time.Minute)
		require.Contains(t, f.unread, "ext-7")
		require.Len(t, f.found, 100-len(f.unread))
	})
}
