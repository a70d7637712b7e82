package entitlement

import (
	"slices"
	"time"
)

// CheckRoute finds what the route doesn't allow of the record: its merchant,
// product, offer, status, the actions that its steps need, and the fields that
// the route wants in every record. What every route needs is Validate's to
// report.
func CheckRoute(r *Record, route *Route) []Violation {
	var v violations
	if r.MerchantAccountKey != "" && r.MerchantAccountKey != route.MerchantAccountKey {
		v.add(FieldMerchantAccountKey, CodeUnknownMerchant,
			"merchantAccountKey is not the merchant of route "+route.Route,
			"the route's merchant is "+route.MerchantAccountKey+"; case counts")
	}
	v.checkProduct(r, route)
	v.checkActions(r, route)
	for _, field := range route.RequiredFields {
		if !Has(r, field) {
			v.add(field, CodeRequired, field+" is required by route "+route.Route, requiredByRoute)
		}
	}
	return v
}

func (v *violations) checkProduct(r *Record, route *Route) {
	if r.ProductKey == "" {
		return
	}
	i := slices.IndexFunc(route.Products, func(p Product) bool { return p.ProductKey == r.ProductKey })
	if i < 0 {
		v.add(FieldProductKey, CodeUnknownProduct, "productKey is not a product of route "+route.Route,
			choice(r.ProductKey, productKeys(route), "the route has no products yet: ask the platform"))
		return
	}
	if r.OfferKey != "" && !slices.Contains(route.Products[i].OfferKeys, r.OfferKey) {
		v.add(FieldOfferKey, CodeUnknownOffer, "offerKey is not an offer of this product on route "+route.Route,
			choice(r.OfferKey, route.Products[i].OfferKeys, "this product has no offers: leave offerKey out"))
	}
}

func productKeys(route *Route) []string {
	keys := make([]string, len(route.Products))
	for i, p := range route.Products {
		keys[i] = p.ProductKey
	}
	return keys
}

func (v *violations) checkActions(r *Record, route *Route) {
	if !r.Status.Known() {
		return
	}
	if !slices.Contains(route.Statuses, r.Status) {
		v.add(FieldStatus, CodeStatusNotSupported,
			"status "+string(r.Status)+" is not supported on route "+route.Route,
			"have the platform enable it on the route, or leave the record out")
	}
	for _, step := range Steps(r, time.Time{}) {
		if step != Create && !slices.Contains(route.Actions, step) {
			v.add(FieldStatus, CodeActionNotSupported,
				"status "+string(r.Status)+" needs the action "+string(step)+", which route "+route.Route+" lacks",
				"have the platform enable it on the route, or leave the record out")
		}
	}
}

// Has reports whether the record carries the field of that JSON name. A name
// that no record can carry is false.
func Has(r *Record, field string) bool {
	for _, d := range datesOf(r) {
		if d.field == field {
			return d.at != nil
		}
	}
	switch field {
	case FieldExternalEntitlementID:
		return r.ExternalEntitlementID != ""
	case FieldEntitlementID:
		return r.EntitlementID != ""
	case FieldCustomerIdentifier:
		return r.CustomerIdentifier != ""
	case FieldMerchantAccountKey:
		return r.MerchantAccountKey != ""
	case FieldProductKey:
		return r.ProductKey != ""
	case FieldOfferKey:
		return r.OfferKey != ""
	case FieldStatus:
		return r.Status != ""
	case FieldReasonCategory, "cancelReasonCategory":
		return r.ReasonCategory != ""
	case FieldReasonCode, "cancelReasonCode":
		return r.ReasonCode != ""
	case FieldReasonDescription, "cancelReasonDescription":
		return r.ReasonDescription != ""
	case FieldNotificationURL:
		return r.NotificationURL != ""
	case FieldEntitlementDisplayName:
		return r.EntitlementDisplayName != ""
	case FieldMerchantEntitlementID:
		return r.MerchantEntitlementID != ""
	case FieldActivationCode:
		return r.ActivationCode != ""
	case FieldExtensionData:
		return r.ExtensionData != nil
	}
	return false
}
