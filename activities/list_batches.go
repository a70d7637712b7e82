package activities

import (
	"bytes"
	"context"
	"sync"

	"golang.org/x/sync/singleflight"

	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/migrationfile"
)

// planBytes bounds batches.json: far above a hundred million records.
const planBytes = 512 << 20

// ListBatchesInput asks for a page of a migration's batches.
type ListBatchesInput struct {
	Migration string `json:"migration"`
	From      int    `json:"from"` // batch number, from 1
	Limit     int    `json:"limit"`
}

// ListBatches gives batches From, From+1, …, at most Limit; fewer at the end.
func (a *Activities) ListBatches(ctx context.Context, in ListBatchesInput) ([]migrationfile.Batch, error) {
	ctx, stopPulse := withPulse(ctx)
	defer stopPulse()
	plan, err := a.plans.get(ctx, in.Migration)
	if err != nil {
		return nil, fault.Activity(err)
	}
	from := min(max(in.From-1, 0), len(plan.Batches))
	to := min(from+in.Limit, len(plan.Batches))
	return plan.Batches[from:to], nil
}

// planCache keeps the batches.json of the migration looked at last.
type planCache struct {
	store  Store
	flight singleflight.Group

	mu        sync.Mutex
	migration string
	plan      *migrationfile.Plan
}

func newPlanCache(s Store) *planCache { return &planCache{store: s} }

func (c *planCache) get(ctx context.Context, migrationID string) (*migrationfile.Plan, error) {
	if plan := c.lookup(migrationID); plan != nil {
		return plan, nil
	}
	plan, err := together(ctx, &c.flight, migrationID, func() (any, error) {
		body, _, err := c.store.Read(ctx, c.store.Work(migration.Key(migrationID, migration.FileBatches)), planBytes)
		if err != nil {
			return nil, gone(migration.FileBatches, err)
		}
		plan, err := migrationfile.DecodePlan(bytes.NewReader(body))
		if err != nil {
			return nil, &fault.Fault{
				Kind: fault.Final, Code: fault.CodeStoreFault, Cause: err,
				Message: "batches.json is not what was written (the file was changed)",
			}
		}
		c.keep(migrationID, &plan)
		return &plan, nil
	})
	if err != nil {
		return nil, err
	}
	return plan.(*migrationfile.Plan), nil
}

func (c *planCache) lookup(migrationID string) *migrationfile.Plan {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.migration != migrationID {
		return nil
	}
	return c.plan
}

func (c *planCache) keep(migrationID string, plan *migrationfile.Plan) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.migration, c.plan = migrationID, plan
}
