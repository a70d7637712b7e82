package migrator

import (
	"context"
	"time"

	"github.com/f0a90b9a/ferry/internal/entitlement"
)

// Target is the reseller platform as the step logic needs it. Every error is
// (or wraps) a *fault.Fault. requestID is the call's X-RequestIdentifier.
// A write's answer is the entitlement as it then stands; Settled is false if
// the target has only accepted the call (202).
type Target interface {
	Create(ctx context.Context, requestID string, r *entitlement.Record) (entitlement.Entitlement, error)
	Activate(ctx context.Context, requestID, entitlementID string, at time.Time) (entitlement.Entitlement, error)
	Suspend(ctx context.Context, requestID, entitlementID string, at time.Time) (entitlement.Entitlement, error)
	Cancel(ctx context.Context, requestID, entitlementID string, end Ending) (entitlement.Entitlement, error)
	Revoke(ctx context.Context, requestID, entitlementID string, end Ending) (entitlement.Entitlement, error)
	// Get reads one entitlement; an unknown id is a fault NOT_FOUND. What isn't
	// understood of it is Odd; so it is of what Find reads.
	Get(ctx context.Context, entitlementID string) (entitlement.Entitlement, error)
	// Find reads the entitlements of a merchant by their external ids, at most
	// 100 at once; ids the target doesn't know are simply not in the answer. It
	// gives also what the target answers under an id that is like one that was
	// asked (entitlement.SameKey) and not equal: it is for the caller to tell
	// them apart.
	Find(ctx context.Context, merchantAccountKey string, externalIDs []string) ([]entitlement.Entitlement, error)
}

// Ending is what cancel and revoke carry.
type Ending struct {
	At                time.Time
	ReasonCategory    string
	ReasonCode        string
	ReasonDescription string
}
