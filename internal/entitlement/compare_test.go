package entitlement

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// After its first k steps a record has exactly the others left.
func TestCompareLeavesTheOtherSteps(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := anyRecord(t)
		steps := Steps(r, now)
		k := rapid.IntRange(1, len(steps)).Draw(t, "steps done")
		c := Compare(r, after(r, k), now)
		require.Empty(t, c.Differences)
		require.True(t, c.Same())
		require.Len(t, c.Remaining, len(steps)-k)
		require.Equal(t, steps[k:], append([]Step{}, c.Remaining...))
		require.Equal(t, k == len(steps), c.Done())
	})
}

// The same holds for a target that sets a date only with its step.
func TestCompareAcceptsDatesStillToCome(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := anyRecord(t)
		steps := Steps(r, now)
		k := rapid.IntRange(1, len(steps)).Draw(t, "steps done")
		found := after(r, k)
		for _, s := range steps[k:] {
			switch s {
			case Activate:
				found.DateActivated = nil
			case Suspend:
				found.DateSuspended = nil
			case Cancel, Revoke:
				found.DateEnded = nil
			}
		}
		c := Compare(r, found, now)
		require.Empty(t, c.Differences)
		require.Len(t, c.Remaining, len(steps)-k)
	})
}

// A status that the record's steps don't pass is a difference, and only those.
func TestCompareStatus(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := anyRecord(t)
		onTheWay := map[Status]bool{}
		for _, s := range Steps(r, now) {
			onTheWay[StatusAfter(r, s, now)] = true
		}
		if r.Status == Cancelled {
			onTheWay[ActiveEnding] = true // which turns by itself
		}
		ended := r.Status == Cancelled || r.Status == Revoked
		if ended && r.DateSuspended != nil && rapid.Bool().Draw(t, "never resumed") {
			r.DateResumed = nil
			onTheWay[Suspended] = true
		}
		found := after(r, 1)
		found.Status = rapid.SampledFrom(append(AllStatuses(), "FAILED")).Draw(t, "found")
		c := Compare(r, found, now)
		if onTheWay[found.Status] {
			require.Empty(t, c.Differences)
		} else {
			require.Equal(t, []string{"status"}, c.Differences)
		}
	})
}

// An end out of a suspension goes on from there; any other suspension is
// somebody else's.
func TestCompareAnEndOutOfASuspension(t *testing.T) {
	t.Parallel()
	for _, end := range []Status{Cancelled, Revoked} {
		suspended := record(t, Suspended)
		found := after(suspended, 3)
		r := *suspended
		r.Status, r.DateEnded = end, at(-1)
		c := Compare(&r, found, now)
		require.Empty(t, c.Differences)
		require.Len(t, c.Remaining, 1)
		require.Equal(t, end, StatusAfter(&r, c.Remaining[0], now))

		resumed := r
		resumed.DateResumed = at(-2)
		require.Equal(t, []string{"status", "dateResumed", "dateEnded"}, Compare(&resumed, found, now).Differences)
		other := r
		other.DateSuspended = at(-11)
		require.Equal(t, []string{"dateSuspended"}, Compare(&other, found, now).Differences)
		never := r
		never.DateSuspended = nil
		require.Equal(t, []string{"status", "dateSuspended", "dateEnded"}, Compare(&never, found, now).Differences)
		asleep := r
		asleep.DateActivated = nil
		require.Equal(t, []string{"status", "dateActivated", "dateEnded"}, Compare(&asleep, found, now).Differences)
	}
	ending := record(t, ActiveEnding)
	ending.DateSuspended = at(-10)
	found := after(ending, 2)
	found.Status = Suspended
	require.Equal(t, []string{"status"}, Compare(ending, found, now).Differences, "the platform doesn't say that this can end")
}

func TestCompareNamesEachDifference(t *testing.T) {
	t.Parallel()
	later := func(d **time.Time) { shifted := (*d).Add(Precision); *d = &shifted }
	for field, change := range map[string]func(*Entitlement){
		"externalEntitlementId": func(e *Entitlement) { e.ExternalEntitlementID = "other" },
		"customerIdentifier":    func(e *Entitlement) { e.CustomerIdentifier = "other" },
		"merchantAccountKey":    func(e *Entitlement) { e.MerchantAccountKey = "other" },
		"productKey":            func(e *Entitlement) { e.ProductKey = "other" },
		"offerKey":              func(e *Entitlement) { e.OfferKey = "" },
		"status":                func(e *Entitlement) { e.Status = Cancelled },
		"dateCreated":           func(e *Entitlement) { later(&e.DateCreated) },
		"dateActivated":         func(e *Entitlement) { e.DateActivated = nil },
		"dateSuspended":         func(e *Entitlement) { later(&e.DateSuspended) },
		"dateResumed":           func(e *Entitlement) { e.DateResumed = at(-20) },
		"dateEnded":             func(e *Entitlement) { e.DateEnded = at(-1) },
		"dateExpiry":            func(e *Entitlement) { e.DateExpiry = nil },
	} {
		r := record(t, Suspended)
		r.DateExpiry = at(10)
		found := after(r, 3)
		change(&found)
		c := Compare(r, found, now)
		require.Equal(t, []string{field}, c.Differences)
		require.False(t, c.Same())
		require.False(t, c.Done())
	}
}

func TestCompareGivesLeeway(t *testing.T) {
	t.Parallel()
	r := record(t, Active)
	r.OfferKey, r.DateExpiry = "", nil
	sub := r.DateCreated.Add(Precision - 1)
	r.DateCreated = &sub

	found := after(r, 2)
	found.OfferKey, found.DateExpiry = "bundle", at(30)
	cut := sub.Truncate(Precision).In(time.FixedZone("", 3600))
	found.DateCreated = &cut
	require.True(t, Compare(r, found, now).Done())
}

func TestCompareAReloadsOwnID(t *testing.T) {
	t.Parallel()
	r := record(t, Active)
	r.EntitlementID = after(r, 1).EntitlementID
	require.True(t, Compare(r, after(r, 1), now).Same())
	r.EntitlementID = "12345678-1234-1234-1234-123456789012"
	require.Equal(t, []string{"entitlementId"}, Compare(r, after(r, 1), now).Differences)
}

func TestCompareAroundTheEnd(t *testing.T) {
	t.Parallel()
	r := record(t, ActiveEnding)
	ending, done := after(r, 3), after(r, 3)
	done.Status = Cancelled

	require.True(t, Compare(r, ending, now).Done())
	require.Equal(t, []string{"status"}, Compare(r, done, now).Differences, "cancelled too early")
	afterEnd := *at(31)
	require.True(t, Compare(r, done, afterEnd).Done())
	require.True(t, Compare(r, ending, afterEnd).Done(), "the platform's clock may be behind")
}
