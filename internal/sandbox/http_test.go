package sandbox

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/resale/resaleapi"
	"github.com/f0a90b9a/ferry/internal/routes"
)

// plain makes a call without the generated client.
func (b *bundle) plain(method, path, body, user, password string) (*http.Response, string) {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.http.URL+path, strings.NewReader(body))
	require.NoError(b.t, err)
	if user != "" {
		req.SetBasicAuth(user, password)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := b.http.Client().Do(req)
	require.NoError(b.t, err)
	defer func() { require.NoError(b.t, resp.Body.Close()) }()
	raw, err := io.ReadAll(resp.Body)
	require.NoError(b.t, err)
	return resp, string(raw)
}

func TestCredentialsAreNeededEverywhere(t *testing.T) {
	t.Parallel()
	b := setup(t)
	paths := []string{"/v1/echo/1", "/v1/route/acme-nova", "/v1/entitlement/x", "/v1/nothing", "/_sandbox/faults", "/_sandbox/stats", "/_sandbox/entitlements"}
	for _, path := range paths {
		for _, c := range [][2]string{{"", ""}, {"acme", "wrong"}, {"Acme", DefaultPassword}, {"acme", ""}} {
			resp, body := b.plain(http.MethodGet, path, "", c[0], c[1])
			require.Equal(t, http.StatusUnauthorized, resp.StatusCode, path)
			require.Contains(t, body, "UNAUTHORIZED")
			require.NotEmpty(t, resp.Header.Get("WWW-Authenticate"))
		}
	}
	require.Zero(t, b.stats().Calls["echo"])
	resp, _ := b.plain(http.MethodGet, "/healthz", "", "", "")
	require.Equal(t, http.StatusOK, resp.StatusCode)
}

func TestOwnCredentials(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *Options) { o.User, o.Password = "kim", "päss:word" })
	resp, _ := b.plain(http.MethodGet, "/v1/echo/1", "", "kim", "päss:word")
	require.Equal(t, http.StatusOK, resp.StatusCode)
	resp, _ = b.plain(http.MethodGet, "/v1/echo/1", "", DefaultUser, DefaultPassword)
	require.Equal(t, http.StatusUnauthorized, resp.StatusCode)
}

func TestBadRequestsNameTheFieldAndNoValue(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for body, says := range map[string]string{
		``:                            "body",
		`{`:                           "body",
		`[]`:                          "body",
		`{"customerIdentifier":"x"}`:  "merchantAccountKey",
		`{"customerIdentifier":4711}`: "customerIdentifier",
		`{"customerIdentifier":"secret-one","merchantAccountKey":"nova-music","productKey":"nova-basic","dateCreated":"yesterday"}`: "dateCreated",
		`{"customerIdentifier":"secret-one","merchantAccountKey":"nova-music","productKey":"nova-basic","zipCode":"secret-one"}`:    "",
		`{"customerIdentifier":"` + strings.Repeat("secret-one", 30) + `","merchantAccountKey":"a","productKey":"b"}`:               "customerIdentifier",
		`{"customerIdentifier":"c","merchantAccountKey":"a","productKey":"b","extensionData":5}`:                                    "extensionData",
	} {
		resp, answer := b.plain(http.MethodPost, "/v1/entitlement", body, DefaultUser, DefaultPassword)
		require.Equal(t, http.StatusBadRequest, resp.StatusCode, body)
		require.Contains(t, answer, `"BAD_REQUEST"`, body)
		require.Contains(t, answer, says, body)
		require.NotContains(t, answer, "secret-one")
		require.NotContains(t, answer, "4711")
	}
	stats := b.stats()
	require.Equal(t, stats.Calls["create"], stats.Rejected)
	long := `{"customerIdentifier":"` + strings.Repeat("x", bodyLimit) + `"}`
	resp, _ := b.plain(http.MethodPost, "/v1/entitlement", long, DefaultUser, DefaultPassword)
	require.Equal(t, http.StatusBadRequest, resp.StatusCode)
}

func TestUnknownCallsHaveTheEnvelope(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, call := range [][2]string{{"GET", "/v1/"}, {"GET", "/v1/entitlement"}, {"DELETE", "/v1/entitlement/x"}, {"POST", "/v1/entitlement/pause/x"}} {
		resp, body := b.plain(call[0], call[1], "", DefaultUser, DefaultPassword)
		require.Equal(t, http.StatusNotFound, resp.StatusCode, call)
		require.Contains(t, body, `"NOT_FOUND"`)
	}
	resp, body := b.plain(http.MethodGet, "/", "", DefaultUser, DefaultPassword)
	require.Equal(t, http.StatusNotFound, resp.StatusCode)
	require.NotContains(t, body, "responseCode", "outside the API there is no envelope")
}

