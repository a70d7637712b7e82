package activities

import (
	"context"

	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
)

// ResolveRecordsInput names records of a batch whose workflows closed without
// an outcome. No Records means all of the batch.
type ResolveRecordsInput struct {
	BatchRef
	Records           []int   `json:"records,omitempty"`
	Route             string  `json:"route,omitempty"`
	RequestsPerSecond float64 `json:"requestsPerSecond,omitempty"`
}

// ResolveRecords gives such records an outcome by reading the target, see
// judgeLeft. A record of which the target gives no answer, or all of them if it
// gives none though it answers its echo, is FAILED so: a reload looks again.
func (a *Activities) ResolveRecords(ctx context.Context, in ResolveRecordsInput) ([]migration.Outcome, error) {
	ctx, stop := withPulse(ctx)
	defer stop()
	ctx = a.pace.of(ctx, in.Migration, in.Route, in.RequestsPerSecond)
	wanted := map[int]bool{}
	for _, n := range in.Records {
		wanted[n] = true
	}
	var records []stagedRecord
	err := a.eachRecord(ctx, in.BatchRef, func(r stagedRecord) error {
		if len(wanted) == 0 || wanted[r.number] {
			records = append(records, r)
		}
		return nil
	})
	if err != nil {
		return nil, fault.Activity(err)
	}
	f := patientFinder(ctx)
	f.limit = lookUpLimit // what isn't known by then is not waited for
	seen, err := a.findEvery(ctx, records, f)
	trouble, all := whole(err)
	if err != nil && (!all || f.soon) {
		return nil, fault.Activity(err)
	}
	now := a.now().UTC()
	out := make([]migration.Outcome, len(records))
	for i, r := range records {
		left := seen.left(r, trouble)
		left.begun, left.halfWay = true, endedByHand
		out[i] = judgeLeft(left, now)
		out[i].FinishedAt = &now
	}
	return out, nil
}
