package migrator_test

import (
	"log/slog"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migrator"
	"github.com/f0a90b9a/ferry/internal/resale"
	"github.com/f0a90b9a/ferry/internal/sandbox"
)

var now = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func day(n int) *time.Time { return new(now.AddDate(0, 0, n)) }

// bundle is a migrator on a sandbox that takes doubles and has forgotten every
// identifier, as a careless target has weeks later.
type bundle struct {
	t      *testing.T
	box    *sandbox.Server
	target *resale.Client
	m      *migrator.Migrator
}

func setup(t *testing.T) *bundle {
	t.Helper()
	clock := func() time.Time { return now }
	faults := sandbox.DefaultFaults()
	faults.UniqueExternalIDs = false
	box, err := sandbox.New(sandbox.Options{Now: clock, Log: slog.New(slog.DiscardHandler), Faults: &faults})
	require.NoError(t, err)
	web := httptest.NewServer(box.Handler())
	target, err := resale.NewClient(resale.Options{
		BaseURL: web.URL, Username: sandbox.DefaultUser, Password: sandbox.DefaultPassword, Timeout: time.Minute,
	})
	require.NoError(t, err)
	t.Cleanup(func() {
		target.Close()
		web.Close()
		require.NoError(t, box.Close())
	})
	return &bundle{t: t, box: box, target: target, m: migrator.New(target, clock)}
}

// carry takes a record through some of its steps, all if n is 0, and gives the
// calls that had to be made.
func (b *bundle) carry(r *entitlement.Record, n int) (id string, f *fault.Fault) {
	b.t.Helper()
	steps := entitlement.Steps(r, now)
	for done := 0; len(steps) > 0 && (n == 0 || done < n); done++ {
		res, err := b.m.Do(b.t.Context(), migrator.Task{Route: "acme-nova", Record: r, Step: steps[0], EntitlementID: id})
		if err != nil {
			f, ok := fault.As(err)
			require.True(b.t, ok, "%v", err)
			return id, f
		}
		id, steps = res.EntitlementID, res.Remaining
	}
	return id, nil
}

func (b *bundle) forget() {
	b.t.Helper()
	_, err := b.box.Forget()
	require.NoError(b.t, err)
}

// effective gives the steps that took effect since the books said before.
func (b *bundle) effective(before sandbox.Stats) (steps []entitlement.Step) {
	b.t.Helper()
	after, err := b.box.Stats(b.t.Context())
	require.NoError(b.t, err)
	require.Zero(b.t, after.DuplicateExternalIDs)
	for _, s := range []entitlement.Step{entitlement.Create, entitlement.Activate, entitlement.Suspend, entitlement.Cancel, entitlement.Revoke} {
		for range after.Effective[string(s)] - before.Effective[string(s)] {
			steps = append(steps, s)
		}
	}
	return steps
}

func record(s entitlement.Status) entitlement.Record {
	r := entitlement.Record{
		ExternalEntitlementID: "ext-1", CustomerIdentifier: "cust-1", MerchantAccountKey: "nova-music",
		ProductKey: "nova-basic", OfferKey: "bundle", Status: s, DateCreated: day(-100), DateActivated: day(-90),
	}
	switch s {
	case entitlement.Pending:
		r.DateActivated = nil
	case entitlement.Suspended:
		r.DateSuspended = day(-10)
	case entitlement.ActiveEnding:
		r.DateEnded = day(30)
	case entitlement.Cancelled, entitlement.Revoked:
		r.DateEnded = day(-5)
	case entitlement.Active:
	}
	return r
}

// change is a record of a reload whose data was changed meanwhile.
type change struct {
	name   string
	was    entitlement.Status
	steps  int // done by the first migration; 0: all
	to     func(*entitlement.Record)
	calls  []entitlement.Step // that have to be made; none where it is there
	differ string             // the fields that TARGET_DIFFERS names
}

func status(s entitlement.Status, with ...func(*entitlement.Record)) func(*entitlement.Record) {
	return func(r *entitlement.Record) {
		r.Status = s
		for _, w := range with {
			w(r)
		}
	}
}

func suspended(n int) func(*entitlement.Record) {
	return func(r *entitlement.Record) { r.DateSuspended = day(n) }
}

func ended(n int) func(*entitlement.Record) {
	return func(r *entitlement.Record) { r.DateEnded = day(n) }
}

func neverActive(r *entitlement.Record) { r.DateActivated = nil }