func TestRouteIsServedAsPublished(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, body := b.plain(http.MethodGet, "/v1/route/acme-nova", "", DefaultUser, DefaultPassword)
	var got entitlement.Route
	require.NoError(t, json.Unmarshal([]byte(body), &got))
	require.Equal(t, routes.AcmeNova(), got)
}

func TestReportFiltersAndPages(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for i := range 25 {
		body := migration(fmt.Sprintf("e-%02d", i), resaleapi.StatusACTIVE)
		if i%5 == 0 {
			body.ProductKey = "nova-premium"
		}
		made := b.create(body)
		if i%2 == 0 {
			require.Equal(t, "OK", b.call(kindActivate, made.EntitlementID, nil).Code)
		}
	}
	ask := func(r resaleapi.ReportRequest) (names []string, pages int) {
		for {
			got, err := b.api.ReportEntitlementsWithResponse(t.Context(), r)
			require.NoError(t, err)
			require.NotNil(t, got.JSON200, string(got.Body))
			pages++
			for _, e := range got.JSON200.Entitlements {
				names = append(names, *e.ExternalEntitlementID)
			}
			if got.JSON200.NextPage == nil {
				return names, pages
			}
			r.Page = got.JSON200.NextPage
		}
	}
	all, pages := ask(resaleapi.ReportRequest{PageSize: new(10)})
	require.Len(t, all, 25)
	require.IsIncreasing(t, all)
	require.Equal(t, 3, pages)
	_, pages = ask(resaleapi.ReportRequest{PageSize: new(25)})
	require.Equal(t, 1, pages, "no empty page at the end")
	some, _ := ask(resaleapi.ReportRequest{ExternalEntitlementIds: &[]string{"e-03", "e-01", "unknown"}})
	require.Equal(t, []string{"e-01", "e-03"}, some)
	product, _ := ask(resaleapi.ReportRequest{ProductKey: new("nova-premium"), Status: new(resaleapi.StatusACTIVE)})
	require.Equal(t, []string{"e-00", "e-10", "e-20"}, product)
	customer, _ := ask(resaleapi.ReportRequest{CustomerIdentifier: new("customer-of-e-07"), MerchantAccountKey: new("nova-music")})
	require.Equal(t, []string{"e-07"}, customer)
	none, _ := ask(resaleapi.ReportRequest{MerchantAccountKey: new("unknown")})
	require.Empty(t, none)

	tooMany := make([]string, 101)
	for i := range tooMany {
		tooMany[i] = "e"
	}
	require.Equal(t, "BAD_REQUEST", b.reply(b.raw().ReportEntitlements(t.Context(), resaleapi.ReportRequest{ExternalEntitlementIds: &tooMany})).Code)
	require.Equal(t, "BAD_REQUEST", b.reply(b.raw().ReportEntitlements(t.Context(), resaleapi.ReportRequest{ExternalEntitlementIds: &[]string{}})).Code)
}

func TestListIsOneObjectALine(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const n = listPage + 3
	for i := range n {
		require.Equal(t, "OK", b.create(migration(fmt.Sprintf("e-%d", i), resaleapi.StatusACTIVE)).Code)
	}
	status, body := b.admin(http.MethodGet, "entitlements?route=acme-nova", "")
	require.Equal(t, http.StatusOK, status)
	lines := bufio.NewScanner(strings.NewReader(body))
	i := 0
	for ; lines.Scan(); i++ {
		var e resaleapi.Entitlement
		require.NoError(t, json.Unmarshal(lines.Bytes(), &e))
		require.Equal(t, fmt.Sprintf("e-%d", i), *e.ExternalEntitlementID)
	}
	require.Equal(t, n, i)
	_, body = b.admin(http.MethodGet, "entitlements?route=unknown", "")
	require.Empty(t, body)
}

func TestStatsHaveTheirShape(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.at(entitlement.Active, "e")
	_, body := b.admin(http.MethodGet, "stats", "")
	require.JSONEq(t, `{
		"calls":{"create":1,"activate":1,"suspend":0,"resume":0,"cancel":0,"revoke":0,"get":1,"report":0,"echo":0,"route":0},
		"effective":{"create":1,"activate":1,"suspend":0,"resume":0,"cancel":0,"revoke":0},
		"replayed":0,"rejected":0,
		"entitlements":{"PENDING":0,"ACTIVE":1,"ACTIVE-ENDING":0,"SUSPENDED":0,"CANCELLED":0,"REVOKED":0},
		"duplicateExternalIds":0}`, body)
}
