package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/f0a90b9a/ferry/activities"
	"github.com/f0a90b9a/ferry/internal/migration"
)

// ReconcileMigrationInput names a migration that is over.
type ReconcileMigrationInput struct {
	Migration string `json:"migration"`
}

// ReconcileMigration compares a past migration with the target again, from what
// it left in the work bucket, and leaves two files of its own. What differs is
// looked at twice. It writes nothing to the target, and nothing that the
// migration wrote is changed. It fails with BAD_INPUT if there is nothing to
// compare, with UNAUTHORIZED, and with STORE_FAULT if files were changed; a
// target or store that is away is waited for.
func ReconcileMigration(ctx workflow.Context, in ReconcileMigrationInput) (*migration.Reconciliation, error) {
	r := &reconcileRun{in: in, ctx: ctx, now: migration.Reconciliation{
		Migration: in.Migration, Against: migration.AgainstTarget, Phase: migration.Checking,
		StartedAt: workflow.Now(ctx).UTC().Truncate(time.Millisecond), Files: map[string]migration.FileInfo{},
	}}
	r.now.Sort()
	err := workflow.SetQueryHandlerWithOptions(ctx, QueryProgress, func() (migration.Reconciliation, error) { return r.now, nil },
		workflow.QueryHandlerOptions{Description: describeProgress})
	if err != nil {
		return nil, err
	}
	for _, part := range []func() error{r.open, r.look, r.wait, r.write} {
		if err := part(); err != nil {
			return nil, err
		}
	}
	return &r.now, nil
}

// reconcileRun is the state of the workflow.
type reconcileRun struct {
	in     ReconcileMigrationInput
	ctx    workflow.Context
	opened activities.OpenReconciliationResult
	second activities.SecondLook
	now    migration.Reconciliation // as far as it is known
}

// open reads what the migration was.
func (r *reconcileRun) open() error {
	in := activities.OpenReconciliationInput{Migration: r.in.Migration}
	if err := r.insist(withReading(r.ctx, time.Minute), activities.OpenReconciliationName, in, &r.opened); err != nil {
		return err
	}
	r.now.Route, r.now.Records, r.now.Phase = r.opened.Route, r.opened.Records, migration.Reconciling
	return nil
}

// look has a first look at everything, in so many pages at most that the
// history stays short.
func (r *reconcileRun) look() error {
	return pagesOf(r.opened.Batches, func(from, to int) error {
		var seen activities.Look
		in := activities.LookAtBatchesInput{
			Migration: r.in.Migration, Route: r.opened.Route, From: from, To: to,
			RequestsPerSecond: r.opened.RequestsPerSecond,
		}
		if err := r.insist(withReading(r.ctx, time.Minute), activities.LookAtBatchesName, in, &seen); err != nil {
			return err
		}
		r.now.Plus(seen.Right)
		r.now.Looked += seen.Looked
		r.second.Add(&seen)
		return nil
	})
}

// wait lets live changes and answers settle before what differs is looked at
// again.
func (r *reconcileRun) wait() error {
	if !r.second.Needed() {
		return nil
	}
	wait := time.Duration(r.opened.SecondLookSeconds) * time.Second
	r.now.Reason = fmt.Sprintf("%d records or more are looked at again at %s",
		len(r.second.Again), workflow.Now(r.ctx).Add(wait).UTC().Format(time.RFC3339))
	return workflow.Sleep(r.ctx, wait)
}

func (r *reconcileRun) write() error {
	var done migration.Reconciliation
	in := activities.WriteReconciliationInput{
		Reconciliation: r.now, SecondLook: r.second, RequestsPerSecond: r.opened.RequestsPerSecond,
	}
	if err := r.insist(withReading(r.ctx, time.Minute), activities.WriteReconciliationName, in, &done); err != nil {
		return err
	}
	r.now = done
	return nil
}

// insist runs an activity until it succeeds, outages outlasted.
func (r *reconcileRun) insist(ctx workflow.Context, name string, in, out any) error {
	again := func() error { return workflow.NewContinueAsNewError(r.ctx, ReconcileMigrationName, r.in) }
	return aftermath{again: again, pause: r.pause}.outlast(ctx, name, in, out)
}

// pause shows that the workflow waits, and for what, until goOn is called.
func (r *reconcileRun) pause(reason string) (goOn func()) {
	phase, before := r.now.Phase, r.now.Reason
	r.now.Phase, r.now.Reason = migration.Paused, reason
	return func() { r.now.Phase, r.now.Reason = phase, before }
}
