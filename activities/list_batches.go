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
	SHA256    string `json:"sha256,omitempty"` // of batches.json, as the import wrote it
}

// ListBatches gives batches From, From+1, …, at most Limit; fewer at the end.
func (a *Activities) ListBatches(ctx context.Context, in ListBatchesInput) ([]migrationfile.Batch, error) {
	ctx, stopPulse := withPulse(ctx)
	defer stopPulse()
	plan, err := a.plans.checked(ctx, in.Migration, in.SHA256)
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
	sha256    string // of the file
}

func newPlanCache(s Store) *planCache { return &planCache{store: s} }

func (c *planCache) get(ctx context.Context, migrationID string) (*migrationfile.Plan, error) {
	return c.checked(ctx, migrationID, "")
}

// checked is get for a file whose checksum is known. One that proved to be
// another is read anew the next time, because somebody may put it back.
func (c *planCache) checked(ctx context.Context, migrationID, want string) (*migrationfile.Plan, error) {
	for range 2 {
		plan, got, err := c.read(ctx, migrationID)
		if err != nil {
			return nil, err
		}
		if want == "" || want == got {
			return plan, nil
		}
		c.keep("", nil, "")
	}
	return nil, changedFile(migrationID, migration.FileBatches)
}

func (c *planCache) read(ctx context.Context, migrationID string) (plan *migrationfile.Plan, sum string, err error) {
	if plan, sum := c.lookup(migrationID); plan != nil {
		return plan, sum, nil
	}
	type read struct {
		plan   *migrationfile.Plan
		sha256 string
	}
	got, err := together(ctx, &c.flight, migrationID, func() (any, error) {
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
		sum := fileSum(body)
		c.keep(migrationID, &plan, sum)
		return read{&plan, sum}, nil
	})
	if err != nil {
		return nil, "", err
	}
	return got.(read).plan, got.(read).sha256, nil
}

func (c *planCache) lookup(migrationID string) (plan *migrationfile.Plan, sum string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.migration != migrationID {
		return nil, ""
	}
	return c.plan, c.sha256
}

func (c *planCache) keep(migrationID string, plan *migrationfile.Plan, sum string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.migration, c.plan, c.sha256 = migrationID, plan, sum
}