// changes are the rows of the table of changed reloads in docs/live-traffic.md.
func changes() []change {
	const activate, suspend, cancel, revoke = entitlement.Activate, entitlement.Suspend, entitlement.Cancel, entitlement.Revoke
	calls := func(s ...entitlement.Step) []entitlement.Step { return s }
	return []change{
		{name: "nothing, created only", was: entitlement.Active, steps: 1, to: func(*entitlement.Record) {}, calls: calls(activate)},
		{name: "nothing, done", was: entitlement.Active, to: func(*entitlement.Record) {}},
		{name: "product", was: entitlement.Active, steps: 1, to: func(r *entitlement.Record) { r.ProductKey = "nova-family" }, differ: "productKey"},
		{name: "offer", was: entitlement.Active, steps: 1, to: func(r *entitlement.Record) { r.OfferKey = "addon" }, differ: "offerKey"},
		{name: "no offer", was: entitlement.Active, steps: 1, to: func(r *entitlement.Record) { r.OfferKey = "" }, calls: calls(activate)},
		{name: "customer", was: entitlement.Active, steps: 1, to: func(r *entitlement.Record) { r.CustomerIdentifier = "cust-2" }, differ: "customerIdentifier"},
		{name: "created at", was: entitlement.Active, steps: 1, to: func(r *entitlement.Record) { r.DateCreated = day(-99) }, differ: "dateCreated"},
		{name: "activated at, before it was", was: entitlement.Active, steps: 1, to: func(r *entitlement.Record) { r.DateActivated = day(-89) }, differ: "dateActivated"},
		{name: "suspended at", was: entitlement.Suspended, to: suspended(-9), differ: "dateSuspended"},
		{name: "ended at", was: entitlement.Cancelled, to: ended(-4), differ: "dateEnded"},
		{name: "a later end", was: entitlement.ActiveEnding, to: ended(31), differ: "dateEnded"},
		{name: "an expiry", was: entitlement.Active, to: func(r *entitlement.Record) { r.DateExpiry = day(50) }, differ: "dateExpiry"},
		{name: "what is not compared", was: entitlement.Cancelled, steps: 1, to: func(r *entitlement.Record) {
			r.EntitlementDisplayName, r.MerchantEntitlementID, r.NotificationURL = "Nova", "m-1", "https://example.com/n"
			r.ExtensionData, r.ReasonCategory, r.ReasonCode = []byte(`{"a":1}`), "CUSTOMER_CANCELLED", "OTHER"
		}, calls: calls(activate, cancel)},

		{name: "PENDING on to ACTIVE", was: entitlement.Pending, to: status(entitlement.Active, func(r *entitlement.Record) { r.DateActivated = day(-1) }), calls: calls(activate)},
		{name: "PENDING on to CANCELLED", was: entitlement.Pending, to: status(entitlement.Cancelled, ended(-1)), calls: calls(cancel)},
		{name: "ACTIVE on to SUSPENDED", was: entitlement.Active, to: status(entitlement.Suspended, suspended(-1)), calls: calls(suspend)},
		{name: "ACTIVE on to ACTIVE-ENDING", was: entitlement.Active, to: status(entitlement.ActiveEnding, ended(9)), calls: calls(cancel)},
		{name: "ACTIVE on to CANCELLED", was: entitlement.Active, to: status(entitlement.Cancelled, ended(-1)), calls: calls(cancel)},
		{name: "ACTIVE on to REVOKED", was: entitlement.Active, to: status(entitlement.Revoked, ended(-1)), calls: calls(revoke)},
		{name: "ACTIVE, created only, on to SUSPENDED", was: entitlement.Active, steps: 1, to: status(entitlement.Suspended, suspended(-1)), calls: calls(activate, suspend)},
		{name: "SUSPENDED on to CANCELLED", was: entitlement.Suspended, to: status(entitlement.Cancelled, ended(-1)), calls: calls(cancel)},
		{name: "SUSPENDED on to REVOKED", was: entitlement.Suspended, to: status(entitlement.Revoked, ended(-1)), calls: calls(revoke)},
		{name: "SUSPENDED on to ACTIVE-ENDING", was: entitlement.Suspended, to: status(entitlement.ActiveEnding, ended(9)), differ: "status, dateEnded"},

		{name: "ACTIVE back to PENDING", was: entitlement.Active, to: status(entitlement.Pending, neverActive), differ: "status, dateActivated"},
		{name: "ACTIVE, created only, back to PENDING", was: entitlement.Active, steps: 1, to: status(entitlement.Pending, neverActive), differ: "dateActivated"},
		{name: "SUSPENDED back to ACTIVE", was: entitlement.Suspended, to: status(entitlement.Active, func(r *entitlement.Record) { r.DateSuspended = nil }), differ: "status, dateSuspended"},
		{name: "SUSPENDED resumed", was: entitlement.Suspended, to: status(entitlement.Active, func(r *entitlement.Record) { r.DateResumed = day(-1) }), differ: "status, dateResumed"},
		{name: "ACTIVE-ENDING back to ACTIVE", was: entitlement.ActiveEnding, to: status(entitlement.Active, func(r *entitlement.Record) { r.DateEnded = nil }), differ: "status, dateEnded"},
		{name: "CANCELLED back to ACTIVE", was: entitlement.Cancelled, to: status(entitlement.Active, func(r *entitlement.Record) { r.DateEnded = nil }), differ: "status, dateEnded"},
		{name: "CANCELLED to REVOKED", was: entitlement.Cancelled, to: status(entitlement.Revoked), differ: "status"},
	}
}

