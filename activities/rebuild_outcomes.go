package activities

import (
	"context"

	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
)

// RebuildOutcomesInput names consecutive batches of a migration that no longer
// runs.
type RebuildOutcomesInput struct {
	Migration string `json:"migration"`
	Route     string `json:"route"`
	From      int    `json:"from"` // batch numbers, both included
	To        int    `json:"to"`

	RequestsPerSecond float64 `json:"requestsPerSecond,omitempty"`

	// Written is what the closed root knew of the outcomes that are there; nil if
	// it could not tell.
	Written *migration.Written `json:"written,omitempty"`
}

// RebuildOutcomes sees to it that every one of these batches has outcomes, and
// counts them by fate. What a batch wrote itself is kept; a batch that wrote
// nothing gets the outcomes that the target shows. They are the only trace of
// progress: a repeat passes over the batches that have them, and goes on.
func (a *Activities) RebuildOutcomes(ctx context.Context, in RebuildOutcomesInput) (migration.Outcomes, error) {
	ctx, stop := withPulse(ctx)
	defer stop()
	sum, err := a.rebuildOutcomes(a.pace.of(ctx, in.Migration, in.Route, in.RequestsPerSecond), in)
	return sum, fault.Activity(err)
}

func (a *Activities) rebuildOutcomes(ctx context.Context, in RebuildOutcomesInput) (migration.Outcomes, error) {
	var sum migration.Outcomes
	plan, err := a.plans.get(ctx, in.Migration)
	if err != nil {
		return sum, err
	}
	check := migration.NewCheck(in.Written)
	for _, b := range plan.Batches[max(in.From, 1)-1 : min(in.To, len(plan.Batches))] {
		heartbeat(ctx, b.Number)
		outcomes, err := a.rebuildBatch(ctx, batchRef(in.Migration, b), check)
		if err != nil {
			return sum, err
		}
		for _, o := range outcomes {
			sum.Add(o.Fate, 1)
		}
	}
	return sum, nil
}

// rebuildBatch gives a batch's outcomes, written now if there were none.
func (a *Activities) rebuildBatch(ctx context.Context, b BatchRef, check *migration.Check) (map[int]migration.Outcome, error) {
	kept, sum, err := a.readOutcomes(ctx, b)
	if err != nil {
		return nil, err
	}
	if kept != nil { // what is gone is made anew
		if first, last := check.See(b.Number, sum); first > 0 {
			return nil, changedOutcomes(b.Migration, first, last)
		}
		return kept, nil
	}
	var records []stagedRecord
	err = a.eachRecord(ctx, b, func(r stagedRecord) error {
		records = append(records, r)
		return nil
	})
	if err != nil {
		return nil, err
	}
	seen, err := a.findEvery(ctx, records, patientFinder(ctx))
	if err != nil {
		return nil, err
	}
	made := make(map[int]migration.Outcome, len(records))
	for _, r := range records {
		left := seen.left(r, nil)
		left.halfWay = endedByForce
		made[r.number] = judgeLeft(left, a.now())
	}
	created, err := a.putOutcomes(ctx, b, made)
	if err != nil {
		return nil, err
	}
	if !created {
		kept, _, err = a.readOutcomes(ctx, b)
		return kept, err
	}
	return made, nil
}

// putOutcomes writes a batch's outcomes unless it has some: what the batch
// itself wrote knows more, and is never replaced.
func (a *Activities) putOutcomes(ctx context.Context, b BatchRef, known map[int]migration.Outcome) (created bool, err error) {
	body, written, err := a.encodeOutcomes(ctx, b, known, fault.CodeOperatorStopped)
	if err != nil {
		return false, err
	}
	key := migration.Key(b.Migration, migration.OutcomesFile(b.Number))
	created, err = a.store.PutIfAbsent(ctx, a.store.Work(key), body, outcomesType)
	if created {
		a.meter.Outcomes(written)
	}
	return created, err
}
