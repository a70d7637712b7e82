package activities

import (
	"context"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
)

// findPage is how many external ids one report call asks for.
const findPage = 100

// LookUpBatchInput names the batch to look up.
type LookUpBatchInput struct {
	BatchRef
	Route             string  `json:"route,omitempty"`
	RequestsPerSecond float64 `json:"requestsPerSecond,omitempty"`
}

// LookUpBatch asks the target, in one call for each hundred records, which of
// a batch's external ids it already has. Their creates then look before they
// write, which makes a second run of a record safe also where the target has
// forgotten its request identifiers and does not keep external ids unique.
// Answers record numbers.
func (a *Activities) LookUpBatch(ctx context.Context, in LookUpBatchInput) ([]int, error) {
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

// findAll reads the target's entitlements of some records by external id, a
// page at a time.
func (a *Activities) findAll(ctx context.Context, records []stagedRecord) (map[string]entitlement.Entitlement, error) {
	found := make(map[string]entitlement.Entitlement, len(records))
	for len(records) > 0 {
		heartbeat(ctx, len(found))
		page := records[:min(findPage, len(records))]
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
			found[e.ExternalEntitlementID] = e
		}
	}
	return found, nil
}
