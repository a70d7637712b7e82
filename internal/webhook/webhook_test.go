package webhook

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/fault"
)

const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// receiver answers with a status and keeps what it was sent.
type receiver struct {
	*httptest.Server
	status  int
	bodies  [][]byte
	headers []http.Header
}

func setup(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{status: http.StatusNoContent}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		r.bodies, r.headers = append(r.bodies, body), append(r.headers, req.Header)
		if r.status == http.StatusFound {
			w.Header().Set("Location", "/elsewhere")
		}
		w.WriteHeader(r.status)
	}))
	t.Cleanup(r.Close)
	return r
}

func TestMessagesCanBeVerified(t *testing.T) {
	t.Parallel()
	r := setup(t)
	s, err := New(r.URL+"/hook?token=t0p", secret)
	require.NoError(t, err)
	body := []byte(`{"result":"COMPLETED"}`)
	require.NoError(t, s.Send(t.Context(), "id-1", body))
	require.Equal(t, body, r.bodies[0])
	require.Equal(t, "application/json", r.headers[0].Get("Content-Type"))
	verifier, err := standardwebhooks.NewWebhook(secret)
	require.NoError(t, err)
	require.NoError(t, verifier.Verify(r.bodies[0], r.headers[0]))
	require.Error(t, verifier.Verify([]byte(`{"result":"ABORTED"}`), r.headers[0]))
}

func TestAnswersAreJudged(t *testing.T) {
	t.Parallel()
	r := setup(t)
	s, err := New(r.URL+"/hook?token=t0p", secret)
	require.NoError(t, err)
	for _, c := range []struct {
		status int
		kind   fault.Kind
	}{
		{http.StatusUnauthorized, fault.Retryable},
		{http.StatusInternalServerError, fault.Retryable},
		{http.StatusFound, fault.Retryable},
		{http.StatusGone, fault.Final},
	} {
		r.status = c.status
		before := len(r.bodies)
		f, ok := fault.As(s.Send(t.Context(), "id-1", []byte("{}")))
		require.True(t, ok, c.status)
		require.Equal(t, fault.CodeNotifyFailed, f.Code)
		require.Equal(t, c.kind, f.Kind, c.status)
		require.Equal(t, c.status, f.HTTPStatus)
		require.NotContains(t, f.Error(), "t0p")
		require.Len(t, r.bodies, before+1, "one call, and no redirect is followed")
	}
	r.Close()
	f, ok := fault.As(s.Send(t.Context(), "id-1", []byte("{}")))
	require.True(t, ok)
	require.Equal(t, fault.Retryable, f.Kind)
	require.NotContains(t, f.Error(), "t0p")
	require.NotContains(t, f.Error(), r.URL)
}

func TestWrongSettingsAreRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ address, secret, says string }{
		{"", secret, "https address"},
		{"hooks.example.com", secret, "https address"},
		{"http://hooks.example.com", secret, "https address"},
		{"https://", secret, "https address"},
		{"https://hooks.example.com", "", "at least 24 bytes"},
		{"https://hooks.example.com", "whsec_not base64 at all, by any standard", "at least 24 bytes"},
		{"https://hooks.example.com", "c2hvcnQ=", "at least 24 bytes"},
	} {
		_, err := New(c.address, c.secret)
		require.ErrorContains(t, err, c.says, "%+v", c)
		if c.secret != "" {
			require.NotContains(t, err.Error(), c.secret)
		}
	}
	for _, address := range []string{"https://hooks.example.com/x", "http://127.0.0.1:9/x", "http://localhost/x", "http://[::1]/x"} {
		_, err := New(address, secret)
		require.NoError(t, err, address)
	}
}
