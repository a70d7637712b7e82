package migrator_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migrator"
)

// act is what somebody else does to an entitlement.
type act func(b *bundle, id string) error

func othersActivate(at *time.Time) act {
	return func(b *bundle, id string) error {
		_, err := b.target.Activate(b.t.Context(), "others-activate", id, *at)
		return err
	}
}

func othersSuspend(at *time.Time) act {
	return func(b *bundle, id string) error {
		_, err := b.target.Suspend(b.t.Context(), "others-suspend", id, *at)
		return err
	}
}

func othersCancel(at *time.Time) act {
	return func(b *bundle, id string) error {
		_, err := b.target.Cancel(b.t.Context(), "others-cancel", id, migrator.Ending{At: *at})
		return err
	}
}

func othersRevoke(b *bundle, id string) error {
	_, err := b.target.Revoke(b.t.Context(), "others-revoke", id, migrator.Ending{At: now})
	return err
}

// An entitlement of ours that somebody else moves between two of its steps:
// what the platform's state chart refuses us is looked at, and is done already
// or left as it is. What the chart still allows is done.
func TestOthersMoveAnEntitlementHalfWay(t *testing.T) {
	t.Parallel()
	const active, suspended, ending, cancelled, revoked = entitlement.Active, entitlement.Suspended,
		entitlement.ActiveEnding, entitlement.Cancelled, entitlement.Revoked
	for _, c := range []struct {
		name   string
		is     entitlement.Status
		after  int // of our steps
		act    act
		differ string // the fields that TARGET_DIFFERS names; empty: the record is migrated
		extra  string // what reconciliation will find
	}{
		{"activated", active, 1, othersActivate(day(0)), "dateActivated", ""},
		{"activated as the file says", active, 1, othersActivate(day(-90)), "", ""},
		{"cancelled before activate", active, 1, othersCancel(day(0)), "status, dateEnded", ""},
		{"revoked before activate", active, 1, othersRevoke, "status, dateEnded", ""},
		{"cancelled before activate of a CANCELLED", cancelled, 1, othersCancel(day(0)), "dateEnded", ""},
		{"cancelled before activate of a REVOKED", revoked, 1, othersCancel(day(0)), "status, dateEnded", ""},
		{"suspended before suspend", suspended, 2, othersSuspend(day(0)), "dateSuspended", ""},
		{"suspended before suspend as the file says", suspended, 2, othersSuspend(day(-10)), "", ""},
		{"cancelled before suspend", suspended, 2, othersCancel(day(0)), "status, dateEnded", ""},
		{"ending before suspend", suspended, 2, othersCancel(day(9)), "status, dateEnded", ""},
		{"revoked before suspend", suspended, 2, othersRevoke, "status, dateEnded", ""},
		{"cancelled before cancel", cancelled, 2, othersCancel(day(0)), "dateEnded", ""},
		{"ending before cancel", cancelled, 2, othersCancel(day(9)), "dateEnded", ""},
		{"ending otherwise", ending, 2, othersCancel(day(9)), "dateEnded", ""},
		{"revoked before cancel", cancelled, 2, othersRevoke, "status, dateEnded", ""},
		{"cancelled before revoke", revoked, 2, othersCancel(day(0)), "status, dateEnded", ""},
		// The chart lets these end, and the file says that they ended.
		{"suspended before cancel", cancelled, 2, othersSuspend(day(0)), "", "dateSuspended"},
		{"suspended before revoke", revoked, 2, othersSuspend(day(0)), "", "dateSuspended"},
		{"suspended before an end to come", ending, 2, othersSuspend(day(0)), "", "dateSuspended"},
		{"ending before revoke", revoked, 2, othersCancel(day(9)), "", ""},
		// Nothing of ours comes after the last step.
		{"suspended when done", active, 2, othersSuspend(day(0)), "", "status"},
		{"cancelled when done", suspended, 3, othersCancel(day(0)), "", "status"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			r := record(c.is)
			id, f := b.carry(&r, c.after)
			require.Nil(t, f)
			b.forget()
			require.NoError(t, c.act(b, id))
			held, err := b.target.Get(t.Context(), id)
			require.NoError(t, err)
			steps := entitlement.Steps(&r, now)[c.after:]
			if len(steps) > 0 {
				_, err = b.m.Do(t.Context(), migrator.Task{Route: "acme-nova", Record: &r, Step: steps[0], EntitlementID: id})
			}
			there, getErr := b.target.Get(t.Context(), id)
			require.NoError(t, getErr)
			if c.differ != "" {
				f, ok := fault.As(err)
				require.True(t, ok, "%v", err)
				require.Equal(t, fault.CodeTargetDiffers, f.Code)
				require.Equal(t, "the target has this entitlement with another "+c.differ, f.Message)
				require.Equal(t, held, there, "it is left as others have it")
				return
			}
			require.NoError(t, err)
			found := entitlement.Compare(&r, there, now)
			if c.extra == "" {
				require.Empty(t, found.Differences)
			} else {
				require.Contains(t, found.Differences, c.extra)
			}
		})
	}
}

