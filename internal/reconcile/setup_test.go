package reconcile

import (
	"fmt"
	"testing"
	"time"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/migration"
)

var now = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func ago(days int) *time.Time { return new(now.AddDate(0, 0, -days).Add(89 * time.Millisecond)) }

// bundle is one migrated record with what the platform has of it, which begins
// as it should be.
type bundle struct {
	record  entitlement.Record
	outcome migration.Outcome
	there   entitlement.Entitlement
	found   []entitlement.Entitlement // besides
	later   bool
}

func id(n int) string { return fmt.Sprintf("5a2e8f7c-1c8a-4e8f-9b4e-%012d", n) }

func setup(t *testing.T, status entitlement.Status) *bundle {
	t.Helper()
	b := &bundle{record: entitlement.Record{
		ExternalEntitlementID: "ext-1", CustomerIdentifier: "café", MerchantAccountKey: "nova-music", ProductKey: "nova-basic",
		OfferKey: "bundle", Status: status, DateCreated: ago(90),
	}}
	r := &b.record
	if status != entitlement.Pending {
		r.DateActivated = ago(80)
	}
	switch status {
	case entitlement.Suspended:
		r.DateSuspended = ago(10)
	case entitlement.Cancelled, entitlement.Revoked:
		r.DateEnded = ago(5)
	case entitlement.ActiveEnding:
		r.DateEnded = ago(-5)
	case entitlement.Pending, entitlement.Active:
	}
	b.outcome = migration.Outcome{Record: 1, ExternalEntitlementID: "ext-1", Fate: migration.Migrated, EntitlementID: id(1), Status: status}
	b.there = entitlement.Entitlement{
		EntitlementID: id(1), ExternalEntitlementID: "ext-1", CustomerIdentifier: r.CustomerIdentifier,
		MerchantAccountKey: r.MerchantAccountKey, ProductKey: r.ProductKey, OfferKey: r.OfferKey, Status: status,
		DateCreated: r.DateCreated, DateActivated: r.DateActivated, DateSuspended: r.DateSuspended, DateEnded: r.DateEnded, Settled: true,
	}
	return b
}

// besides is another entitlement under the same external id.
func (b *bundle) besides(n int) entitlement.Entitlement {
	e := b.there
	e.EntitlementID, e.ProductKey = id(n), "nova-family"
	return e
}

func (b *bundle) judge() Verdict {
	found := b.found
	if b.there.EntitlementID != "" {
		found = append([]entitlement.Entitlement{b.there}, found...)
	}
	return Judge(Pair{Record: &b.record, Outcome: b.outcome, Found: found, Now: now, Later: b.later})
}
