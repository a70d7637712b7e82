package resale

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migrator"
)

// besides is a target whose echo answers by one handler, and all else by
// another.
func besides(echo, rest http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "/echo/") {
			echo.ServeHTTP(w, r)
			return
		}
		rest.ServeHTTP(w, r)
	})
}

// echoes is an echo that passes.
func echoes(w http.ResponseWriter, r *http.Request) {
	id := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
	says(200, `{"responseCode":"OK","responseMessage":"","echo":"`+id+`"}`)(w, r)
}

// What is turned away while echo passes is the call's own; what is turned away
// together with echo is the run's; and without an answer of echo nobody knows.
func TestARefusalIsAttributedByEcho(t *testing.T) {
	t.Parallel()
	html := []string{"Content-Type", "text/html"}
	for name, c := range map[string]struct {
		says             http.HandlerFunc
		alone, all, away verdict
	}{
		"a firewall's page": {
			says(403, page, html...),
			verdict{fault.Final, "GATEWAY", false, 0},
			verdict{fault.Unauthorized, "UNAUTHORIZED", false, 0},
			verdict{fault.Retryable, "GATEWAY", false, 0},
		},
		"the API's own 403": {
			says(403, envelope("FORBIDDEN", "not this one")),
			verdict{fault.Final, "FORBIDDEN", false, 0},
			verdict{fault.Unauthorized, "UNAUTHORIZED", false, 0},
			verdict{fault.Retryable, "FORBIDDEN", false, 0},
		},
		"406": {
			says(406, page, html...),
			verdict{fault.Final, "GATEWAY", false, 0},
			verdict{fault.Unauthorized, "GATEWAY", false, 0},
			verdict{fault.Retryable, "GATEWAY", false, 0},
		},
		"407": {
			says(407, page, html...),
			verdict{fault.Final, "GATEWAY", false, 0},
			verdict{fault.Unauthorized, "GATEWAY", false, 0},
			verdict{fault.Retryable, "GATEWAY", false, 0},
		},
		"431": {
			says(431, page, html...),
			verdict{fault.Final, "GATEWAY", false, 0},
			verdict{fault.Unauthorized, "GATEWAY", false, 0},
			verdict{fault.Retryable, "GATEWAY", false, 0},
		},
		"451": {
			says(451, page, html...),
			verdict{fault.Final, "GATEWAY", false, 0},
			verdict{fault.Unauthorized, "GATEWAY", false, 0},
			verdict{fault.Retryable, "GATEWAY", false, 0},
		},
		"a permanent redirect": {
			says(308, "", "Location", "https://elsewhere.example.com/v2"),
			verdict{fault.Final, "GATEWAY", false, 0},
			verdict{fault.Unauthorized, "GATEWAY", false, 0},
			verdict{fault.Retryable, "GATEWAY", false, 0},
		},
		"a redirect to a login page": {
			says(302, "", "Location", "/login"),
			verdict{fault.Final, "GATEWAY", true, 0},
			verdict{fault.Unauthorized, "GATEWAY", true, 0},
			verdict{fault.Retryable, "GATEWAY", true, 0},
		},
		"a page that says OK": {
			says(200, page, html...),
			verdict{fault.Retryable, "GATEWAY", true, 0},
			verdict{fault.Retryable, "GATEWAY", true, 0},
			verdict{fault.Retryable, "GATEWAY", true, 0},
		},
		"a page that knows no such path": {
			says(404, page, html...),
			verdict{fault.Retryable, "GATEWAY", false, 0},
			verdict{fault.Retryable, "GATEWAY", false, 0},
			verdict{fault.Retryable, "GATEWAY", false, 0},
		},
		"401": {
			says(401, page, html...),
			verdict{fault.Unauthorized, "UNAUTHORIZED", false, 0},
			verdict{fault.Unauthorized, "UNAUTHORIZED", false, 0},
			verdict{fault.Unauthorized, "UNAUTHORIZED", false, 0},
		},
		"UNAUTHORIZED by its code": {
			says(403, envelope("UNAUTHORIZED", "who")),
			verdict{fault.Unauthorized, "UNAUTHORIZED", false, 0},
			verdict{fault.Unauthorized, "UNAUTHORIZED", false, 0},
			verdict{fault.Unauthorized, "UNAUTHORIZED", false, 0},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, side := range []struct {
				echo http.HandlerFunc
				want verdict
			}{{echoes, c.alone}, {c.says, c.all}, {says(503, page, html...), c.away}} {
				target := setup(t, besides(side.echo, c.says))
				for call, err := range everyWrite(t, target) {
					require.Equal(t, side.want, judged(t, err), call)
				}
				side.want.unclear = false
				_, err := target.Find(t.Context(), "nova-music", []string{"ext-1"})
				require.Equal(t, side.want, judged(t, err))
			}
		})
	}
}

