package resale

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/fault"
)

// verdict is what a fault says, but for its message.
type verdict struct {
	kind       fault.Kind
	code       string
	unclear    bool // of a write; a read is never unclear
	retryAfter time.Duration
}

const page = "<html><body><h1>Sorry</h1></body></html>"

func TestAnswersAndTheirFaults(t *testing.T) {
	t.Parallel()
	html := []string{"Content-Type", "text/html"}
	for name, c := range map[string]struct {
		target http.HandlerFunc
		want   verdict
	}{
		"throttled": {
			says(429, envelope("TOO_MANY_REQUESTS", "slow down"), "Retry-After", "7"),
			verdict{fault.Retryable, "TOO_MANY_REQUESTS", false, 7 * time.Second},
		},
		"internal": {says(500, envelope("INTERNAL_ERROR", "oops")), verdict{fault.Retryable, "INTERNAL_ERROR", true, 0}},
		"maintenance": {
			says(503, envelope("SERVICE_UNAVAILABLE", "later"), "Retry-After", "Sat, 21 Nov 2026 12:01:30 GMT", "Date", "Sat, 21 Nov 2026 12:00:00 GMT"),
			verdict{fault.Retryable, "SERVICE_UNAVAILABLE", true, 90 * time.Second},
		},
		"unknown code, server's": {says(500, envelope("BROKEN", "oops")), verdict{fault.Retryable, "BROKEN", true, 0}},
		"unknown code, caller's": {says(422, envelope("NOT_LIKED", "no")), verdict{fault.Final, "NOT_LIKED", false, 0}},
		"internal with 200":      {says(200, envelope("INTERNAL_ERROR", "oops")), verdict{fault.Retryable, "INTERNAL_ERROR", true, 0}},
		"unauthorized":           {says(401, envelope("UNAUTHORIZED", "who")), verdict{fault.Unauthorized, "UNAUTHORIZED", false, 0}},
		"forbidden":              {says(403, envelope("FORBIDDEN", "no")), verdict{fault.Unauthorized, "UNAUTHORIZED", false, 0}},
		"bad request":            {says(400, envelope("BAD_REQUEST", "productKey is invalid")), verdict{fault.Final, "BAD_REQUEST", false, 0}},
		"customer limit": {
			says(400, envelope("BAD_REQUEST", "The Maximum number of subscriptions has been reached")),
			verdict{fault.Final, "CUSTOMER_LIMIT", false, 0},
		},
		"another maximum": {says(400, envelope("BAD_REQUEST", "maximum number of characters reached")), verdict{fault.Final, "BAD_REQUEST", false, 0}},
		"not found":       {says(404, envelope("NOT_FOUND", "no")), verdict{fault.Final, "NOT_FOUND", false, 0}},
		"not available":   {says(422, envelope("NOT_AVAILABLE", "no")), verdict{fault.Final, "NOT_AVAILABLE", false, 0}},
		"conflict":        {says(409, envelope("CONFLICT", "no")), verdict{fault.Final, "CONFLICT", false, 0}},

		"gateway 502": {says(502, page, html...), verdict{fault.Retryable, "GATEWAY", true, 0}},
		"gateway 503": {says(503, page, append(html, "Retry-After", "120")...), verdict{fault.Retryable, "GATEWAY", true, 2 * time.Minute}},
		"gateway 504": {says(504, ""), verdict{fault.Retryable, "GATEWAY", true, 0}},
		"gateway 429": {says(429, page, append(html, "Retry-After", "3")...), verdict{fault.Retryable, "TOO_MANY_REQUESTS", false, 3 * time.Second}},
		"gateway 401": {says(401, page, html...), verdict{fault.Unauthorized, "UNAUTHORIZED", false, 0}},
		"gateway 403": {says(403, page, html...), verdict{fault.Unauthorized, "UNAUTHORIZED", false, 0}},
		"gateway 404": {says(404, page, html...), verdict{fault.Retryable, "GATEWAY", false, 0}},
		"gateway 413": {says(413, page, html...), verdict{fault.Unauthorized, "GATEWAY", false, 0}},
		"login page":  {says(200, page, html...), verdict{fault.Retryable, "GATEWAY", true, 0}},
		"redirect":    {says(302, "", "Location", "/elsewhere"), verdict{fault.Unauthorized, "GATEWAY", true, 0}},
		"other JSON":  {says(500, `{"error":"upstream"}`), verdict{fault.Retryable, "GATEWAY", true, 0}},

		"not JSON":        {says(200, `{"responseCode":"OK",`), verdict{fault.Retryable, "UNEXPECTED", true, 0}},
		"array":           {says(200, `[]`), verdict{fault.Retryable, "UNEXPECTED", true, 0}},
		"empty":           {says(200, ``), verdict{fault.Retryable, "UNEXPECTED", true, 0}},
		"no fields":       {says(200, envelope("OK", "Success")), verdict{fault.Retryable, "UNEXPECTED", true, 0}},
		"202 no fields":   {says(202, envelope("OK", "Success")), verdict{fault.Retryable, "UNEXPECTED", true, 0}},
		"OK but 500":      {says(500, envelope("OK", "Success")), verdict{fault.Retryable, "UNEXPECTED", true, 0}},
		"wrong type":      {says(200, `{"responseCode":"OK","responseMessage":"","entitlementId":5,"entitlements":5,"echo":5,"route":5}`), verdict{fault.Retryable, "UNEXPECTED", true, 0}},
		"about another":   {says(200, strings.NewReplacer(entitlementID, "other", "ext-1", "ext-2").Replace(good)), verdict{fault.Retryable, "UNEXPECTED", true, 0}},
		"endless answer":  {says(200, strings.Repeat(" ", bodyLimit+1)), verdict{fault.Retryable, "UNEXPECTED", true, 0}},
		"odd retry-after": {says(429, envelope("TOO_MANY_REQUESTS", ""), "Retry-After", "soon"), verdict{fault.Retryable, "TOO_MANY_REQUESTS", false, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target := setup(t, c.target)
			for call, err := range everyWrite(t, target) {
				require.Equal(t, c.want, judged(t, err), call)
			}
			c.want.unclear = false
			for call, err := range everyRead(t, target) {
				require.Equal(t, c.want, judged(t, err), call)
			}
		})
	}
}

