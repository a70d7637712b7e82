package resale

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migrator"
)

const entitlementID = "5a2e8f7c-1c8a-4e8f-9b4e-0a1b2c3d4e5f"

// good is an answer that any call on the record's entitlement may have.
const good = `{"responseCode":"OK","responseMessage":"Success","entitlementId":"` + entitlementID + `",
	"externalEntitlementId":"ext-1","status":"PENDING","customerIdentifier":"cust-4711","merchantAccountKey":"nova-music",
	"productKey":"nova-basic","dateCreated":"2024-01-01T00:00:00Z","dateActivated":null}`

var day = time.Date(2024, 1, 1, 10, 0, 0, 123_000_000, time.FixedZone("", 2*3600))

func record() *entitlement.Record {
	return &entitlement.Record{
		ExternalEntitlementID: "ext-1",
		CustomerIdentifier:    "cust-4711",
		MerchantAccountKey:    "nova-music",
		ProductKey:            "nova-basic",
		OfferKey:              "bundle",
		Status:                entitlement.Active,
		DateCreated:           &day,
		DateActivated:         &day,
		NotificationURL:       "https://partner.example.com/n?c=4711&x=1",
		ActivationCode:        "SECRET-CODE-9",
		ExtensionData:         []byte(`{"phone":"+491701234567","nested":{"names":["Ada \"L\""]},"n":12345}`),
	}
}

// setup is a client of a target that answers by handler.
func setup(t *testing.T, handler http.Handler) *Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return client(t, server.URL)
}

func client(t *testing.T, baseURL string, options ...func(*Options)) *Client {
	t.Helper()
	o := Options{BaseURL: baseURL, Username: "acme", Password: "pass-word-1", Timeout: 30 * time.Second}
	for _, option := range options {
		option(&o)
	}
	c, err := NewClient(o)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

// says is a target that always gives one answer.
func says(status int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

func envelope(code, message string) string {
	return `{"responseCode":"` + code + `","responseMessage":"` + message + `"}`
}

func faultOf(t *testing.T, err error) *fault.Fault {
	t.Helper()
	require.Error(t, err)
	f, ok := fault.As(err)
	require.True(t, ok, "%T is no fault", err)
	return f
}

// everyWrite and everyRead make each call of the target once.
func everyWrite(t *testing.T, c *Client) map[string]error {
	t.Helper()
	ctx := t.Context()
	errs := map[string]error{}
	_, errs["create"] = c.Create(ctx, "id", record())
	_, errs["activate"] = c.Activate(ctx, "id", entitlementID, day)
	_, errs["suspend"] = c.Suspend(ctx, "id", entitlementID, day)
	_, errs["cancel"] = c.Cancel(ctx, "id", entitlementID, migrator.Ending{At: day})
	_, errs["revoke"] = c.Revoke(ctx, "id", entitlementID, migrator.Ending{At: day})
	return errs
}

func everyRead(t *testing.T, c *Client) map[string]error {
	t.Helper()
	ctx := t.Context()
	errs := map[string]error{"echo": c.Echo(ctx)}
	_, errs["route"] = c.Route(ctx, "acme-nova")
	_, errs["get"] = c.Get(ctx, entitlementID)
	_, errs["report"] = c.Find(ctx, "nova-music", []string{"ext-1"})
	return errs
}
