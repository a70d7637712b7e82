package activities

import (
	"context"
	"time"

	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/migrationfile"
)

// WriteReconciliationInput is a past migration after a first look at all of it.
type WriteReconciliationInput struct {
	Reconciliation migration.Reconciliation `json:"reconciliation"` // with the counts of what was right
	SecondLook     SecondLook               `json:"secondLook"`

	RequestsPerSecond float64 `json:"requestsPerSecond,omitempty"`
}

// WriteReconciliation looks again at what differed, and writes the
// reconciliation's two files, which carry the time of its start in their names
// and are nobody else's. A repeat writes them anew.
func (a *Activities) WriteReconciliation(ctx context.Context, in WriteReconciliationInput) (*migration.Reconciliation, error) {
	ctx, stop := withPulse(ctx)
	defer stop()
	res, err := a.writeReconciliation(ctx, in)
	if err != nil {
		return nil, fault.Activity(err)
	}
	return res, nil
}

func (a *Activities) writeReconciliation(ctx context.Context, in WriteReconciliationInput) (*migration.Reconciliation, error) {
	r := in.Reconciliation
	ctx = a.pace.of(ctx, r.Migration, r.Route, in.RequestsPerSecond)
	plan, err := a.plans.get(ctx, r.Migration)
	if err != nil {
		return nil, err
	}
	left, err := a.leftOf(ctx, r.Migration)
	if err != nil {
		return nil, err
	}
	name := migration.ReconciliationFile(r.StartedAt, ".csv")
	second := correlating{
		migration: r.Migration, file: name, batches: plan.Batches, sum: r.Correlation, again: in.SecondLook, later: true,
		written: left.Written,
	}
	info, err := a.correlate(ctx, &second)
	if err != nil {
		return nil, err
	}
	finished := a.now().UTC().Truncate(time.Millisecond)
	r.Correlation, r.Phase, r.Reason, r.FinishedAt = second.sum, migration.Done, "", &finished
	r.Files = map[string]migration.FileInfo{name: *info}
	name = migration.ReconciliationFile(r.StartedAt, ".json")
	if info, err = a.putJSON(ctx, r.Migration, name, r); err != nil {
		return nil, err
	}
	r.Files[name] = *info
	return &r, nil
}

// correlating is a second look at a migration, at the end of which every
// difference is told.
type correlating struct {
	migration string
	file      string
	batches   []migrationfile.Batch
	again     SecondLook
	later     bool // than the migration's own run
	written   *migration.Written
	sum       migration.Correlation // at first of those that were right
}

// correlate looks again at what differed, and writes the rows of all records in
// file order.
func (a *Activities) correlate(ctx context.Context, c *correlating) (*migration.FileInfo, error) {
	out := a.createFile(ctx, c.migration, c.file, "text/csv; charset=utf-8")
	defer out.abort()
	rows := migrationfile.NewCorrelationWriter(out)
	w := walk{activities: a, check: migration.NewCheck(c.written), ask: func(o *migration.Outcome) bool { return c.again.has(o.Record) }, each: func(e *entry) error {
		switch {
		case e.asked:
			return a.secondLook(ctx, c, e, rows)
		case migrated(e.outcome):
			return rows.Add(e.outcome.EntitlementID, e.outcome.ExternalEntitlementID, migrationfile.CorrelationOK)
		}
		return nil
	}}
	if err := w.batches(ctx, c.migration, c.batches); err != nil {
		return nil, err
	}
	if err := rows.Close(); err != nil {
		return nil, err
	}
	c.sum.Sort()
	return out.close()
}

func (a *Activities) secondLook(ctx context.Context, c *correlating, e *entry, rows *migrationfile.CorrelationWriter) error {
	if err := a.findByID(ctx, e); err != nil {
		return err
	}
	v := a.judge(e, c.later)
	v.Count(&c.sum)
	if migrated(e.outcome) && v.Same() && c.again.told(e.outcome.Record) {
		c.sum.Forgiven++
	}
	for _, r := range v.Rows {
		if err := rows.Add(r.EntitlementID, r.ExternalEntitlementID, r.Result); err != nil {
			return err
		}
	}
	return nil
}
