package resale

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/migrator"
	"github.com/f0a90b9a/ferry/internal/resale/resaleapi"
)

// failedStatus is a status of the platform that no migration file may carry.
const failedStatus = "FAILED"

func createRequest(r *entitlement.Record) resaleapi.CreateRequest {
	migration, status := true, resaleapi.Status(r.Status)
	body := resaleapi.CreateRequest{
		Migration:               &migration,
		ExternalEntitlementID:   optional(r.ExternalEntitlementID),
		CustomerIdentifier:      r.CustomerIdentifier,
		MerchantAccountKey:      r.MerchantAccountKey,
		ProductKey:              r.ProductKey,
		OfferKey:                optional(r.OfferKey),
		Status:                  &status,
		DateCreated:             r.DateCreated,
		DateActivated:           r.DateActivated,
		DateSuspended:           r.DateSuspended,
		DateResumed:             r.DateResumed,
		DateEnded:               r.DateEnded,
		DateExpiry:              r.DateExpiry,
		CancelReasonCategory:    optional(r.ReasonCategory),
		CancelReasonCode:        optional(r.ReasonCode),
		CancelReasonDescription: optional(r.ReasonDescription),
		NotificationURL:         optional(r.NotificationURL),
		EntitlementDisplayName:  optional(r.EntitlementDisplayName),
		MerchantEntitlementID:   optional(r.MerchantEntitlementID),
		ActivationCode:          optional(r.ActivationCode),
	}
	if len(r.ExtensionData) > 0 {
		data := json.RawMessage(r.ExtensionData)
		body.ExtensionData = &data
	}
	return body
}

func endRequest(end migrator.Ending) resaleapi.EndRequest {
	return resaleapi.EndRequest{
		DateEnded:               &end.At,
		CancelReasonCategory:    optional(end.ReasonCategory),
		CancelReasonCode:        optional(end.ReasonCode),
		CancelReasonDescription: optional(end.ReasonDescription),
	}
}

// entitlement makes a call that is answered by one entitlement.
func (c *Client) entitlement(ctx context.Context, k call) (entitlement.Entitlement, error) {
	got, err := c.do(ctx, k)
	if err != nil {
		return entitlement.Entitlement{}, err
	}
	var body resaleapi.Entitlement
	if json.Unmarshal(got.body, &body) != nil {
		return entitlement.Entitlement{}, k.unexpected(got, "it is no entitlement")
	}
	lack := missing(&body)
	external := text(body.ExternalEntitlementID)
	switch {
	case lack != "":
		return entitlement.Entitlement{}, k.unexpected(got, "an entitlement without "+lack)
	case k.entitlementID != "" && !strings.EqualFold(body.EntitlementID, k.entitlementID):
		return entitlement.Entitlement{}, k.unexpected(got, "it is about another entitlement")
	case k.externalID != "" && external != k.externalID:
		return entitlement.Entitlement{}, k.unexpected(got, "it is about another external id")
	}
	e := domain(&body)
	e.Settled = e.Settled && got.status != http.StatusAccepted
	return e, nil
}

// missing names the first field that an entitlement must have and hasn't.
func missing(e *resaleapi.Entitlement) string {
	switch {
	case e.EntitlementID == "":
		return "entitlementId"
	case !known(e.Status):
		return "a known status"
	case e.CustomerIdentifier == "":
		return "customerIdentifier"
	case e.MerchantAccountKey == "":
		return "merchantAccountKey"
	case e.ProductKey == "":
		return "productKey"
	default:
		return ""
	}
}

func known(status string) bool {
	status = strings.ToUpper(status)
	return resaleapi.Status(status).Valid() || status == failedStatus
}

func domain(e *resaleapi.Entitlement) entitlement.Entitlement {
	return entitlement.Entitlement{
		EntitlementID:         e.EntitlementID,
		ExternalEntitlementID: text(e.ExternalEntitlementID),
		CustomerIdentifier:    e.CustomerIdentifier,
		MerchantAccountKey:    e.MerchantAccountKey,
		ProductKey:            e.ProductKey,
		OfferKey:              text(e.OfferKey),
		// The platform's reports spell statuses in title case.
		Status:        entitlement.Status(strings.ToUpper(e.Status)),
		DateCreated:   e.DateCreated,
		DateActivated: e.DateActivated,
		DateSuspended: e.DateSuspended,
		DateResumed:   e.DateResumed,
		DateEnded:     e.DateEnded,
		DateExpiry:    e.DateExpiry,
		Settled:       text(e.PendingAction) == "",
	}
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
