package activities

import (
	"context"
	"time"

	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
)

// reconcileLimit bounds the records that are told apart as different at the
// first look of a whole migration, in memory.
const reconcileLimit = 100_000

// ReconcileInput names the migration to read back.
type ReconcileInput struct {
	Migration         string  `json:"migration"`
	Route             string  `json:"route,omitempty"`
	RequestsPerSecond float64 `json:"requestsPerSecond,omitempty"`
	// SecondLookSeconds is how long to wait before what differed is looked at
	// again; nil: as this worker is configured.
	SecondLookSeconds *int `json:"secondLookSeconds,omitempty"`

	Written *migration.Written `json:"written,omitempty"` // what the batches' outcomes add up to
}

// ReconcileResult is what the target has of a migration.
type ReconcileResult struct {
	Checked   int                        `json:"checked"`
	Found     migration.ByGroup          `json:"found"`               // by status group
	Different int                        `json:"different"`           // rows of correlation.csv that are not OK
	Differing int                        `json:"differing,omitempty"` // migrated records that differ
	Extra     int                        `json:"extra,omitempty"`     // entitlements besides, under the file's ids
	Forgiven  int                        `json:"forgiven,omitempty"`  // differed at the first look alone
	Since     int                        `json:"since,omitempty"`     // not migrated, and there all the same
	Kinds     []migration.DifferenceKind `json:"kinds,omitempty"`
	Examples  []string                   `json:"examples"` // external ids
	File      migration.FileInfo         `json:"file"`     // correlation.csv
}

// Reconcile reads every migrated record back from the target, compares it
// field by field, counts what it found by status, and writes correlation.csv.
// What differs is looked at twice, with a wait between, because customers go on
// changing things and answers settle. A repeat starts over.
func (a *Activities) Reconcile(ctx context.Context, in ReconcileInput) (*ReconcileResult, error) {
	ctx, stop := withPulse(ctx)
	defer stop()
	res, err := a.reconcile(ctx, in)
	if err != nil {
		return nil, fault.Activity(err)
	}
	return res, nil
}

func (a *Activities) reconcile(ctx context.Context, in ReconcileInput) (*ReconcileResult, error) {
	ctx = a.pace.of(ctx, in.Migration, in.Route, in.RequestsPerSecond)
	plan, err := a.plans.get(ctx, in.Migration)
	if err != nil {
		return nil, err
	}
	look, err := a.look(ctx, lookRange{migration: in.Migration, batches: plan.Batches, limit: reconcileLimit, written: in.Written})
	if err != nil {
		return nil, err
	}
	second := correlating{migration: in.Migration, file: migration.FileCorrelation, batches: plan.Batches, sum: look.Right, written: in.Written}
	second.again.Add(look)
	if second.again.Needed() {
		if err := a.awaitSecondLook(ctx, in.SecondLookSeconds); err != nil {
			return nil, err
		}
	}
	info, err := a.correlate(ctx, &second)
	if err != nil {
		return nil, err
	}
	return resultOf(&second.sum, info), nil
}

func (a *Activities) awaitSecondLook(ctx context.Context, seconds *int) error {
	wait := a.defaults.SecondLookSeconds
	if seconds != nil {
		wait = *seconds
	}
	timer := time.NewTimer(time.Duration(wait) * time.Second)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

func resultOf(c *migration.Correlation, info *migration.FileInfo) *ReconcileResult {
	res := &ReconcileResult{
		Checked: c.Checked, Found: c.Found, Different: c.Different(), Differing: c.Differing, Extra: c.Extra,
		Forgiven: c.Forgiven, Since: c.Since, Kinds: c.Kinds, File: *info,
	}
	for _, d := range c.Differences[:min(len(c.Differences), migration.MaxErrorExamples)] {
		res.Examples = append(res.Examples, d.ExternalEntitlementID)
	}
	return res
}

// Says puts what was found into a sentence; empty if all is as it was left.
func (r *ReconcileResult) Says() string {
	c := migration.Correlation{Checked: r.Checked, Differing: r.Differing, Extra: r.Extra, Since: r.Since, Kinds: r.Kinds}
	if r.Different > 0 && len(r.Kinds) == 0 { // a worker of an earlier release compared
		c.Differing = r.Different
	}
	return c.Says()
}
