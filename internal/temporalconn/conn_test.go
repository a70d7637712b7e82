package temporalconn_test

import (
	"context"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/config"
	"github.com/f0a90b9a/ferry/internal/temporalconn"
)

// setup gives default settings and an environment that sees no profile of the
// test's user.
func setup(t *testing.T, env ...string) (config.Temporal, temporalconn.Env) {
	t.Helper()
	return config.Default().Temporal, append(temporalconn.Env{"TEMPORAL_CONFIG_FILE=" + os.DevNull}, env...)
}

func TestWhereTemporalIs(t *testing.T) {
	t.Parallel()
	profiles := filepath.Join(t.TempDir(), "temporal.toml")
	require.NoError(t, os.WriteFile(profiles, []byte("[profile.cloud]\naddress = \"cloud:7233\"\nnamespace = \"from-profile\"\n"), 0o600))
	for _, c := range []struct {
		name               string
		change             func(*config.Temporal)
		env                []string
		address, namespace string
	}{
		{"nothing", nil, nil, temporalconn.DefaultAddress, "default"},
		{"environment", nil, []string{"TEMPORAL_ADDRESS=there:7233", "TEMPORAL_NAMESPACE=ours"}, "there:7233", "ours"},
		{
			"configuration over environment", func(c *config.Temporal) { c.Address = "here:7233" },
			[]string{"TEMPORAL_ADDRESS=there:7233", "TEMPORAL_NAMESPACE=ours"},
			"here:7233", "ours",
		},
		{"profile", func(c *config.Temporal) { c.Profile = "cloud" }, []string{"TEMPORAL_CONFIG_FILE=" + profiles}, "cloud:7233", "from-profile"},
		{
			"configuration over profile", func(c *config.Temporal) { c.Profile, c.Namespace = "cloud", "mine" },
			[]string{"TEMPORAL_CONFIG_FILE=" + profiles},
			"cloud:7233", "mine",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			settings, env := setup(t)
			if c.change != nil {
				c.change(&settings)
			}
			// A later variable of the same name is not seen, so the test's own
			// goes first.
			options, err := temporalconn.Options(settings, append(temporalconn.Env(c.env), env...))
			require.NoError(t, err)
			require.Equal(t, c.address, options.HostPort)
			require.Equal(t, c.namespace, options.Namespace)
		})
	}
}

func TestUnknownProfileIsNamed(t *testing.T) {
	t.Parallel()
	settings, env := setup(t)
	settings.Profile = "nowhere"
	_, err := temporalconn.Options(settings, env)
	require.ErrorContains(t, err, "nowhere")
}

func TestKeysComeFromTheSDKsEnvironment(t *testing.T) {
	t.Parallel()
	settings, env := setup(t, "TEMPORAL_API_KEY=key")
	options, err := temporalconn.Options(settings, env)
	require.NoError(t, err)
	require.NotNil(t, options.Credentials)
	require.NotNil(t, options.ConnectionOptions.TLS)
}

func TestNoServerIsSaidWithARemedy(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := listener.Addr().String()
	require.NoError(t, listener.Close())

	settings, env := setup(t)
	settings.Address, settings.ConnectTimeout = address, 300*time.Millisecond
	_, err = temporalconn.Dial(t.Context(), settings, env, slog.New(slog.DiscardHandler))
	require.ErrorContains(t, err, "no Temporal server answers at "+address+" (start one, or set temporal.address")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = temporalconn.Dial(ctx, settings, env, slog.New(slog.DiscardHandler))
	require.Error(t, err)
}
