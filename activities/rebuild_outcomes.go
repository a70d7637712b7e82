package activities

import (
	"context"
	"strings"

	"github.com/f0a90b9a/ferry/internal/entitlement"
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
	for _, b := range plan.Batches[max(in.From, 1)-1 : min(in.To, len(plan.Batches))] {
		heartbeat(ctx, b.Number)
		outcomes, err := a.rebuildBatch(ctx, batchRef(in.Migration, b))
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
func (a *Activities) rebuildBatch(ctx context.Context, b BatchRef) (map[int]migration.Outcome, error) {
	kept, err := a.outcomes(ctx, b)
	if err != nil || kept != nil {
		return kept, err
	}
	var records []stagedRecord
	err = a.eachRecord(ctx, b, func(r stagedRecord) error {
		records = append(records, r)
		return nil
	})
	if err != nil {
		return nil, err
	}
	found, err := a.findAll(ctx, records)
	if err != nil {
		return nil, err
	}
	seen := make(map[int]migration.Outcome, len(records))
	for _, r := range records {
		seen[r.number] = a.seenAt(r, found)
	}
	created, err := a.putOutcomes(ctx, b, seen)
	if err != nil {
		return nil, err
	}
	if !created {
		return a.outcomes(ctx, b)
	}
	return seen, nil
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

// What befell a record that its run left half-way, or of which the target has
// nothing.
const (
	leftHalfWay = "the run was ended by force before this record was finished"
	leftOut     = "the run was ended by force, and the target has nothing of this record"
)

// seenAt is the outcome that the target shows for a record whose run left none.
// It has no times, so that it is the same whenever it is made.
func (a *Activities) seenAt(r stagedRecord, found map[string]entitlement.Entitlement) migration.Outcome {
	o := notAttempted(r, fault.CodeOperatorStopped)
	there, ok := found[r.decoded.ExternalEntitlementID]
	if !ok {
		o.Message = leftOut
		return o
	}
	now := a.now()
	steps, c := entitlement.Steps(&r.decoded, now), entitlement.Compare(&r.decoded, there, now)
	switch {
	case !c.Same():
		o.Fate, o.Step, o.Code, o.Retryable = migration.Failed, steps[0], fault.CodeTargetDiffers, false
		o.Message = "the target has this entitlement with another " + strings.Join(c.Differences, ", ")
		return o
	case c.Done():
		o.Fate, o.Code, o.Message, o.Retryable = migration.Migrated, "", "", false
	default:
		o.Fate, o.Step, o.Message = migration.Failed, c.Remaining[0], leftHalfWay
		if !there.Settled {
			o.Code = fault.CodeStillPending
		}
	}
	o.EntitlementID, o.StepsDone = there.EntitlementID, steps[:len(steps)-len(c.Remaining)]
	return o
}
