package activities

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
)

// LookUpBatchInput names the batch to look up.
type LookUpBatchInput struct {
	BatchRef
	Route             string  `json:"route,omitempty"`
	RequestsPerSecond float64 `json:"requestsPerSecond,omitempty"`
}

// lookUpLimit bounds the halving of pages of one look-up, which with a call
// before and one after stays below callTimeout of the workflows: the batch waits
// for it, and each record looks for itself again before it is created.
const lookUpLimit = 45 * time.Second

// LookUpBatch asks the target, in one call for some hundred records, which of
// a batch's external ids it already has: what is there before the batch begins
// is not this run's work. Answers record numbers. An id that the target gives
// no answer for is left out: its record's own look tells what is to become of
// it, and holds up nobody else. So is every id if the target answers its echo
// and no look-up, once that hasn't passed within some attempts.
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
	info := activity.GetInfo(ctx)
	seen, err := a.findEvery(ctx, records, finder{
		soon: info.IsLocalActivity || info.Attempt <= soonTries, limit: lookUpLimit,
	})
	if trouble, ok := whole(err); ok && (trouble.Kind != fault.Retryable || !info.IsLocalActivity && info.Attempt > soonTries) {
		err = nil
	}
	if err != nil {
		return nil, fault.Activity(err)
	}
	var known []int
	for _, r := range records {
		if len(seen.found[r.decoded.ExternalEntitlementID]) > 0 {
			known = append(known, r.number)
		}
	}
	return known, nil
}

// patientFinder gives one for a pass that has no other way to know: a trouble
// of all its look-ups is an error in its first attempts.
func patientFinder(ctx context.Context) finder {
	info := activity.GetInfo(ctx)
	return finder{soon: info.IsLocalActivity || info.Attempt <= soonTries}
}

// findEvery reads all that the target has under some records' external ids, a
// page of records at a time. What it gives beside an error is what it knows.
func (a *Activities) findEvery(ctx context.Context, records []stagedRecord, f finder) (sighted, error) {
	f.target, f.beat = a.target, func() { heartbeat(ctx, len(f.found)) }
	f.sighted = sighted{
		found: make(map[string][]entitlement.Entitlement, len(records)), unread: map[string]*fault.Fault{},
	}
	for len(records) > 0 {
		page := pageOf(records)
		records = records[len(page):]
		ids := make([]string, len(page))
		for i, r := range page {
			ids[i] = r.decoded.ExternalEntitlementID
		}
		f.merchant = page[0].decoded.MerchantAccountKey
		if err := f.page(ctx, ids); err != nil {
			return f.sighted, err
		}
	}
	return f.sighted, nil
}
