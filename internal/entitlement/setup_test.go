package entitlement

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// now is the time at which the tests judge.
var now = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

func at(days int) *time.Time {
	t := now.AddDate(0, 0, days)
	return &t
}

// record is a sound one of the status.
func record(t testing.TB, s Status) *Record {
	t.Helper()
	r := &Record{
		ExternalEntitlementID: "ext-1", CustomerIdentifier: "cust-1",
		MerchantAccountKey: "nova-music", ProductKey: "nova-basic", OfferKey: "bundle",
		Status: s, DateCreated: at(-100),
	}
	if s != Pending {
		r.DateActivated = at(-90)
	}
	switch s {
	case Suspended:
		r.DateSuspended = at(-10)
	case ActiveEnding:
		r.DateEnded = at(30)
	case Cancelled, Revoked:
		r.DateEnded = at(-5)
	}
	return r
}

func route() *Route {
	return &Route{
		Route: "acme-nova", Reseller: "acme", MerchantAccountKey: "nova-music",
		Products:                []Product{{ProductKey: "nova-basic", OfferKeys: []string{"bundle", "addon"}}},
		Statuses:                AllStatuses(),
		Actions:                 []Step{Activate, Suspend, Cancel, Revoke},
		EntitlementsPerCustomer: 1,
	}
}

// anyRecord draws a sound record of any status with any history.
func anyRecord(t *rapid.T) *Record {
	text := rapid.StringMatching(`[a-z0-9-]{1,20}`)
	r := &Record{
		ExternalEntitlementID: text.Draw(t, "external id"), CustomerIdentifier: text.Draw(t, "customer"),
		MerchantAccountKey: "nova-music", ProductKey: text.Draw(t, "product"),
		Status: rapid.SampledFrom(AllStatuses()).Draw(t, "status"),
	}
	if rapid.Bool().Draw(t, "offer") {
		r.OfferKey = text.Draw(t, "offer key")
	}
	clock := now.AddDate(-4, 0, 0)
	next := func(name string) *time.Time {
		clock = clock.Add(time.Duration(rapid.Int64Range(0, int64(200*24*time.Hour)).Draw(t, name)))
		past := clock
		return &past
	}
	r.DateCreated = next("created")
	ended := r.Status == Cancelled || r.Status == Revoked
	if r.Status != Pending && (!ended || !rapid.Bool().Draw(t, "never active")) {
		r.DateActivated = next("activated")
	}
	if r.Status == Suspended {
		if rapid.Bool().Draw(t, "suspended before") {
			r.DateResumed = next("resumed")
		}
		r.DateSuspended = next("suspended")
	} else if r.DateActivated != nil && rapid.Bool().Draw(t, "history") {
		r.DateSuspended, r.DateResumed = next("suspended"), next("resumed")
	}
	if ended {
		r.DateEnded = next("ended")
	}
	if r.Status == ActiveEnding {
		r.DateEnded = at(rapid.IntRange(1, 500).Draw(t, "ends"))
	}
	if r.Status.Living() && rapid.Bool().Draw(t, "expires") {
		r.DateExpiry = at(rapid.IntRange(-100, 500).Draw(t, "expiry"))
	}
	return r
}

// after is what a target holds once it has done a record's first k steps.
func after(r *Record, k int) Entitlement {
	return Entitlement{
		EntitlementID:         "0b3f1d0e-6a1c-4a52-9c86-0d6f8f1f2a11",
		ExternalEntitlementID: r.ExternalEntitlementID, CustomerIdentifier: r.CustomerIdentifier,
		MerchantAccountKey: r.MerchantAccountKey, ProductKey: r.ProductKey, OfferKey: r.OfferKey,
		Status:      StatusAfter(r, Steps(r, now)[k-1], now),
		DateCreated: r.DateCreated, DateActivated: r.DateActivated, DateSuspended: r.DateSuspended,
		DateResumed: r.DateResumed, DateEnded: r.DateEnded, DateExpiry: r.DateExpiry, Settled: true,
	}
}
