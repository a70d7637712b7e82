package ferryworker

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"github.com/f0a90b9a/ferry/config"
	"github.com/f0a90b9a/ferry/internal/temporalconn"
)

// server is Temporal as the health endpoints ask it.
type server struct{ err error }

func (s *server) CheckHealth(context.Context, *client.CheckHealthRequest) (*client.CheckHealthResponse, error) {
	return &client.CheckHealthResponse{}, s.err
}

func setup(t *testing.T) (*health, *server) {
	t.Helper()
	s := &server{}
	metrics := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ferry_build_info 1\n")) })
	return &health{listenOn: "127.0.0.1:0", temporal: s, metrics: metrics}, s
}

func get(h *health, path string) int {
	w := httptest.NewRecorder()
	h.handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w.Code
}

func TestHealth(t *testing.T) {
	t.Parallel()
	h, temporal := setup(t)
	require.Equal(t, http.StatusOK, get(h, "/livez"))
	require.Equal(t, http.StatusServiceUnavailable, get(h, "/readyz"), "not polling yet")
	h.ready.Store(true)
	require.Equal(t, http.StatusOK, get(h, "/readyz"))
	temporal.err = errors.New("away")
	require.Equal(t, http.StatusServiceUnavailable, get(h, "/readyz"))
	require.Equal(t, http.StatusOK, get(h, "/livez"), "a server that is away is no reason to restart")
	require.Equal(t, http.StatusOK, get(h, "/metrics"))
	require.Equal(t, http.StatusNotFound, get(h, "/"))
}

func TestHealthIsServed(t *testing.T) {
	t.Parallel()
	h, _ := setup(t)
	require.NoError(t, h.listen())
	defer h.close()
	response, err := http.Get("http://" + h.address() + "/livez")
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusOK, response.StatusCode)

	taken := &health{listenOn: h.address()}
	require.ErrorContains(t, taken.listen(), "set worker.health_address")
}

func TestHealthMayBeOff(t *testing.T) {
	t.Parallel()
	h, _ := setup(t)
	h.listenOn = ""
	require.NoError(t, h.listen())
	require.Empty(t, h.address())
	h.close()
}

func TestWorkerNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	c := config.Default()
	err := Run(t.Context(), &c, temporalconn.Env{}, c.Log.Logger(t.Output()))
	require.ErrorContains(t, err, "s3.work_bucket: is required")
	require.ErrorContains(t, err, "target.password: is required")
}

func TestWorkerRefusesAWrongReceiver(t *testing.T) {
	t.Parallel()
	c := config.Default()
	c.S3.WorkBucket, c.Target.BaseURL, c.Target.Environment = "ferry", "https://resale.example.com", "sandbox"
	c.Target.Username, c.Target.Password = "acme", "secret"
	c.Notify.URL, c.Notify.Secret = "http://hooks.example.com/t0p", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	err := Run(t.Context(), &c, temporalconn.Env{}, c.Log.Logger(t.Output()))
	require.ErrorContains(t, err, "notify.url: must be an https address")
	require.NotContains(t, err.Error(), "t0p")
	c.Notify.Secret = ""
	require.ErrorContains(t, Run(t.Context(), &c, temporalconn.Env{}, c.Log.Logger(t.Output())), "notify.secret: is required")
}