// A reload whose data was changed meanwhile is held against what the target
// has, by the id that a partial record carries or by the external id, and is
// continued or refused. What the target has is never changed to fit.
func TestChangedReloads(t *testing.T) {
	t.Parallel()
	for _, c := range changes() {
		for _, byID := range []bool{true, false} {
			name := c.name + map[bool]string{true: ", by entitlementId", false: ""}[byID]
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				b := setup(t)
				first := record(c.was)
				id, f := b.carry(&first, c.steps)
				require.Nil(t, f)
				b.forget()
				before, err := b.box.Stats(t.Context())
				require.NoError(t, err)
				held, err := b.target.Get(t.Context(), id)
				require.NoError(t, err)

				r := record(c.was)
				c.to(&r)
				require.Empty(t, entitlement.Validate(&r, now), "the table is of files that are accepted")
				if byID {
					r.EntitlementID = id
				}
				got, f := b.carry(&r, 0)
				require.ElementsMatch(t, c.calls, b.effective(before))
				there, err := b.target.Get(t.Context(), id)
				require.NoError(t, err)
				if c.differ != "" {
					require.NotNil(t, f)
					require.Equal(t, fault.CodeTargetDiffers, f.Code)
					require.Equal(t, "the target has this entitlement with another "+c.differ, f.Message)
					require.Equal(t, id, f.EntitlementID)
					require.Equal(t, held, there, "it is left as it was")
					return
				}
				require.Nil(t, f)
				require.Equal(t, id, got)
				require.True(t, entitlement.Compare(&r, there, now).Done())
			})
		}
	}
}

func TestReloadOfAnotherExternalID(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first := record(entitlement.Active)
	id, f := b.carry(&first, 1)
	require.Nil(t, f)
	r := record(entitlement.Active)
	r.ExternalEntitlementID, r.EntitlementID = "ext-2", id
	_, f = b.carry(&r, 0)
	require.Equal(t, fault.CodeTargetDiffers, f.Code, "the id says whose it is")
	require.Contains(t, f.Message, "externalEntitlementId")

	r.EntitlementID = ""
	_, f = b.carry(&r, 0)
	require.Equal(t, fault.CodeCustomerLimit, f.Code, "without it, it is another entitlement of the same customer")
	r.CustomerIdentifier = "cust-2"
	other, f := b.carry(&r, 0)
	require.Nil(t, f)
	require.NotEqual(t, id, other)
}

func TestReloadThatNamesAnothersEntitlement(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first, other := record(entitlement.Active), record(entitlement.Active)
	other.ExternalEntitlementID, other.CustomerIdentifier = "ext-9", "cust-9"
	_, f := b.carry(&first, 1)
	require.Nil(t, f)
	theirs, f := b.carry(&other, 1)
	require.Nil(t, f)
	held, err := b.target.Get(t.Context(), theirs)
	require.NoError(t, err)

	r := record(entitlement.Active)
	r.EntitlementID = theirs
	_, f = b.carry(&r, 0)
	require.Equal(t, fault.CodeTargetDiffers, f.Code)
	there, err := b.target.Get(t.Context(), theirs)
	require.NoError(t, err)
	require.Equal(t, held, there)

	r.EntitlementID = "0b3f1d0e-6a1c-4a52-9c86-0d6f8f1f2a11"
	_, f = b.carry(&r, 0)
	require.Equal(t, fault.CodeEntitlementNotFound, f.Code, "and nothing is created anew")
	before, err := b.box.Stats(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 2, before.Effective["create"])
}
