package migrator

import (
	"context"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
)

// find reads what the target holds under the record's external id, and what it
// answers under one that is like it and not equal.
func (m *Migrator) find(ctx context.Context, r *entitlement.Record) (found, alike []entitlement.Entitlement, err error) {
	all, err := m.target.Find(ctx, r.MerchantAccountKey, []string{r.ExternalEntitlementID})
	if err != nil {
		return nil, nil, err
	}
	for _, e := range all {
		switch {
		case e.ExternalEntitlementID == r.ExternalEntitlementID:
			found = append(found, e)
		case entitlement.SameKey(e.ExternalEntitlementID, r.ExternalEntitlementID):
			alike = append(alike, e)
		}
	}
	return found, alike, nil
}

// lookalike refuses a create where the target has the record's customer and
// product under an id that only a fold tells from the record's: a target that
// folds ids may have stored an earlier create of this very record so. Anybody
// else's under such an id is passed over.
func lookalike(r *entitlement.Record, alike []entitlement.Entitlement) error {
	for _, e := range alike {
		if e.CustomerIdentifier != r.CustomerIdentifier || e.ProductKey != r.ProductKey {
			continue
		}
		return inOwnWords(&fault.Fault{
			Kind: fault.Final, Code: fault.CodeTargetDiffers, EntitlementID: e.EntitlementID,
			Message: "the target has this customer's entitlement under an externalEntitlementId that differs only in the case of letters or in blanks",
		})
	}
	return nil
}