func TestAloneIsWhatEchoPassesBeside(t *testing.T) {
	t.Parallel()
	refusing := says(403, page, "Content-Type", "text/html")
	_, err := setup(t, besides(http.HandlerFunc(echoes), refusing)).Get(t.Context(), entitlementID)
	require.True(t, faultOf(t, err).Alone)
	require.Equal(t, "get: status 403 and not an answer of the API, while echo passes: this call alone is refused", faultOf(t, err).Message)

	_, err = setup(t, refusing).Get(t.Context(), entitlementID)
	require.False(t, faultOf(t, err).Alone)
	require.Equal(t, "get: status 403 and not an answer of the API, and so is echo: status 403 and not an answer of the API",
		faultOf(t, err).Message)

	own := says(403, envelope("FORBIDDEN", "not yours"))
	_, err = setup(t, besides(http.HandlerFunc(echoes), own)).Get(t.Context(), entitlementID)
	require.Equal(t, "get: status 403, while echo passes: this call alone is refused: not yours", faultOf(t, err).Message)
}

// A redirect is a wrong address, and is named without what may be secret in it.
func TestARedirectNamesWhereItPoints(t *testing.T) {
	t.Parallel()
	for location, want := range map[string]string{
		"https://kim:pass@api.example.com:8443/v2/?token=secret#frag": "redirects to https://api.example.com:8443/v2/, which is never followed",
		"/login?next=%2F": "/login, which is never followed",
		"":                "redirects to nowhere",
	} {
		for _, status := range []int{301, 302, 303, 307, 308} {
			err := setup(t, says(status, "", "Location", location)).Echo(t.Context())
			f := faultOf(t, err)
			require.Equal(t, fault.Unauthorized, f.Kind)
			require.Contains(t, f.Message, want)
			require.NotContains(t, f.Message, "pass")
			require.NotContains(t, f.Message, "secret")
		}
	}
	err := setup(t, says(301, "", "Location", "/v2/")).Echo(t.Context())
	require.Regexp(t, `^echo: status 301 redirects to http://127\.0\.0\.1:\d+/v2/, which is never followed$`, faultOf(t, err).Message)
}

// Whatever else is odd about a create's success, the id that it names is kept.
func TestAnAnswerToACreateKeepsTheIDThatItNames(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		says http.HandlerFunc
		id   string
	}{
		"trimmed id":       {says(200, strings.Replace(good, `"ext-1"`, `"ext-1 "`, 1)), entitlementID},
		"folded id":        {says(200, strings.Replace(good, `"ext-1"`, `"EXT-1"`, 1)), entitlementID},
		"unknown status":   {says(200, strings.Replace(good, "PENDING", "ASLEEP", 1)), entitlementID},
		"bad date":         {says(200, strings.Replace(good, "2024-01-01T00:00:00Z", "yesterday", 1)), entitlementID},
		"no customer":      {says(200, strings.Replace(good, `"cust-4711"`, "null", 1)), entitlementID},
		"id alone":         {says(200, `{"responseCode":"OK","entitlementId":"e-1"}`), "e-1"},
		"accepted":         {says(202, `{"responseCode":"OK","entitlementId":"e-1"}`), "e-1"},
		"created":          {says(201, `{"responseCode":"OK","entitlementId":"e-1"}`), "e-1"},
		"without envelope": {says(201, `{"entitlementId":"e-1"}`), "e-1"},
		"a number":         {says(200, `{"responseCode":"OK","entitlementId":4711}`), "4711"},
		"nothing":          {says(200, `{"responseCode":"OK"}`), ""},
		"empty":            {says(200, `{"responseCode":"OK","entitlementId":""}`), ""},
		"a list":           {says(200, `{"responseCode":"OK","entitlementId":["e-1"]}`), ""},
		"unfit":            {says(200, `{"responseCode":"OK","entitlementId":"a\nb"}`), ""},
		"a refusal":        {says(200, `{"responseCode":"BAD_REQUEST","entitlementId":"e-1"}`), ""},
		"server's trouble": {says(500, `{"responseCode":"OK","entitlementId":"e-1"}`), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := setup(t, besides(http.HandlerFunc(echoes), c.says)).Create(t.Context(), "id", record())
			f := faultOf(t, err)
			require.Equal(t, c.id, f.EntitlementID)
			require.Equal(t, c.id != "", f.Made)
		})
	}
}

// A success is one by any status of success: what stands before the target may
// have changed it.
func TestCreatedIsASuccess(t *testing.T) {
	t.Parallel()
	target := setup(t, says(201, good))
	made, err := target.Create(t.Context(), "id", record())
	require.NoError(t, err)
	require.Equal(t, entitlementID, made.EntitlementID)
	_, err = target.Cancel(t.Context(), "id", entitlementID, migrator.Ending{At: day})
	require.NoError(t, err)
}
