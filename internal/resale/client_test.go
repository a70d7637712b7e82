package resale

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migrator"
)

// sent is a request as the target sees it.
type sent struct {
	method, path, identifier string
	body                     map[string]any
}

// listening is a target that answers well and keeps what it was sent.
func listening(t *testing.T, body string) (*Client, <-chan sent) {
	t.Helper()
	requests := make(chan sent, 10)
	c := setup(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		raw, err := io.ReadAll(r.Body)
		if err != nil || user != "acme" || password != "pass-word-1" || r.UserAgent() != "ferry" {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		s := sent{method: r.Method, path: r.URL.EscapedPath(), identifier: r.Header.Get("X-RequestIdentifier")}
		_ = json.Unmarshal(raw, &s.body)
		requests <- s
		says(200, body)(w, r)
	}))
	return c, requests
}

func TestCreateSendsTheRecord(t *testing.T) {
	t.Parallel()
	c, requests := listening(t, good)
	r := record()
	r.EntitlementID = "never sent"
	r.Status, r.DateEnded = entitlement.Cancelled, &day
	r.ReasonCategory, r.ReasonCode, r.ReasonDescription = "CUSTOMER_CANCELLED", "OTHER", "moved"
	r.EntitlementDisplayName, r.MerchantEntitlementID = "Nova", "m-1"
	got, err := c.Create(t.Context(), "id-1", r)
	require.NoError(t, err)
	require.Equal(t, entitlementID, got.EntitlementID)
	require.True(t, got.Settled)
	const at = "2024-01-01T10:00:00.123+02:00"
	require.Equal(t, sent{"POST", "/v1/entitlement", "id-1", map[string]any{
		"migration": true, "externalEntitlementId": "ext-1", "customerIdentifier": "cust-4711",
		"merchantAccountKey": "nova-music", "productKey": "nova-basic", "offerKey": "bundle", "status": "CANCELLED",
		"dateCreated": at, "dateActivated": at, "dateEnded": at,
		"cancelReasonCategory": "CUSTOMER_CANCELLED", "cancelReasonCode": "OTHER", "cancelReasonDescription": "moved",
		"notificationUrl": r.NotificationURL, "entitlementDisplayName": "Nova", "merchantEntitlementId": "m-1",
		"activationCode": "SECRET-CODE-9",
		"extensionData": map[string]any{
			"phone": "+491701234567", "nested": map[string]any{"names": []any{`Ada "L"`}}, "n": 12345.0,
		},
	}}, <-requests)
}

func TestCreateLeavesOutWhatIsAbsent(t *testing.T) {
	t.Parallel()
	c, requests := listening(t, good)
	r := &entitlement.Record{
		ExternalEntitlementID: "ext-1", CustomerIdentifier: "c", MerchantAccountKey: "m", ProductKey: "p",
		Status: entitlement.Pending, DateCreated: &day,
	}
	_, err := c.Create(t.Context(), "id-1", r)
	require.NoError(t, err)
	require.Len(t, (<-requests).body, 7)
}

func TestStepsSendTheirDates(t *testing.T) {
	t.Parallel()
	const at = "2024-01-01T10:00:00.123+02:00"
	c, requests := listening(t, good)
	for call, err := range everyWrite(t, c) {
		require.NoError(t, err, call)
	}
	byCall := map[string]sent{}
	for range 5 {
		s := <-requests
		byCall[s.method+" "+s.path] = s
	}
	require.Equal(t, map[string]any{"dateActivated": at}, byCall["POST /v1/entitlement/activate/"+entitlementID].body)
	require.Equal(t, map[string]any{"dateEnded": at}, byCall["POST /v1/entitlement/cancel/"+entitlementID].body)
	require.Equal(t, map[string]any{"dateEnded": at}, byCall["POST /v1/entitlement/revoke/"+entitlementID].body)
	require.Equal(t, map[string]any{
		"entitlementId": entitlementID, "entitlementBenefits": "SUSPENDED", "dateSuspended": at,
	}, byCall["PATCH /v1/entitlement"].body)
	for name, s := range byCall {
		require.Equal(t, "id", s.identifier, name)
	}
	end := migrator.Ending{At: day, ReasonCategory: "REVOKED", ReasonCode: "FRAUD", ReasonDescription: "d"}
	_, err := c.Revoke(t.Context(), "id", entitlementID, end)
	require.NoError(t, err)
	require.Equal(t, map[string]any{
		"dateEnded": at, "cancelReasonCategory": "REVOKED", "cancelReasonCode": "FRAUD", "cancelReasonDescription": "d",
	}, (<-requests).body)
}

