package routes

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/entitlement"
)

// The published rules of acme-nova, word for word.
const published = `{"route":"acme-nova","reseller":"acme","merchantAccountKey":"nova-music",
 "products":[
  {"productKey":"nova-basic","offerKeys":["bundle","addon"]},
  {"productKey":"nova-premium","offerKeys":["bundle","addon"]},
  {"productKey":"nova-family","offerKeys":["bundle","addon"]},
  {"productKey":"nova-fail-create","offerKeys":["bundle","addon"]},
  {"productKey":"nova-fail-activate","offerKeys":["bundle","addon"]},
  {"productKey":"nova-fail-suspend","offerKeys":["bundle","addon"]},
  {"productKey":"nova-fail-cancel","offerKeys":["bundle","addon"]},
  {"productKey":"nova-fail-revoke","offerKeys":["bundle","addon"]}],
 "statuses":["PENDING","ACTIVE","ACTIVE-ENDING","SUSPENDED","CANCELLED","REVOKED"],
 "actions":["activate","suspend","cancel","revoke"],
 "entitlementsPerCustomer":1,"requiredFields":[]}`

func TestBuiltinIsAsPublished(t *testing.T) {
	t.Parallel()
	route, ok := Builtin("acme-nova")
	require.True(t, ok)
	got, err := json.Marshal(route)
	require.NoError(t, err)
	require.JSONEq(t, published, string(got))
}

func TestBuiltinKnowsOnlyItsNames(t *testing.T) {
	t.Parallel()
	for _, name := range Names() {
		route, ok := Builtin(name)
		require.True(t, ok)
		require.Equal(t, name, route.Route)
	}
	for _, name := range []string{"", "ACME-NOVA", "acme-nova "} {
		_, ok := Builtin(name)
		require.False(t, ok, name)
	}
}

func TestBuiltinIsTheCallers(t *testing.T) {
	t.Parallel()
	first, _ := Builtin(AcmeNovaName)
	first.Products[0].OfferKeys[0] = "changed"
	first.Statuses[0] = entitlement.Revoked
	second, _ := Builtin(AcmeNovaName)
	require.Equal(t, "bundle", second.Products[0].OfferKeys[0])
	require.Equal(t, entitlement.Pending, second.Statuses[0])
}
