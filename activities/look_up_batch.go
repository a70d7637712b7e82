package activities

import (
	"context"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
)

// LookUpBatchInput names the batch to look up.
type LookUpBatchInput struct {
	BatchRef
	Route             string  `json:"route,omitempty"`
	RequestsPerSecond float64 `json:"requestsPerSecond,omitempty"`
}

// LookUpBatch asks the target, in one call for some hundred records, which of
// a batch's external ids it already has: what is there before the batch begins
// is not this run's work. Answers record numbers.
func (a *Activities) LookUpBatch(ctx context.Context, in LookUpBatchInput) ([]int, error) {
	ctx, stopPulse := withPulse(ctx)
	defer stopPulse()
	ctx = a.pace.of(ctx, in.Migration, in.Route, in.RequestsPerSecond)
	var records []stagedRecord
	err := a.eachRecord(ctx, in.BatchRef, func(r stagedRecord) error {
		records = append(records, r)
		return nil
	})
	if err != nil {
		return nil, fault.Activity(err)
	}
	found, err := a.findAll(ctx, records)
	if err != nil {
		return nil, fault.Activity(err)
	}
	var known []int
	for _, r := range records {
		if _, ok := found[r.decoded.ExternalEntitlementID]; ok {
			known = append(known, r.number)
		}
	}
	return known, nil
}

// findAll reads the target's entitlements of some records by external id. Where
// the target has several under one id it gives the record's own, or one of them
// if that can't be told.
func (a *Activities) findAll(ctx context.Context, records []stagedRecord) (map[string]entitlement.Entitlement, error) {
	all, err := a.findEvery(ctx, records)
	if err != nil {
		return nil, err
	}
	found := make(map[string]entitlement.Entitlement, len(all))
	for _, r := range records {
		if there := all[r.decoded.ExternalEntitlementID]; len(there) > 0 {
			found[r.decoded.ExternalEntitlementID] = a.own(&r.decoded, there)
		}
	}
	return found, nil
}

// own is the record's entitlement among those under its external id.
func (a *Activities) own(r *entitlement.Record, there []entitlement.Entitlement) entitlement.Entitlement {
	if e, _, ok := entitlement.Choose(r, there, a.now()); ok {
		return e
	}
	return there[0]
}

// findEvery reads all that the target has under some records' external ids, a
// page of records at a time.
func (a *Activities) findEvery(ctx context.Context, records []stagedRecord) (map[string][]entitlement.Entitlement, error) {
	found := make(map[string][]entitlement.Entitlement, len(records))
	for len(records) > 0 {
		heartbeat(ctx, len(found))
		page := pageOf(records)
		records = records[len(page):]
		ids := make([]string, len(page))
		for i, r := range page {
			ids[i] = r.decoded.ExternalEntitlementID
		}
		entitlements, err := a.target.Find(ctx, page[0].decoded.MerchantAccountKey, ids)
		if err != nil {
			return nil, err
		}
		for _, e := range entitlements {
			found[e.ExternalEntitlementID] = append(found[e.ExternalEntitlementID], e)
		}
	}
	return found, nil
}
