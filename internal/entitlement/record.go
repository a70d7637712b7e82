package entitlement

import "time"

// Record is one entitlement of a migration file, decoded. Absent and null are
// the same: the zero value. Dates carry their zone.
type Record struct {
	ExternalEntitlementID  string
	EntitlementID          string // only in a reload: the target's id of a partial record
	CustomerIdentifier     string // personal data
	MerchantAccountKey     string
	ProductKey             string
	OfferKey               string
	Status                 Status
	DateCreated            *time.Time
	DateActivated          *time.Time
	DateSuspended          *time.Time
	DateResumed            *time.Time
	DateEnded              *time.Time
	DateExpiry             *time.Time
	ReasonCategory         string
	ReasonCode             string
	ReasonDescription      string
	NotificationURL        string // personal data
	EntitlementDisplayName string
	MerchantEntitlementID  string
	ActivationCode         string // a secret
	ExtensionData          []byte // personal data: raw JSON, an object or a string; nil if absent
}
