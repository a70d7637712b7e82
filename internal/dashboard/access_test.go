package dashboard

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/bcrypt"

	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/operator"
)

func TestReadUsers(t *testing.T) {
	t.Parallel()
	users, err := ReadUsers(strings.NewReader("# who may come in\n\nkim:" + string(olga.hash) + ":operator:*\n" +
		"ada@example.com::viewer:acme-nova,other-route\n"))
	require.NoError(t, err)
	require.Len(t, users, 2)
	require.True(t, users[0].Steers())
	require.True(t, users[0].Sees("any"))
	require.True(t, users[0].Sees(""))
	require.False(t, users[1].Steers())
	require.True(t, users[1].Sees("other-route"))
	require.False(t, users[1].Sees("any"))
	require.False(t, users[1].Sees(""), "what is of no known route is for those who see all")
}

func TestUsersThatAreRefused(t *testing.T) {
	t.Parallel()
	for text, says := range map[string]string{
		"":                     "there is no user",
		"kim:operator:*":       "line 1: there are 3 parts",
		"kim:plain:operator:*": "user kim: the hash is not one of bcrypt",
		"kim::admin:*":         "user kim: the role is neither viewer nor operator",
		"kim::viewer:":         `user kim: "" is not a route`,
		"kim::viewer:a,*":      `user kim: "*" is not a route`,
		"k m::viewer:*":        "the name must match",
		"kim::viewer:*\n\nkim::operator:acme-nova": "line 3: user kim is there twice",
	} {
		_, err := ReadUsers(strings.NewReader(text))
		require.ErrorContains(t, err, says, text)
		require.NotContains(t, err.Error(), "plain")
	}
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	b := setup(t, olga, vera)
	b.running("run-1", "acme-nova")
	a := b.get("/", "")
	require.Equal(t, http.StatusUnauthorized, a.status)
	require.Contains(t, a.header.Get("WWW-Authenticate"), "Basic")
	require.NotContains(t, a.body, "run-1")
	for _, c := range []struct{ name, password string }{{"olga", "vera"}, {"olga", ""}, {"nobody", "nobody"}, {"", ""}} {
		a := b.ask(http.MethodGet, "/", "", http.NoBody, func(r *http.Request) { r.SetBasicAuth(c.name, c.password) })
		require.Equal(t, http.StatusUnauthorized, a.status)
	}
	for range 2 { // the second time from memory
		require.Equal(t, http.StatusOK, b.get("/", "olga").status)
	}
	require.NotContains(t, b.log.String(), "nobody", "what was typed as a name may be a password")
	for _, path := range []string{"/livez", "/readyz"} {
		require.Equal(t, http.StatusOK, b.get(path, "").status)
	}
}

func TestUserWithoutAHashCannotSignIn(t *testing.T) {
	t.Parallel()
	b := setup(t, User{Name: "ada", Role: Operator})
	require.Equal(t, http.StatusUnauthorized, b.get("/", "ada").status)
	require.NoError(t, bcrypt.CompareHashAndPassword(olga.hash, []byte("olga")), "the tests' own hashes are good")
}

func TestTrustedProxyNamesTheUser(t *testing.T) {
	t.Parallel()
	from := func(networks ...string) *bundle {
		access := Access{Users: []User{olga, {Name: "ada", Role: Viewer, Routes: []string{"acme-nova"}}}, UserHeader: "X-Forwarded-User"}
		for _, n := range networks {
			access.Proxies = append(access.Proxies, netip.MustParsePrefix(n))
		}
		return setupWith(t, Options{Access: access})
	}
	as := func(names ...string) func(*http.Request) {
		return func(r *http.Request) { r.Header["X-Forwarded-User"] = names }
	}
	b := from("127.0.0.0/8")
	a := b.ask(http.MethodGet, "/", "", http.NoBody, as("ada"))
	require.Equal(t, http.StatusOK, a.status)
	require.Contains(t, a.body, "ada, viewer of acme-nova")
	require.Equal(t, http.StatusForbidden, b.ask(http.MethodGet, "/", "", http.NoBody, as("mallory")).status)
	require.Equal(t, http.StatusForbidden, b.ask(http.MethodGet, "/", "", http.NoBody, as("ada", "olga")).status)
	require.Equal(t, http.StatusForbidden, b.ask(http.MethodGet, "/", "olga", http.NoBody, as("")).status)
	require.Equal(t, http.StatusOK, b.get("/", "olga").status)

	elsewhere := from("10.0.0.0/8")
	require.Equal(t, http.StatusUnauthorized, elsewhere.ask(http.MethodGet, "/", "", http.NoBody, as("ada")).status)
}

