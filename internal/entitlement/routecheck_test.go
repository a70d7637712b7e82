package entitlement

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCheckRoute(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		status Status
		record func(*Record)
		route  func(*Route)
		want   []string
		hint   string
	}{
		"allowed":        {status: Suspended, want: []string{}},
		"other merchant": {status: Active, record: func(r *Record) { r.MerchantAccountKey = "Nova-Music" }, want: []string{"merchantAccountKey UNKNOWN_MERCHANT"}, hint: "nova-music"},
		"other product":  {status: Active, record: func(r *Record) { r.ProductKey = "nova-basik" }, want: []string{"productKey UNKNOWN_PRODUCT"}, hint: "did you mean nova-basic?"},
		"far product":    {status: Active, record: func(r *Record) { r.ProductKey = "gold" }, want: []string{"productKey UNKNOWN_PRODUCT"}},
		"other offer":    {status: Active, record: func(r *Record) { r.OfferKey = "Bundle" }, want: []string{"offerKey UNKNOWN_OFFER"}, hint: "did you mean bundle?"},
		"no offer":       {status: Active, record: func(r *Record) { r.OfferKey = "" }, want: []string{}},
		"no keys at all": {status: Active, record: func(r *Record) { r.MerchantAccountKey, r.ProductKey = "", "" }, want: []string{}},
		"status": {
			status: Revoked, route: func(r *Route) { r.Statuses = []Status{Pending, Active} },
			want: []string{"status STATUS_NOT_SUPPORTED"},
		},
		"action": {
			status: Suspended, route: func(r *Route) { r.Actions = []Step{Activate, Cancel} },
			want: []string{"status ACTION_NOT_SUPPORTED"}, hint: "",
		},
		"two actions": {
			status: ActiveEnding, route: func(r *Route) { r.Actions = nil },
			want: []string{"status ACTION_NOT_SUPPORTED", "status ACTION_NOT_SUPPORTED"},
		},
		"unknown status is another's to report": {status: "FAILED", want: []string{}},
		"required field": {status: Active, route: func(r *Route) {
			r.RequiredFields = []string{"notificationUrl", "offerKey", "dateExpiry", "sharedCustomerId"}
		}, want: []string{"notificationUrl REQUIRED", "dateExpiry REQUIRED", "sharedCustomerId REQUIRED"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, rules := record(t, c.status), route()
			if c.record != nil {
				c.record(r)
			}
			if c.route != nil {
				c.route(rules)
			}
			vs := CheckRoute(r, rules)
			require.Equal(t, c.want, found(vs))
			if c.hint != "" {
				require.Contains(t, vs[0].Hint, c.hint)
			}
		})
	}
}

// A never activated entitlement needs no action activate.
func TestCheckRouteLooksAtTheStepsNeeded(t *testing.T) {
	t.Parallel()
	rules := route()
	rules.Actions = []Step{Cancel}
	r := record(t, Cancelled)
	require.Equal(t, []string{"status ACTION_NOT_SUPPORTED"}, found(CheckRoute(r, rules)))
	r.DateActivated = nil
	require.Empty(t, CheckRoute(r, rules))
}

func TestHas(t *testing.T) {
	t.Parallel()
	full := Record{
		ExternalEntitlementID: "x", EntitlementID: "x", CustomerIdentifier: "x", MerchantAccountKey: "x", ProductKey: "x",
		OfferKey: "x", Status: "x", DateCreated: at(0), DateActivated: at(0), DateSuspended: at(0), DateResumed: at(0),
		DateEnded: at(0), DateExpiry: at(0), ReasonCategory: "x", ReasonCode: "x", ReasonDescription: "x",
		NotificationURL: "x", EntitlementDisplayName: "x", MerchantEntitlementID: "x", ActivationCode: "x",
		ExtensionData: []byte("{}"),
	}
	for _, field := range []string{
		FieldExternalEntitlementID, FieldEntitlementID, FieldCustomerIdentifier, FieldMerchantAccountKey, FieldProductKey,
		FieldOfferKey, FieldStatus, FieldDateCreated, FieldDateActivated, FieldDateSuspended, FieldDateResumed,
		FieldDateEnded, FieldDateExpiry, FieldReasonCategory, FieldReasonCode, FieldReasonDescription,
		FieldNotificationURL, FieldEntitlementDisplayName, FieldMerchantEntitlementID, FieldActivationCode, FieldExtensionData,
	} {
		require.True(t, Has(&full, field), field)
		require.False(t, Has(&Record{}, field), field)
	}
	require.False(t, Has(&full, "sharedCustomerId"))
}

func TestNearest(t *testing.T) {
	t.Parallel()
	known := []string{"dateActivated", "dateCreated", "status"}
	for given, want := range map[string]string{
		"dateactivated": "dateActivated", "dateActivate": "dateActivated", "date_created": "dateCreated",
		"Status": "status", "statu": "status", "colour": "", "x": "", "": "",
	} {
		word, ok := Nearest(given, known)
		require.Equal(t, want, word, given)
		require.Equal(t, want != "", ok, given)
	}
}
