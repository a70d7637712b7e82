// Package entitlement is the domain: a customer's right to a merchant's
// service, its states, its dates and the steps that carry it to a target.
// Everything above it calls it; it calls nothing but the standard library and
// never does I/O, so that workflows may use it too.
package entitlement

import "time"

// Status is an entitlement's place in its lifecycle, spelled as the Resale API
// spells it.
type Status string

// The six statuses a migration file may carry.
const (
	Pending      Status = "PENDING"
	Active       Status = "ACTIVE"
	ActiveEnding Status = "ACTIVE-ENDING"
	Suspended    Status = "SUSPENDED"
	Cancelled    Status = "CANCELLED"
	Revoked      Status = "REVOKED"
)

// Living reports whether the status counts against a customer's limit: all but
// CANCELLED and REVOKED do.
func (s Status) Living() bool { return s != Cancelled && s != Revoked }

// Step is one lifecycle call to the target.
type Step string

// The five steps.
const (
	Create   Step = "create"
	Activate Step = "activate"
	Suspend  Step = "suspend"
	Cancel   Step = "cancel"
	Revoke   Step = "revoke"
)

// Entitlement is what the target holds: the answer to a read, and the part of
// a write's answer that Ferry looks at. A nil date is one the target has not
// set.
type Entitlement struct {
	EntitlementID         string
	ExternalEntitlementID string
	CustomerIdentifier    string
	MerchantAccountKey    string
	ProductKey            string
	OfferKey              string
	Status                Status
	DateCreated           *time.Time
	DateActivated         *time.Time
	DateSuspended         *time.Time
	DateResumed           *time.Time
	DateEnded             *time.Time
	DateExpiry            *time.Time
	// Settled is false while the target has accepted a call and not finished
	// it (an answer 202, which a read settles).
	Settled bool
	// Odd are the fields that aren't understood: their values here are empty.
	Odd []Oddity
}

// Route is a reseller and a merchant with what the target allows between them.
// The JSON names are the target's (GET /v1/route/{route}).
type Route struct {
	Route                   string    `json:"route"`
	Reseller                string    `json:"reseller"`
	MerchantAccountKey      string    `json:"merchantAccountKey"`
	Products                []Product `json:"products"`
	Statuses                []Status  `json:"statuses"`
	Actions                 []Step    `json:"actions"`
	EntitlementsPerCustomer int       `json:"entitlementsPerCustomer"` // 0: no limit
	RequiredFields          []string  `json:"requiredFields"`
}

// Product is one product of a route with the offers it may be sold under.
type Product struct {
	ProductKey string   `json:"productKey"`
	OfferKeys  []string `json:"offerKeys"`
}
