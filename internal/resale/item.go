package resale

import (
	"encoding/json"
	"regexp"
	"strings"
	"time"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/resale/resaleapi"
)

// item is an entitlement as an answer has it, its fields still undecoded: one
// that isn't understood must not spoil the others, nor the items beside it.
// What Ferry doesn't look at isn't decoded at all.
type item struct {
	EntitlementID         json.RawMessage `json:"entitlementId"`
	ExternalEntitlementID json.RawMessage `json:"externalEntitlementId"`
	CustomerIdentifier    json.RawMessage `json:"customerIdentifier"`
	MerchantAccountKey    json.RawMessage `json:"merchantAccountKey"`
	ProductKey            json.RawMessage `json:"productKey"`
	OfferKey              json.RawMessage `json:"offerKey"`
	Status                json.RawMessage `json:"status"`
	DateCreated           json.RawMessage `json:"dateCreated"`
	DateActivated         json.RawMessage `json:"dateActivated"`
	DateSuspended         json.RawMessage `json:"dateSuspended"`
	DateResumed           json.RawMessage `json:"dateResumed"`
	DateEnded             json.RawMessage `json:"dateEnded"`
	DateExpiry            json.RawMessage `json:"dateExpiry"`
	PendingAction         json.RawMessage `json:"pendingAction"`
}

// decodeItem reads one item of an answer; ok is false for what is no object.
func decodeItem(raw []byte) (e entitlement.Entitlement, ok bool) {
	var i *item
	if json.Unmarshal(raw, &i) != nil || i == nil {
		return entitlement.Entitlement{}, false
	}
	return i.entitlement(), true
}

// entitlement decodes the fields; those that aren't understood are Odd.
func (i *item) entitlement() entitlement.Entitlement {
	var d fieldDecoder
	e := entitlement.Entitlement{
		EntitlementID:         d.text(entitlement.FieldEntitlementID, i.EntitlementID),
		ExternalEntitlementID: d.id(entitlement.FieldExternalEntitlementID, i.ExternalEntitlementID),
		CustomerIdentifier:    d.text(entitlement.FieldCustomerIdentifier, i.CustomerIdentifier),
		MerchantAccountKey:    d.text(entitlement.FieldMerchantAccountKey, i.MerchantAccountKey),
		ProductKey:            d.text(entitlement.FieldProductKey, i.ProductKey),
		OfferKey:              d.optionalText(entitlement.FieldOfferKey, i.OfferKey),
		Status:                d.status(i.Status),
		DateCreated:           d.date(entitlement.FieldDateCreated, i.DateCreated),
		DateActivated:         d.date(entitlement.FieldDateActivated, i.DateActivated),
		DateSuspended:         d.date(entitlement.FieldDateSuspended, i.DateSuspended),
		DateResumed:           d.date(entitlement.FieldDateResumed, i.DateResumed),
		DateEnded:             d.date(entitlement.FieldDateEnded, i.DateEnded),
		DateExpiry:            d.date(entitlement.FieldDateExpiry, i.DateExpiry),
	}
	pending := d.optionalText(entitlement.FieldPendingAction, i.PendingAction)
	e.Odd = d.odd
	e.Settled = pending == "" && !e.IsOdd(entitlement.FieldPendingAction)
	return e
}

// fieldDecoder decodes single fields, and keeps what it doesn't understand.
type fieldDecoder struct{ odd []entitlement.Oddity }

func (d *fieldDecoder) add(field, why string) {
	d.odd = append(d.odd, entitlement.Oddity{Field: field, Why: why})
}

// text reads a text that an entitlement must have.
func (d *fieldDecoder) text(field string, raw json.RawMessage) string {
	value := d.optionalText(field, raw)
	switch {
	case value != "" || len(d.odd) > 0 && d.odd[len(d.odd)-1].Field == field:
	case raw == nil:
		d.add(field, "is missing")
	case isNull(raw):
		d.add(field, "is null")
	default:
		d.add(field, "is empty")
	}
	return value
}

// optionalText reads a text that may be absent or null.
func (d *fieldDecoder) optionalText(field string, raw json.RawMessage) string {
	var value *string
	if raw != nil && json.Unmarshal(raw, &value) != nil {
		d.add(field, "is "+kindOfJSON(raw)+" and no text")
	}
	return text(value)
}

// id reads an id that may be absent. A number is kept as it is written, so that
// it is known what the item is about.
func (d *fieldDecoder) id(field string, raw json.RawMessage) string {
	value := d.optionalText(field, raw)
	if raw != nil && kindOfJSON(raw) == aNumber {
		return string(raw)
	}
	return value
}

// statusShape is what an unknown status may look like to be shown.
var statusShape = regexp.MustCompile(`^[A-Za-z][A-Za-z_-]{0,31}$`)

// status reads a status in any case of letters: the platform's reports spell
// them in title case.
func (d *fieldDecoder) status(raw json.RawMessage) entitlement.Status {
	value := d.text(entitlement.FieldStatus, raw)
	if value == "" || known(value) {
		return entitlement.Status(strings.ToUpper(value))
	}
	if statusShape.MatchString(value) {
		d.add(entitlement.FieldStatus, "is "+value+", which is none of the platform's")
	} else {
		d.add(entitlement.FieldStatus, "is none of the platform's")
	}
	return ""
}

// date reads a date that may be absent or null.
func (d *fieldDecoder) date(field string, raw json.RawMessage) *time.Time {
	if raw == nil || isNull(raw) {
		return nil
	}
	var at time.Time
	if json.Unmarshal(raw, &at) != nil {
		d.add(field, "is no date-time")
		return nil
	}
	return &at
}

func known(status string) bool {
	status = strings.ToUpper(status)
	return resaleapi.Status(status).Valid() || status == failedStatus
}

func isNull(raw json.RawMessage) bool { return string(raw) == "null" }

const aNumber = "a number"

// kindOfJSON names what a value is that should have been a text.
func kindOfJSON(raw json.RawMessage) string {
	switch raw[0] {
	case '{':
		return "an object"
	case '[':
		return "a list"
	case 't', 'f':
		return "true or false"
	case '"':
		return "text"
	default:
		return aNumber
	}
}
