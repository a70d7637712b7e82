package entitlement

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// found shows violations as "field CODE", warnings with a question mark.
func found(vs []Violation) []string {
	out := []string{}
	for _, v := range vs {
		s := v.Field + " " + v.Code
		if v.Warning {
			s += "?"
		}
		out = append(out, s)
	}
	return out
}

func TestSoundRecords(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		require.Empty(t, Validate(anyRecord(t), now))
	})
}

func TestEveryRequiredField(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{
		"externalEntitlementId REQUIRED", "customerIdentifier REQUIRED", "merchantAccountKey REQUIRED",
		"productKey REQUIRED", "status REQUIRED", "dateCreated REQUIRED",
	}, found(Validate(&Record{}, now)))
}

func TestValidate(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", 256)
	cases := map[string]struct {
		status Status
		change func(*Record)
		want   []string
	}{
		"unknown status":       {"FAILED", func(*Record) {}, []string{"status UNKNOWN_STATUS"}},
		"active, never so":     {Active, func(r *Record) { r.DateActivated = nil }, []string{"dateActivated REQUIRED"}},
		"ending, never active": {ActiveEnding, func(r *Record) { r.DateActivated = nil }, []string{"dateActivated REQUIRED"}},
		"ending without end":   {ActiveEnding, func(r *Record) { r.DateEnded = nil }, []string{"dateEnded REQUIRED"}},
		"suspended, no dates": {
			Suspended, func(r *Record) { r.DateActivated, r.DateSuspended = nil, nil },
			[]string{"dateActivated REQUIRED", "dateSuspended REQUIRED"},
		},
		"cancelled without end": {Cancelled, func(r *Record) { r.DateEnded = nil }, []string{"dateEnded REQUIRED"}},
		"revoked without end":   {Revoked, func(r *Record) { r.DateEnded = nil }, []string{"dateEnded REQUIRED"}},
		"pending, activated":    {Pending, func(r *Record) { r.DateActivated = at(-90) }, []string{"dateActivated FORBIDDEN_FIELD"}},
		"pending, ended":        {Pending, func(r *Record) { r.DateEnded = at(-1) }, []string{"dateEnded FORBIDDEN_FIELD"}},
		"active, ended":         {Active, func(r *Record) { r.DateEnded = at(-1) }, []string{"dateEnded FORBIDDEN_FIELD"}},
		"suspended, ended":      {Suspended, func(r *Record) { r.DateEnded = at(-1) }, []string{"dateEnded FORBIDDEN_FIELD"}},

		"longest ids": {Active, func(r *Record) { r.ExternalEntitlementID, r.CustomerIdentifier = long[2:], long[2:] }, []string{}},
		"too long ids": {
			Active, func(r *Record) { r.ExternalEntitlementID, r.CustomerIdentifier = long, long },
			[]string{"externalEntitlementId TOO_LONG", "customerIdentifier TOO_LONG"},
		},
		"control characters": {Active, func(r *Record) {
			r.ExternalEntitlementID, r.OfferKey, r.MerchantEntitlementID = "a\nb", "a\u0085", "\x7f"
		}, []string{"externalEntitlementId CONTROL_CHARACTER", "offerKey CONTROL_CHARACTER", "merchantEntitlementId CONTROL_CHARACTER"}},
		"no UUID":   {Active, func(r *Record) { r.EntitlementID = "12345678-1234-1234-1234-12345678901x" }, []string{"entitlementId BAD_UUID"}},
		"some UUID": {Active, func(r *Record) { r.EntitlementID = "12345678-ABCD-abcd-1234-123456789012" }, []string{}},

		"http":          {Active, func(r *Record) { r.NotificationURL = "http://a.example/" }, []string{"notificationUrl BAD_URL"}},
		"relative URL":  {Active, func(r *Record) { r.NotificationURL = "/notify" }, []string{"notificationUrl BAD_URL"}},
		"URL, no host":  {Active, func(r *Record) { r.NotificationURL = "https:///x" }, []string{"notificationUrl BAD_URL"}},
		"URL, bad port": {Active, func(r *Record) { r.NotificationURL = "https://a:b/" }, []string{"notificationUrl BAD_URL"}},
		"https":         {Active, func(r *Record) { r.NotificationURL = "https://a.example:8443/x?y=z" }, []string{}},

		"future": {
			Suspended, func(r *Record) { r.DateCreated, r.DateActivated, r.DateSuspended = at(1), at(2), at(3) },
			[]string{"dateCreated DATE_IN_FUTURE", "dateActivated DATE_IN_FUTURE", "dateSuspended DATE_IN_FUTURE"},
		},
		"resumed tomorrow":   {Active, func(r *Record) { r.DateResumed = at(1) }, []string{"dateResumed DATE_IN_FUTURE"}},
		"cancelled tomorrow": {Cancelled, func(r *Record) { r.DateEnded = at(1) }, []string{"dateEnded DATE_IN_FUTURE"}},
		"just now":           {Cancelled, func(r *Record) { r.DateEnded = at(0) }, []string{}},
		"living to expire":   {Suspended, func(r *Record) { r.DateExpiry = at(1) }, []string{}},
		"dead to expire":     {Revoked, func(r *Record) { r.DateExpiry = at(1) }, []string{"dateExpiry DATE_IN_FUTURE"}},
		"ended already":      {ActiveEnding, func(r *Record) { r.DateEnded = at(0) }, []string{"dateEnded END_PASSED"}},
		"ended in a reload": {ActiveEnding, func(r *Record) {
			r.DateEnded, r.EntitlementID = at(-1), "12345678-1234-1234-1234-123456789012"
		}, []string{"dateEnded END_PASSED?"}},

		"activated before created": {Active, func(r *Record) { r.DateActivated = at(-101) }, []string{"dateActivated DATE_ORDER"}},
		"suspended before active":  {Suspended, func(r *Record) { r.DateSuspended = at(-95) }, []string{"dateSuspended DATE_ORDER"}},
		"suspended before created": {Suspended, func(r *Record) { r.DateSuspended = at(-195) }, []string{"dateSuspended DATE_ORDER"}},
		"ended before created, never active": {
			Cancelled, func(r *Record) { r.DateActivated, r.DateEnded = nil, at(-101) },
			[]string{"dateEnded DATE_ORDER"},
		},
		"ended before suspended": {Revoked, func(r *Record) { r.DateSuspended = at(-1) }, []string{"dateEnded DATE_ORDER"}},
		"resumed before active":  {Active, func(r *Record) { r.DateResumed = at(-95) }, []string{"dateResumed DATE_ORDER"}},
		"resumed before created, never active": {
			Cancelled, func(r *Record) { r.DateActivated, r.DateResumed = nil, at(-101) },
			[]string{"dateResumed DATE_ORDER"},
		},
		"resumed before suspended":      {Active, func(r *Record) { r.DateSuspended, r.DateResumed = at(-10), at(-20) }, []string{"dateResumed DATE_ORDER"}},
		"suspended anew":                {Suspended, func(r *Record) { r.DateResumed = at(-20) }, []string{}},
		"resumed and still suspended":   {Suspended, func(r *Record) { r.DateResumed = at(-5) }, []string{"dateSuspended DATE_ORDER"}},
		"all on one moment":             {Suspended, func(r *Record) { r.DateActivated, r.DateSuspended = r.DateCreated, r.DateCreated }, []string{}},
		"resumed alone is history":      {Active, func(r *Record) { r.DateResumed = at(-3) }, []string{}},
		"order counts over other zones": {Active, func(r *Record) { *r.DateActivated = r.DateCreated.In(now.Location()) }, []string{}},

		"reason of a living one": {
			Active, func(r *Record) { r.ReasonCategory, r.ReasonCode, r.ReasonDescription = "REVOKED", "FRAUD", "x" },
			[]string{"reasonCategory FORBIDDEN_FIELD", "reasonCode FORBIDDEN_FIELD", "reasonDescription FORBIDDEN_FIELD"},
		},
		"reason":            {ActiveEnding, func(r *Record) { r.ReasonCategory, r.ReasonCode = "CUSTOMER_CANCELLED", "OTHER" }, []string{}},
		"description alone": {Revoked, func(r *Record) { r.ReasonDescription = "x" }, []string{}},
		"category alone":    {Revoked, func(r *Record) { r.ReasonCategory = "REVOKED" }, []string{"reasonCode REQUIRED"}},
		"code alone":        {Revoked, func(r *Record) { r.ReasonCode = "FRAUD" }, []string{"reasonCategory REQUIRED"}},
		"no such reason":    {Revoked, func(r *Record) { r.ReasonCategory, r.ReasonCode = "REVOKED", "NOT_RENEWED" }, []string{"reasonCode UNKNOWN_REASON"}},
		"old reason":        {Revoked, func(r *Record) { r.ReasonCategory, r.ReasonCode = "REVOKED", "SUSPENDED_CANCEL" }, []string{"reasonCode REASON_MAPPED?"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := record(t, c.status)
			c.change(r)
			require.ElementsMatch(t, c.want, found(Validate(r, now)))
		})
	}
}

