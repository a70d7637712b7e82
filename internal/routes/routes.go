// Package routes holds the rules of the routes that are known without asking a
// target: those the sandbox always has. The sandbox serves them and
// `ferry validate` uses them offline. It never does I/O.
package routes

import "github.com/f0a90b9a/ferry/internal/entitlement"

// AcmeNovaName is the name of the built-in route.
const AcmeNovaName = "acme-nova"

// failPrefix begins the key of a product that refuses the step that follows.
const failPrefix = "nova-fail-"

// steps in the order in which a route's products and rules list them.
var steps = [...]entitlement.Step{
	entitlement.Create, entitlement.Activate, entitlement.Suspend, entitlement.Cancel, entitlement.Revoke,
}

// Builtin gives the rules of a built-in route; false if there is none of that
// name. The caller owns the result.
func Builtin(name string) (entitlement.Route, bool) {
	if name == AcmeNovaName {
		return AcmeNova(), true
	}
	return entitlement.Route{}, false
}

// Names gives the names of all built-in routes.
func Names() []string { return []string{AcmeNovaName} }

// AcmeNova gives the rules of route acme-nova: reseller acme, merchant
// nova-music, one living entitlement per customer, and eight products of which
// five refuse one step each (see FailProduct). The caller owns the result.
func AcmeNova() entitlement.Route {
	keys := []string{"nova-basic", "nova-premium", "nova-family"}
	for _, step := range steps {
		keys = append(keys, FailProduct(step))
	}
	products := make([]entitlement.Product, 0, len(keys))
	for _, key := range keys {
		products = append(products, entitlement.Product{ProductKey: key, OfferKeys: []string{"bundle", "addon"}})
	}
	return entitlement.Route{
		Route:              AcmeNovaName,
		Reseller:           "acme",
		MerchantAccountKey: "nova-music",
		Products:           products,
		Statuses: []entitlement.Status{
			entitlement.Pending, entitlement.Active, entitlement.ActiveEnding,
			entitlement.Suspended, entitlement.Cancelled, entitlement.Revoked,
		},
		Actions: []entitlement.Step{
			entitlement.Activate, entitlement.Suspend, entitlement.Cancel, entitlement.Revoke,
		},
		EntitlementsPerCustomer: 1,
		RequiredFields:          []string{},
	}
}

// FailProduct is the key of the product of acme-nova that refuses the step with
// NOT_AVAILABLE.
func FailProduct(step entitlement.Step) string { return failPrefix + string(step) }