// Partner A never sees partner B, whatever is asked for.
func TestRoutesAreKeptApart(t *testing.T) {
	t.Parallel()
	b := setup(t, olga, vera, pia, otto)
	b.running("run-1", "acme-nova")
	b.finished("old-1", "acme-nova", migration.Completed)
	b.running("run-2", "other-route")
	b.running("run-3", "")
	b.engine.records["entitlement/acme-nova/ext-1"] = operator.RecordRun{Migration: "run-1", StartedAt: began}
	for _, id := range []string{"run-1", "old-1"} {
		for _, path := range []string{"", "/events", "/record", "/record?id=ext-1", "/files/errors.csv", "/files/plan.json", "/do/pause"} {
			require.Equal(t, http.StatusNotFound, b.get("/migrations/"+id+path, "otto").status, path)
		}
		require.Equal(t, http.StatusNotFound, b.post("/migrations/"+id+"/do/pause", "otto", url.Values{}).status)
	}
	require.Zero(t, b.engine.count("update"))
	list := b.get("/", "otto").body
	require.Contains(t, list, "run-2")
	for _, other := range []string{"run-1", "old-1", "run-3", "acme-nova"} {
		require.NotContains(t, list, other)
	}
	require.NotContains(t, b.get("/start", "otto").body, "acme-nova")
	require.Equal(t, http.StatusNotFound, b.get("/migrations/run-3", "vera").status, "a migration of no known route")
	require.Equal(t, http.StatusOK, b.get("/migrations/run-3", "olga").status)
	require.Equal(t, http.StatusOK, b.get("/migrations/run-1", "vera").status)
	require.NotContains(t, b.get("/migrations/run-1", "vera").body, "namespaces/", "the Temporal UI knows no routes")
}

func TestViewersOnlyLook(t *testing.T) {
	t.Parallel()
	b := setup(t, vera)
	b.running("run-1", "acme-nova")
	page := b.get("/migrations/run-1", "vera").body
	require.NotContains(t, page, "/do/")
	require.NotContains(t, page, `href="/start"`)
	for _, a := range actions {
		require.Equal(t, http.StatusForbidden, b.get("/migrations/run-1/do/"+a.Name, "vera").status)
		require.Equal(t, http.StatusForbidden, b.post("/migrations/run-1/do/"+a.Name, "vera", url.Values{"confirm": {"yes"}}).status)
	}
	require.Equal(t, http.StatusForbidden, b.get("/start", "vera").status)
	require.Equal(t, http.StatusForbidden, b.post("/start", "vera", url.Values{"route": {"acme-nova"}}).status)
	require.Zero(t, b.engine.count("update")+b.engine.count("start"))
}

func TestForgedRequestsAreRefused(t *testing.T) {
	t.Parallel()
	for name, forge := range map[string]func(*http.Request){
		"cross site":       func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") },
		"same site":        func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") },
		"other origin":     func(r *http.Request) { r.Header.Del("Sec-Fetch-Site"); r.Header.Set("Origin", "https://evil.example") },
		"no origin at all": func(r *http.Request) { r.Header.Del("Sec-Fetch-Site") },
		"opaque origin":    func(r *http.Request) { r.Header.Del("Sec-Fetch-Site"); r.Header.Set("Origin", "null") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, olga)
			b.running("run-1", "acme-nova")
			for _, path := range []string{"/migrations/run-1/do/pause", "/start"} {
				require.Equal(t, http.StatusForbidden, b.ask(http.MethodPost, path, "olga", http.NoBody, forge).status)
			}
			require.Zero(t, b.engine.count("update")+b.engine.count("start"))
		})
	}
	b := setup(t, olga)
	b.running("run-1", "acme-nova")
	own := func(r *http.Request) { r.Header.Del("Sec-Fetch-Site"); r.Header.Set("Origin", b.web.URL) }
	require.Equal(t, http.StatusSeeOther, b.ask(http.MethodPost, "/migrations/run-1/do/pause", "olga", http.NoBody, own).status)
}

func TestPublicURLIsTrusted(t *testing.T) {
	t.Parallel()
	b := setupWith(t, Options{Access: Access{Users: []User{olga}}, PublicURL: "https://ferry.example.com"})
	b.running("run-1", "acme-nova")
	from := func(r *http.Request) {
		r.Header.Del("Sec-Fetch-Site")
		r.Header.Set("Origin", "https://ferry.example.com")
	}
	require.Equal(t, http.StatusSeeOther, b.ask(http.MethodPost, "/migrations/run-1/do/pause", "olga", http.NoBody, from).status)
}

// A page elsewhere may give its own name this machine's address; then it is of
// one origin with an open dashboard.
func TestOpenDashboardAnswersToItsOwnNameAlone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for host, status := range map[string]int{
		"localhost:8088": http.StatusOK, "127.0.0.1": http.StatusOK, "[::1]:8088": http.StatusOK, "LOCALHOST": http.StatusOK,
		"evil.example:8088": http.StatusForbidden, "10.0.0.1": http.StatusForbidden, "localhost.evil.example": http.StatusForbidden,
	} {
		a := b.ask(http.MethodGet, "/", "", http.NoBody, func(r *http.Request) { r.Host = host })
		require.Equal(t, status, a.status, host)
	}
}

func TestSecurityHeaders(t *testing.T) {
	t.Parallel()
	b := setup(t, olga)
	b.running("run-1", "acme-nova")
	for _, path := range []string{"/", "/migrations/run-1", "/nowhere", "/livez", "/migrations/run-1/files/plan.json", "/assets/none.css"} {
		h := b.get(path, "olga").header
		require.Contains(t, h.Get("Content-Security-Policy"), "default-src 'none'; script-src 'self'", path)
		require.NotContains(t, h.Get("Content-Security-Policy"), "unsafe")
		require.Equal(t, "nosniff", h.Get("X-Content-Type-Options"))
		require.Equal(t, "DENY", h.Get("X-Frame-Options"))
		require.Equal(t, "no-store", h.Get("Cache-Control"))
	}
	page := b.get("/migrations/run-1", "olga").body
	require.NotContains(t, page, " style=")
	require.NotContains(t, page, "<style")
	require.NotRegexp(t, `<script(>| [^>]*>[^<])`, page)
	require.NotRegexp(t, ` on[a-z]+=`, page)
}
