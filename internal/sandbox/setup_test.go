package sandbox

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/resale/resaleapi"
)

// bundle is a sandbox over HTTP with a clock that the test turns.
type bundle struct {
	t      testing.TB
	server *Server
	http   *httptest.Server
	api    *resaleapi.ClientWithResponses
	clock  *clock
}

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) forward(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

var start = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func setup(t testing.TB, options ...func(*Options)) *bundle {
	t.Helper()
	b := &bundle{t: t, clock: &clock{now: start}}
	o := Options{Now: b.clock.Now}
	for _, option := range options {
		option(&o)
	}
	var err error
	b.server, err = New(o)
	require.NoError(t, err)
	b.http = httptest.NewServer(b.server.Handler())
	t.Cleanup(func() { b.close() })
	b.api, err = resaleapi.NewClientWithResponses(b.http.URL,
		resaleapi.WithHTTPClient(b.http.Client()),
		resaleapi.WithRequestEditorFn(func(_ context.Context, r *http.Request) error {
			r.SetBasicAuth(DefaultUser, DefaultPassword)
			return nil
		}))
	require.NoError(t, err)
	return b
}

func (b *bundle) close() {
	if b.http == nil {
		return
	}
	b.http.Close()
	require.NoError(b.t, b.server.Close())
	b.http = nil
}

func (b *bundle) faults(change func(*Faults)) {
	b.t.Helper()
	require.NoError(b.t, b.server.ChangeFaults(func(f *Faults) error { change(f); return nil }))
}

func (b *bundle) stats() Stats {
	b.t.Helper()
	stats, err := b.server.Stats(b.t.Context())
	require.NoError(b.t, err)
	return stats
}

// reply is an answer of the API, whatever it is.
type reply struct {
	HTTP       int         `json:"-"`
	Header     http.Header `json:"-"`
	Code       string      `json:"responseCode"`
	Message    string      `json:"responseMessage"`
	Parameters resaleapi.Parameters
	resaleapi.Entitlement
}

func (b *bundle) reply(resp *http.Response, err error) reply {
	b.t.Helper()
	require.NoError(b.t, err)
	defer func() { require.NoError(b.t, resp.Body.Close()) }()
	raw, err := io.ReadAll(resp.Body)
	require.NoError(b.t, err)
	r := reply{HTTP: resp.StatusCode, Header: resp.Header}
	require.NoError(b.t, json.Unmarshal(raw, &r), string(raw))
	return r
}

func (b *bundle) raw() resaleapi.ClientInterface { return b.api.ClientInterface }

func (b *bundle) create(body resaleapi.CreateRequest, id ...string) reply {
	b.t.Helper()
	params := &resaleapi.CreateEntitlementParams{}
	if len(id) > 0 {
		params.XRequestIdentifier = &id[0]
	}
	return b.reply(b.raw().CreateEntitlement(b.t.Context(), params, body))
}

// call does a lifecycle call, at a time or now.
func (b *bundle) call(k kind, id string, at *time.Time) reply {
	b.t.Helper()
	ctx := b.t.Context()
	switch k {
	case kindActivate:
		return b.reply(b.raw().ActivateEntitlement(ctx, id, nil, resaleapi.ActivateRequest{DateActivated: at}))
	case kindSuspend:
		return b.reply(b.raw().UpdateEntitlement(ctx, nil, resaleapi.UpdateRequest{
			EntitlementID: id, EntitlementBenefits: resaleapi.BenefitsSUSPENDED, DateSuspended: at,
		}))
	case kindResume:
		return b.reply(b.raw().UpdateEntitlement(ctx, nil, resaleapi.UpdateRequest{
			EntitlementID: id, EntitlementBenefits: resaleapi.BenefitsNORMAL, DateResumed: at,
		}))
	case kindCancel:
		return b.reply(b.raw().CancelEntitlement(ctx, id, nil, resaleapi.EndRequest{DateEnded: at}))
	case kindRevoke:
		return b.reply(b.raw().RevokeEntitlement(ctx, id, nil, resaleapi.EndRequest{DateEnded: at}))
	default:
		b.t.Fatalf("no such call: %s", k)
		return reply{}
	}
}

func (b *bundle) get(id string) reply {
	b.t.Helper()
	return b.reply(b.raw().GetEntitlement(b.t.Context(), id))
}

// admin makes one of the sandbox's own calls.
func (b *bundle) admin(method, path, body string) (int, string) {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.http.URL+"/_sandbox/"+path, strings.NewReader(body))
	require.NoError(b.t, err)
	req.SetBasicAuth(DefaultUser, DefaultPassword)
	resp, err := b.http.Client().Do(req)
	require.NoError(b.t, err)
	defer func() { require.NoError(b.t, resp.Body.Close()) }()
	raw, err := io.ReadAll(resp.Body)
	require.NoError(b.t, err)
	return resp.StatusCode, string(raw)
}

// migration is a create request that is refused by nothing.
func migration(external string, status resaleapi.Status) resaleapi.CreateRequest {
	return resaleapi.CreateRequest{
		Migration:             new(true),
		ExternalEntitlementID: &external,
		CustomerIdentifier:    "customer-of-" + external,
		MerchantAccountKey:    "nova-music",
		ProductKey:            "nova-basic",
		OfferKey:              new("bundle"),
		Status:                &status,
		DateCreated:           new(start.AddDate(-1, 0, 0)),
	}
}