func TestGetReadsTheEntitlement(t *testing.T) {
	t.Parallel()
	body := strings.NewReplacer(`"PENDING"`, `"Active-Ending"`, `"dateActivated":null`,
		`"offerKey":"bundle","dateActivated":"2024-02-01T00:00:00.5+01:00","dateEnded":"2030-01-01T00:00:00Z"`).Replace(good)
	c, _ := listening(t, body)
	got, err := c.Get(t.Context(), strings.ToUpper(entitlementID))
	require.NoError(t, err)
	created := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	activated := time.Date(2024, 1, 31, 23, 0, 0, 500_000_000, time.UTC)
	require.True(t, activated.Equal(*got.DateActivated))
	got.DateActivated = nil
	ended := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	require.Equal(t, entitlement.Entitlement{
		EntitlementID: entitlementID, ExternalEntitlementID: "ext-1", CustomerIdentifier: "cust-4711",
		MerchantAccountKey: "nova-music", ProductKey: "nova-basic", OfferKey: "bundle",
		Status: entitlement.ActiveEnding, DateCreated: &created, DateEnded: &ended, Settled: true,
	}, got)
}

func TestAcceptedIsNotSettled(t *testing.T) {
	t.Parallel()
	accepted := setup(t, says(202, good))
	got, err := accepted.Activate(t.Context(), "id", entitlementID, day)
	require.NoError(t, err)
	require.False(t, got.Settled)
	got, err = accepted.Get(t.Context(), entitlementID)
	require.NoError(t, err)
	require.False(t, got.Settled)
	action := setup(t, says(202, strings.Replace(good, `"OK"`, `"CLIENT_ACTION_REQUIRED"`, 1)))
	got, err = action.Create(t.Context(), "id", record())
	require.NoError(t, err)
	require.False(t, got.Settled)
	pending := setup(t, says(200, strings.Replace(good, `"OK"`, `"OK","pendingAction":"cancel"`, 1)))
	got, err = pending.Get(t.Context(), entitlementID)
	require.NoError(t, err)
	require.False(t, got.Settled)
}

func TestIDsAreEscaped(t *testing.T) {
	t.Parallel()
	c, requests := listening(t, good)
	_, err := c.Get(t.Context(), "../route/x?y")
	require.Equal(t, fault.CodeUnexpected, faultOf(t, err).Code, "the answer is about another")
	require.Equal(t, "/v1/entitlement/..%2Froute%2Fx%3Fy", (<-requests).path)
}

func TestOptionsThatCannotWork(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Options){
		"base URL: it is empty":     func(o *Options) { o.BaseURL = "" },
		"it isn't a URL":            func(o *Options) { o.BaseURL = "https://u:hidden@host:port:1/%zz" },
		"begin with https://":       func(o *Options) { o.BaseURL = "host.example.com" },
		"names no host":             func(o *Options) { o.BaseURL = "https://" },
		"credentials don't belong":  func(o *Options) { o.BaseURL = "https://u:hidden@host.example.com" },
		"a query or a fragment":     func(o *Options) { o.BaseURL = "https://host.example.com/?a=b" },
		"user name and password":    func(o *Options) { o.Password = "" },
		"target timeout: it is neg": func(o *Options) { o.Timeout = -1 },
	} {
		o := Options{BaseURL: "https://host.example.com/base", Username: "u", Password: "hidden"}
		_, err := NewClient(o)
		require.NoError(t, err)
		change(&o)
		_, err = NewClient(o)
		require.ErrorContains(t, err, name)
		require.NotContains(t, err.Error(), "hidden")
	}
}