func judged(t *testing.T, err error) verdict {
	t.Helper()
	f := faultOf(t, err)
	require.NotEmpty(t, f.Message)
	return verdict{f.Kind, f.Code, f.Unclear, f.RetryAfter}
}

func TestAlreadyExistsNamesTheEntitlement(t *testing.T) {
	t.Parallel()
	body := `{"responseCode":"ALREADY_EXISTS","responseMessage":"it exists","parameters":{"entitlementId":"` + entitlementID + `"}}`
	_, err := setup(t, says(409, body)).Create(t.Context(), "id", record())
	f := faultOf(t, err)
	require.Equal(t, fault.Final, f.Kind)
	require.Equal(t, fault.CodeAlreadyExists, f.Code)
	require.Equal(t, entitlementID, f.EntitlementID)
	require.Equal(t, 409, f.HTTPStatus)
	require.Equal(t, "ALREADY_EXISTS: create: status 409: it exists", err.Error())
}

func TestRedirectIsNotFollowed(t *testing.T) {
	t.Parallel()
	followed := make(chan struct{}, 1)
	mux := http.NewServeMux()
	mux.HandleFunc("/elsewhere", func(http.ResponseWriter, *http.Request) { followed <- struct{}{} })
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	})
	require.Equal(t, fault.CodeGateway, faultOf(t, setup(t, mux).Echo(t.Context())).Code)
	require.Empty(t, followed)
}

func TestMessagesAreOursAndClean(t *testing.T) {
	t.Parallel()
	text := `line one\nline\ttwo\u0000\u001b[31m\u202e ` + strings.Repeat("x", 400)
	_, err := setup(t, says(400, envelope("BAD_REQUEST", text))).Get(t.Context(), entitlementID)
	message := faultOf(t, err).Message
	require.True(t, strings.HasPrefix(message, "get: status 400: line one line two [31m x"), message)
	require.True(t, strings.HasSuffix(message, "x…"))
	require.LessOrEqual(t, len(message), len("get: status 400: ")+saidLimit)

	page := says(502, "<html>secret page</html>", "Content-Type", "text/html")
	require.NotContains(t, faultOf(t, setup(t, page).Echo(t.Context())).Message, "secret")
}

func TestFaultsHoldNothingPersonal(t *testing.T) {
	t.Parallel()
	r := record()
	text := `cust-4711 CUST-4711 https://partner.example.com/n?c=4711&x=1 SECRET-CODE-9 +491701234567 Ada \"L\" 12345 pass-word-1 ` +
		strings.Repeat("y", 100) + ` kept`
	_, err := setup(t, says(400, envelope("BAD_REQUEST", text))).Create(t.Context(), "id", r)
	message := faultOf(t, err).Message
	for _, value := range []string{"4711", "partner.example", "SECRET", "170123", "Ada", "12345", "pass-word"} {
		require.NotContains(t, message, value)
	}
	require.Contains(t, message, "kept")
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	const date = "Sat, 21 Nov 2026 12:00:00 GMT"
	for value, want := range map[string]time.Duration{
		"": 0, "0": 0, "12": 12 * time.Second, " 12 ": 12 * time.Second, "-5": 0, "1.5": 0, "soon": 0,
		"99999999999999999999": 0, "9223372036854775807": retryAfterLimit, "86401": retryAfterLimit,
		"Sat, 21 Nov 2026 12:00:40 GMT":      40 * time.Second,
		"Saturday, 21-Nov-26 12:00:40 GMT":   40 * time.Second,
		"Sat, 21 Nov 2026 11:00:00 GMT":      0,
		"Sat, 21 Nov 2099 11:00:00 GMT":      retryAfterLimit,
		"Sat, 21 Nov 2026 12:00:40 +0000 GM": 0,
	} {
		require.Equal(t, want, retryAfter(http.Header{"Retry-After": {value}, "Date": {date}}), value)
	}
	past := http.Header{"Retry-After": {"Sat, 21 Nov 2020 12:00:00 GMT"}}
	require.Zero(t, retryAfter(past), "without a Date our own clock is good enough")
}