// Whatever stands in a record, no message repeats it.
func TestMessagesQuoteNothing(t *testing.T) {
	t.Parallel()
	const secret = "x\x01SECRET"
	r := &Record{
		ExternalEntitlementID: secret, EntitlementID: secret, CustomerIdentifier: secret, MerchantAccountKey: secret,
		ProductKey: secret, OfferKey: secret, Status: secret, ReasonCategory: secret, ReasonCode: secret,
		ReasonDescription: secret, NotificationURL: secret, EntitlementDisplayName: secret,
		MerchantEntitlementID: secret, ActivationCode: secret, ExtensionData: []byte(secret),
	}
	all := append(Validate(r, now), CheckRoute(r, route())...)
	require.NotEmpty(t, all)
	for _, v := range all {
		require.NotContains(t, v.Message+v.Hint, "SECRET", v.Code)
	}
}

func TestStatusHint(t *testing.T) {
	t.Parallel()
	for given, want := range map[Status]string{
		"active": "did you mean ACTIVE?", "Active-Ending": "did you mean ACTIVE-ENDING?",
		"ACTIVE_ENDING": "did you mean ACTIVE-ENDING?", "CANCELED": "did you mean CANCELLED?",
		"TERMINATED": "use PENDING, ACTIVE",
	} {
		vs := Validate(record(t, given), now)
		require.Equal(t, CodeUnknownStatus, vs[0].Code)
		require.Contains(t, vs[0].Hint, want)
	}
}

func TestStandardReason(t *testing.T) {
	t.Parallel()
	for old, now := range oldReasons {
		require.Contains(t, standardReasons[now.category], now.code, "%v is sent as %v", old, now)
		require.NotContains(t, standardReasons[old.category], old.code)
	}
	r := record(t, Revoked)
	r.ReasonCategory, r.ReasonCode = "ACTIVATION_ROLLBACK", "FRAUD_CHECK"
	NormalizeReason(r)
	require.Equal(t, []string{"REVOKED", "FRAUD"}, []string{r.ReasonCategory, r.ReasonCode})
	r.ReasonCategory, r.ReasonCode = "made", "up"
	NormalizeReason(r)
	require.Equal(t, []string{"made", "up"}, []string{r.ReasonCategory, r.ReasonCode})
}
