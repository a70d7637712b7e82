package sandbox

import (
	"time"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/resale/resaleapi"
)

// change is one lifecycle call on an entitlement that is there.
type change struct {
	kind kind
	at   *time.Time // nil: now
	end  resaleapi.EndRequest
}

// from is the state chart: the statuses from which each change is possible.
var from = map[kind][]entitlement.Status{
	kindActivate: {entitlement.Pending},
	kindSuspend:  {entitlement.Active},
	kindResume:   {entitlement.Suspended},
	kindCancel:   {entitlement.Pending, entitlement.Active, entitlement.Suspended},
	kindRevoke:   {entitlement.Pending, entitlement.Active, entitlement.ActiveEnding, entitlement.Suspended},
}

// apply gives the entitlement after the change, or the refusal.
func (c change) apply(e resaleapi.Entitlement, now time.Time) (resaleapi.Entitlement, error) {
	if e.PendingAction != nil {
		return e, conflict(e, "the entitlement has a call pending")
	}
	possible := false
	for _, status := range from[c.kind] {
		possible = possible || e.Status == string(status)
	}
	if !possible {
		return e, conflict(e, "the entitlement's status forbids "+string(c.kind))
	}
	at := &now
	if c.at != nil {
		at = c.at
	}
	switch c.kind {
	case kindActivate:
		e.Status, e.DateActivated = string(entitlement.Active), at
	case kindSuspend:
		e.Status, e.DateSuspended = string(entitlement.Suspended), at
	case kindResume:
		e.Status, e.DateResumed = string(entitlement.Active), at
	case kindCancel:
		e.Status = string(entitlement.Cancelled)
		if at.After(now) {
			e.Status = string(entitlement.ActiveEnding)
		}
		c.endOf(&e, at)
	case kindRevoke:
		if at.After(now) {
			return e, bad("dateEnded is invalid: a revocation is immediate")
		}
		e.Status = string(entitlement.Revoked)
		c.endOf(&e, at)
	default: // the other calls change no status
	}
	e.DateLastUpdated = &now
	return e, nil
}

func (c change) endOf(e *resaleapi.Entitlement, at *time.Time) {
	e.DateEnded = at
	if c.end.CancelReasonCategory != nil {
		e.CancelReasonCategory = c.end.CancelReasonCategory
	}
	if c.end.CancelReasonCode != nil {
		e.CancelReasonCode = c.end.CancelReasonCode
	}
	if c.end.CancelReasonDescription != nil {
		e.CancelReasonDescription = c.end.CancelReasonDescription
	}
}

func conflict(e resaleapi.Entitlement, message string) *refusal {
	return &refusal{code: fault.CodeConflict, message: message, entitlementID: e.EntitlementID}
}

// created is the entitlement that a create makes: PENDING with all the dates it
// carried for a migration, else a new ACTIVE one.
func created(body *resaleapi.CreateRequest, id string, now time.Time) resaleapi.Entitlement {
	e := resaleapi.Entitlement{
		EntitlementID:           id,
		ExternalEntitlementID:   body.ExternalEntitlementID,
		Status:                  string(entitlement.Pending),
		CustomerIdentifier:      body.CustomerIdentifier,
		MerchantAccountKey:      body.MerchantAccountKey,
		ProductKey:              body.ProductKey,
		OfferKey:                body.OfferKey,
		DateCreated:             body.DateCreated,
		DateActivated:           body.DateActivated,
		DateSuspended:           body.DateSuspended,
		DateResumed:             body.DateResumed,
		DateEnded:               body.DateEnded,
		DateExpiry:              body.DateExpiry,
		DateLastUpdated:         &now,
		CancelReasonCategory:    body.CancelReasonCategory,
		CancelReasonCode:        body.CancelReasonCode,
		CancelReasonDescription: body.CancelReasonDescription,
		NotificationURL:         body.NotificationURL,
		EntitlementDisplayName:  body.EntitlementDisplayName,
		MerchantEntitlementID:   body.MerchantEntitlementID,
		ActivationCode:          body.ActivationCode,
		ExtensionData:           body.ExtensionData,
	}
	if !isMigration(body) {
		e.Status, e.DateCreated, e.DateActivated = string(entitlement.Active), &now, &now
	}
	return e
}

// finalStatus is the status that the customer's limit counts.
func finalStatus(body *resaleapi.CreateRequest) entitlement.Status {
	if isMigration(body) {
		return entitlement.Status(*body.Status)
	}
	return entitlement.Active
}
