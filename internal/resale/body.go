package resale

import (
	"context"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
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

// entitlement makes a call that is answered by one entitlement. What a read's
// answer says and isn't understood is Odd; a write's must be understood.
func (c *Client) entitlement(ctx context.Context, k call) (entitlement.Entitlement, error) {
	got, err := c.do(ctx, k)
	if err != nil {
		return entitlement.Entitlement{}, k.keepMade(got, err)
	}
	e, f := k.read(got)
	if f != nil {
		return entitlement.Entitlement{}, k.keepMade(got, f)
	}
	return e, nil
}

// read takes the entitlement out of a success.
func (k call) read(got answer) (entitlement.Entitlement, *fault.Fault) {
	e, ok := decodeItem(got.body)
	switch {
	case !ok:
		return entitlement.Entitlement{}, k.unexpected(got, "it is no entitlement")
	case e.EntitlementID == "":
		return entitlement.Entitlement{}, k.unexpected(got, "an entitlement without entitlementId")
	case k.write && len(e.Odd) > 0:
		return entitlement.Entitlement{}, k.unexpected(got, "an entitlement of which "+e.WhyOdd())
	case k.entitlementID != "" && !strings.EqualFold(e.EntitlementID, k.entitlementID):
		return entitlement.Entitlement{}, k.unexpected(got, "it is about another entitlement")
	case k.externalID != "" && e.ExternalEntitlementID != k.externalID:
		return entitlement.Entitlement{}, k.unexpected(got, "it is about another external id")
	}
	e.Settled = e.Settled && got.status != http.StatusAccepted
	return e, nil
}

// keepMade keeps the id that the answer to a create names, so that no other
// create follows it, however odd the rest of the answer is.
func (k call) keepMade(got answer, err error) error {
	f, ok := fault.As(err)
	if !ok || k.externalID == "" || !got.ok() {
		return err
	}
	var body struct {
		ResponseCode  json.RawMessage `json:"responseCode"`
		EntitlementID json.RawMessage `json:"entitlementId"`
	}
	if json.Unmarshal(got.body, &body) != nil {
		return err
	}
	var code string
	refused := json.Unmarshal(body.ResponseCode, &code) == nil && code != "" && !isSuccess(code)
	id := idIn(body.EntitlementID)
	if refused || id == "" {
		return err
	}
	f.Kind, f.Unclear, f.Made, f.EntitlementID = fault.Retryable, true, true, id
	return f
}

// idShape is what an id that an answer names may look like, to be kept.
var idShape = regexp.MustCompile(`^[!-~]{1,255}$`)

// idIn reads an id that is text or a number; empty if it is neither.
func idIn(raw json.RawMessage) string {
	var id string
	if json.Unmarshal(raw, &id) != nil {
		var number json.Number
		if json.Unmarshal(raw, &number) != nil {
			return ""
		}
		id = number.String()
	}
	if !idShape.MatchString(id) {
		return ""
	}
	return id
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
