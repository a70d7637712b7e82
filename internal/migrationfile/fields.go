package migrationfile

import (
	"time"

	"github.com/f0a90b9a/ferry/internal/entitlement"
)

// field numbers the fields of a record.
type field int

const (
	externalID field = iota
	entitlementID
	customer
	merchant
	product
	offer
	status
	reasonCategory
	reasonCode
	reasonDescription
	notificationURL
	displayName
	merchantID
	activationCode
	dateCreated
	dateActivated
	dateSuspended
	dateResumed
	dateEnded
	dateExpiry
	extensionData
	fieldCount
	noField field = -1
)

// isDate reports whether the field holds a date; all others but extensionData
// hold text.
func (f field) isDate() bool { return f >= dateCreated && f <= dateExpiry }

// fieldNames are the keys that a record may have, the aliases last.
var fieldNames = [...]string{
	entitlement.FieldExternalEntitlementID, entitlement.FieldEntitlementID,
	entitlement.FieldCustomerIdentifier, entitlement.FieldMerchantAccountKey,
	entitlement.FieldProductKey, entitlement.FieldOfferKey, entitlement.FieldStatus,
	entitlement.FieldReasonCategory, entitlement.FieldReasonCode, entitlement.FieldReasonDescription,
	entitlement.FieldNotificationURL, entitlement.FieldEntitlementDisplayName,
	entitlement.FieldMerchantEntitlementID, entitlement.FieldActivationCode,
	entitlement.FieldDateCreated, entitlement.FieldDateActivated, entitlement.FieldDateSuspended,
	entitlement.FieldDateResumed, entitlement.FieldDateEnded, entitlement.FieldDateExpiry,
	entitlement.FieldExtensionData,
	"cancelReasonCategory", "cancelReasonCode", "cancelReasonDescription",
}

// namesAt are places in fieldNames, and 1 more, by the length of a name and its
// fifth letter, which no two of them share.
var namesAt = func() (table [24][32]int8) {
	for i, name := range fieldNames {
		table[len(name)][name[4]%32] = int8(i + 1)
	}
	return table
}()

// numberOf gives the place of a name in fieldNames; -1 if it is not there.
func numberOf[T string | []byte](name T) int {
	if len(name) <= 4 || len(name) >= len(namesAt) {
		return -1
	}
	i := int(namesAt[len(name)][name[4]%32]) - 1
	if i < 0 || fieldNames[i] != string(name) {
		return -1
	}
	return i
}

// fieldOf gives the field of a place in fieldNames.
func fieldOf(number int) field {
	if f := field(number); f < fieldCount {
		return f
	}
	return reasonCategory + field(number) - fieldCount
}

// fieldNamed gives the field of a name; noField if there is none.
func fieldNamed(name string) field {
	if n := numberOf(name); n >= 0 {
		return fieldOf(n)
	}
	return noField
}

// text is where a record keeps a text field; nil for the others.
func (f field) text(r *entitlement.Record) *string {
	switch f {
	case externalID:
		return &r.ExternalEntitlementID
	case entitlementID:
		return &r.EntitlementID
	case customer:
		return &r.CustomerIdentifier
	case merchant:
		return &r.MerchantAccountKey
	case product:
		return &r.ProductKey
	case offer:
		return &r.OfferKey
	case status:
		return (*string)(&r.Status)
	case reasonCategory:
		return &r.ReasonCategory
	case reasonCode:
		return &r.ReasonCode
	case reasonDescription:
		return &r.ReasonDescription
	case notificationURL:
		return &r.NotificationURL
	case displayName:
		return &r.EntitlementDisplayName
	case merchantID:
		return &r.MerchantEntitlementID
	case activationCode:
		return &r.ActivationCode
	default:
		return nil
	}
}

// date is where a record keeps a date; nil for the others.
func (f field) date(r *entitlement.Record) **time.Time {
	switch f {
	case dateCreated:
		return &r.DateCreated
	case dateActivated:
		return &r.DateActivated
	case dateSuspended:
		return &r.DateSuspended
	case dateResumed:
		return &r.DateResumed
	case dateEnded:
		return &r.DateEnded
	case dateExpiry:
		return &r.DateExpiry
	default:
		return nil
	}
}
