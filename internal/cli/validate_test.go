package cli

import (
	"encoding/json"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/examples"
	"github.com/f0a90b9a/ferry/internal/cli/view"
	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/routes"
	"github.com/f0a90b9a/ferry/internal/sandbox"
)

const badFile = `[{"externalEntitlementId":"ext-1","customerIdentifier":"secret-customer","status":"LIVING"}]`

func writeFile(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

func TestValidate(t *testing.T) {
	t.Parallel()
	good, bad := writeFile(t, "good.json", string(examples.Acme200)), writeFile(t, "bad.json", badFile)
	missing := filepath.Join(t.TempDir(), "missing.json")

	r := setup(t).run("validate", good, "--route=acme-nova")
	requireEnd(t, r, exitOK, good+": 200 records, accepted\n", "")
	require.Contains(t, r.out, "SUSPENDED")

	r = setup(t).run("validate", good, bad, "--route=acme-nova")
	requireEnd(t, r, exitRejected, "bad.json: 1 record, rejected", "")
	require.Contains(t, r.out, "ext-1")
	require.NotContains(t, r.out, "secret-customer")

	r = setup(t).run("validate", missing, bad, "--route=acme-nova")
	requireEnd(t, r, exitUnable, "rejected", "missing.json: no such file")
	requireEnd(t, setup(t).run("validate", t.TempDir()), exitUnable, "", "is a folder")
	requireEnd(t, setup(t).run("validate", good), exitOK, "accepted", "(name it with --route)")
}

func TestValidateReadsStdin(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.in = badFile
	r := b.run("validate", "-", "--route=acme-nova", "--json")
	require.Equal(t, exitRejected, r.code)
	require.Empty(t, r.errors)
	var reports []view.Validation
	require.NoError(t, json.Unmarshal([]byte(r.out), &reports))
	require.Len(t, reports, 1)
	require.False(t, reports[0].OK)
	require.Equal(t, "-", reports[0].File)
	require.Equal(t, "ext-1", reports[0].Problems[0].ExternalEntitlementID)
	b.in = ""
	requireEnd(t, b.run("validate", "-"), exitRejected, "NO_RECORDS", "")
}

func TestValidateByARouteFile(t *testing.T) {
	t.Parallel()
	good := writeFile(t, "good.json", string(examples.Acme200))
	rules := setup(t).run("route", "acme-nova", "--json")
	require.Equal(t, exitOK, rules.code)
	route := writeFile(t, "route.json", rules.out)
	requireEnd(t, setup(t).run("validate", good, "--route", route), exitOK, "accepted", "")

	narrow := routes.AcmeNova()
	narrow.Statuses = []entitlement.Status{entitlement.Pending}
	body, err := json.Marshal(narrow)
	require.NoError(t, err)
	requireEnd(t, setup(t).run("validate", good, "--route", writeFile(t, "narrow.json", string(body))), exitRejected, "rejected", "")

	requireEnd(t, setup(t).run("validate", good, "--route", writeFile(t, "empty.json", "{}")), exitUnable, "", "ferry route NAME --json")
	requireEnd(t, setup(t).run("validate", good, "--route", writeFile(t, "bad.json", "{")), exitUnable, "", "route file")
	requireEnd(t, setup(t).run("validate", good, "--route=/nowhere/x.json"), exitUnable, "", "no such file")
	requireEnd(t, setup(t).run("validate", good, "--route=acme-moon"), exitUnable, "", "acme-nova")
	requireEnd(t, setup(t).run("validate", good, "--route", writeFile(t, "typo.json", `{"route":"r","merchantAccountKey":"m","product":[]}`)), exitUnable, "", `unknown field "product"`)
	requireEnd(t, setup(t).run("validate", good, "--route", writeFile(t, "two.json", rules.out+rules.out)), exitUnable, "", "more than one route")
	requireEnd(t, setup(t).run("validate", good, "--route", good), exitUnable, "", "holds no route's rules, but a JSON array (make one")
	requireEnd(t, setup(t).run("validate", good, "--route", writeFile(t, "number.json", `{"route":17}`)), exitUnable, "", "has a JSON number for route")
	requireEnd(t, setup(t).run("validate", good, "--route", t.TempDir()), exitUnable, "", "is a directory")
}

func TestRouteOffline(t *testing.T) {
	t.Parallel()
	r := setup(t).run("route", "acme-nova")
	requireEnd(t, r, exitOK, "nova-fail-activate", "")
	var route entitlement.Route
	require.NoError(t, json.Unmarshal([]byte(setup(t).run("route", "acme-nova", "--json").out), &route))
	require.Equal(t, routes.AcmeNova(), route)
	requireEnd(t, setup(t).run("route", "acme-moon"), exitUnable, "", "ferry: route acme-moon: ")
}

// target starts a sandbox with a route of its own and gives the settings that
// lead there.
func target(t *testing.T) []string {
	t.Helper()
	server, err := sandbox.New(sandbox.Options{Routes: []entitlement.Route{{
		Route: "other", Reseller: "r", MerchantAccountKey: "m",
		Products: []entitlement.Product{{ProductKey: "p"}}, Statuses: []entitlement.Status{entitlement.Pending}, Actions: []entitlement.Step{},
	}}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Close()) })
	web := httptest.NewServer(server.Handler())
	t.Cleanup(web.Close)

	return []string{
		"FERRY_TARGET_BASE_URL=" + web.URL, "FERRY_TARGET_USERNAME=" + sandbox.DefaultUser,
		"FERRY_TARGET_PASSWORD=" + sandbox.DefaultPassword,
	}
}

func TestRouteFromTheTarget(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.env = append(b.env, target(t)...)
	requireEnd(t, b.run("route", "other"), exitOK, "merchantAccountKey         m\n", "")
	requireEnd(t, b.run("route", "unknown"), exitUnable, "", "the target doesn't know it")
	b.env = append(b.env, "FERRY_TARGET_PASSWORD=wrong-password")
	r := b.run("route", "other")
	requireEnd(t, r, exitUnable, "", "check target.username and target.password")
	require.NotContains(t, r.errors, "wrong-password")
}
