package activities

import (
	"context"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
)

// findByID looks by its own id for a migrated entitlement that is not, or can't
// be read, under its external id. What can't be read so either is the record's
// own trouble, as long as the target answers its echo.
func (a *Activities) findByID(ctx context.Context, e *entry) error {
	if len(e.found) > 0 || !migrated(e.outcome) || e.outcome.EntitlementID == "" {
		return nil
	}
	for range aloneTries {
		there, err := a.target.Get(ctx, e.outcome.EntitlementID)
		if err == nil {
			e.found, e.unread = []entitlement.Entitlement{there}, nil
			return nil
		}
		trouble, err := ownTrouble(ctx, a.target, err)
		if err != nil {
			return err
		}
		if trouble.Code == fault.CodeNotFound {
			return nil // the target doesn't have it
		}
		e.unread = trouble
		if trouble.Kind != fault.Retryable {
			return nil
		}
	}
	return nil
}