// An operator who takes over what others did into the reload has a record that
// is migrated already.
func TestReloadThatTakesOverWhatOthersDid(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := record(entitlement.Active)
	id, f := b.carry(&r, 1)
	require.Nil(t, f)
	require.NoError(t, othersCancel(day(-1))(b, id))
	r.EntitlementID = id
	_, f = b.carry(&r, 0)
	require.Equal(t, fault.CodeTargetDiffers, f.Code)
	before, err := b.box.Stats(t.Context())
	require.NoError(t, err)
	r.Status, r.DateEnded = entitlement.Cancelled, day(-1)
	_, f = b.carry(&r, 0)
	require.Nil(t, f)
	require.Empty(t, b.effective(before))
}

// A customer whom others served first is none of ours, and nor is what they
// made for him.
func TestOthersWereFirst(t *testing.T) {
	t.Parallel()
	b := setup(t)
	theirs := record(entitlement.Active)
	theirs.ExternalEntitlementID = "live-1"
	made, err := b.target.Create(t.Context(), "others", &theirs)
	require.NoError(t, err)
	ours := record(entitlement.Active)
	_, f := b.carry(&ours, 0)
	require.Equal(t, fault.CodeCustomerLimit, f.Code)
	require.Equal(t, fault.Final, f.Kind)
	there, err := b.target.Get(t.Context(), made.EntitlementID)
	require.NoError(t, err)
	require.Equal(t, made, there)

	ended := record(entitlement.Cancelled)
	_, f = b.carry(&ended, 0)
	require.Nil(t, f, "a history is no obstacle")
}

// Under our very external id: it may be ours only if it is the same.
func TestOthersTookTheExternalID(t *testing.T) {
	t.Parallel()
	b := setup(t)
	theirs := record(entitlement.Cancelled)
	theirs.ProductKey = "nova-family"
	made, err := b.target.Create(t.Context(), "others", &theirs)
	require.NoError(t, err)
	ours := record(entitlement.Cancelled)
	_, f := b.carry(&ours, 0)
	require.Equal(t, fault.CodeTargetDiffers, f.Code)
	there, err := b.target.Get(t.Context(), made.EntitlementID)
	require.NoError(t, err)
	require.Equal(t, made, there)

	// Ours was first, and theirs came by a target that takes an id twice: ours
	// is known by what it is.
	b = setup(t)
	id, f := b.carry(&ours, 1)
	require.Nil(t, f)
	_, err = b.target.Create(t.Context(), "others", &theirs)
	require.NoError(t, err)
	got, f := b.carry(&ours, 0)
	require.Nil(t, f)
	require.Equal(t, id, got)

	// Two that could be ours are nobody's until somebody has looked.
	b = setup(t)
	_, f = b.carry(&ours, 1)
	require.Nil(t, f)
	_, err = b.target.Create(t.Context(), "others", &ours)
	require.NoError(t, err)
	_, f = b.carry(&ours, 0)
	require.Equal(t, fault.CodeTargetDiffers, f.Code)
	require.Contains(t, f.Message, "2 entitlements")
}
