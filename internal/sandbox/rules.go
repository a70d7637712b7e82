package sandbox

import (
	"errors"
	"fmt"
	"slices"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/resale/resaleapi"
)

// ruleBook holds the routes that are served. A call names the merchant, and
// the merchant's route is found by that.
type ruleBook struct {
	byName     map[string]entitlement.Route
	byMerchant map[string]entitlement.Route
}

func newRuleBook(all []entitlement.Route) (ruleBook, error) {
	b := ruleBook{byName: make(map[string]entitlement.Route), byMerchant: make(map[string]entitlement.Route)}
	for _, route := range all {
		if route.Route == "" || route.MerchantAccountKey == "" {
			return ruleBook{}, errors.New("sandbox route: route and merchantAccountKey are required")
		}
		if _, ok := b.byName[route.Route]; ok {
			return ruleBook{}, fmt.Errorf("sandbox route %q: it is there twice", route.Route)
		}
		if other, ok := b.byMerchant[route.MerchantAccountKey]; ok {
			return ruleBook{}, fmt.Errorf("sandbox route %q: its merchant is route %q's already", route.Route, other.Route)
		}
		b.byName[route.Route] = route
		b.byMerchant[route.MerchantAccountKey] = route
	}
	return b, nil
}

// checkCreate holds a create against its route's rules, and gives the route.
func (b ruleBook) checkCreate(body *resaleapi.CreateRequest) (entitlement.Route, error) {
	route, ok := b.byMerchant[body.MerchantAccountKey]
	if !ok {
		return route, bad("merchantAccountKey is invalid")
	}
	at := slices.IndexFunc(route.Products, func(p entitlement.Product) bool { return p.ProductKey == body.ProductKey })
	if at < 0 {
		return route, bad("productKey is invalid")
	}
	if body.OfferKey != nil && !slices.Contains(route.Products[at].OfferKeys, *body.OfferKey) {
		return route, bad("offerKey is invalid")
	}
	for _, field := range route.RequiredFields {
		if !has(body, field) {
			return route, bad(field + " is required")
		}
	}
	return route, checkKind(route, body)
}

// checkKind holds apart what a migration must carry and what a new entitlement
// must not.
func checkKind(route entitlement.Route, body *resaleapi.CreateRequest) error {
	if !isMigration(body) {
		for _, field := range []string{"status", "dateCreated", "dateActivated", "dateSuspended", "dateResumed", "dateEnded"} {
			if has(body, field) {
				return bad(field + " is for migrations only")
			}
		}
		return nil
	}
	for _, field := range []string{"externalEntitlementId", "status", "dateCreated"} {
		if !has(body, field) {
			return bad(field + " is required for a migration")
		}
	}
	if !slices.Contains(route.Statuses, entitlement.Status(*body.Status)) {
		return bad("status is not supported by the route")
	}
	return nil
}

func isMigration(body *resaleapi.CreateRequest) bool { return body.Migration != nil && *body.Migration }

// has reports whether an optional field of a create is set.
func has(body *resaleapi.CreateRequest, field string) bool {
	switch field {
	case "externalEntitlementId":
		return body.ExternalEntitlementID != nil
	case "offerKey":
		return body.OfferKey != nil
	case "status":
		return body.Status != nil
	case "dateCreated":
		return body.DateCreated != nil
	case "dateActivated":
		return body.DateActivated != nil
	case "dateSuspended":
		return body.DateSuspended != nil
	case "dateResumed":
		return body.DateResumed != nil
	case "dateEnded":
		return body.DateEnded != nil
	case "dateExpiry":
		return body.DateExpiry != nil
	case "cancelReasonCategory", "reasonCategory":
		return body.CancelReasonCategory != nil
	case "cancelReasonCode", "reasonCode":
		return body.CancelReasonCode != nil
	case "cancelReasonDescription", "reasonDescription":
		return body.CancelReasonDescription != nil
	case "notificationUrl":
		return body.NotificationURL != nil
	case "entitlementDisplayName":
		return body.EntitlementDisplayName != nil
	case "merchantEntitlementId":
		return body.MerchantEntitlementID != nil
	case "activationCode":
		return body.ActivationCode != nil
	case "extensionData":
		return body.ExtensionData != nil
	default:
		return true // required of every create by the document
	}
}

// checkAction refuses a step that the route or the product hasn't.
func (s *Server) checkAction(route, product string, k kind) error {
	step := entitlement.Step(k)
	rules := s.rules.byName[route]
	supported := step == entitlement.Create || k == kindResume || slices.Contains(rules.Actions, step)
	if !supported || s.faults.Load().refuses(step, product) {
		return refuse(fault.CodeNotAvailable, string(step)+" is not available for this product")
	}
	return nil
}
