package activities

import (
	"context"

	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/migrationfile"
)

// ReconcileInput names the migration to read back.
type ReconcileInput struct {
	Migration         string  `json:"migration"`
	Route             string  `json:"route,omitempty"`
	RequestsPerSecond float64 `json:"requestsPerSecond,omitempty"`
}

// ReconcileResult is what the target has of a migration.
type ReconcileResult struct {
	Checked   int                `json:"checked"`
	Found     migration.ByGroup  `json:"found"` // by status group
	Different int                `json:"different"`
	Examples  []string           `json:"examples"` // external ids
	File      migration.FileInfo `json:"file"`     // correlation.csv
}

// Reconcile reads every migrated record back from the target, compares it
// field by field, counts what it found by status, and writes correlation.csv.
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
	out := a.createFile(ctx, in.Migration, migration.FileCorrelation, "text/csv; charset=utf-8")
	defer out.abort()
	rows := migrationfile.NewCorrelationWriter(out)
	sum := ReadBackResult{}
	res := &ReconcileResult{}
	for _, b := range plan.Batches {
		heartbeat(ctx, sum.Checked)
		err := a.compareBatch(ctx, batchRef(in.Migration, b), func(c compared) error {
			sum.add(c)
			res.Found.Add(c.group, 1)
			return rows.Add(c.entitlementID, c.externalID, c.result)
		})
		if err != nil {
			return nil, err
		}
	}
	if err := rows.Close(); err != nil {
		return nil, err
	}
	info, err := out.close()
	if err != nil {
		return nil, err
	}
	res.Checked, res.Different, res.Examples, res.File = sum.Checked, sum.Different, sum.Examples, *info
	return res, nil
}
