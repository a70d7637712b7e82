package devstack

import (
	"net/http"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
)

// temporalCLI is the CLI that the demo would use.
func temporalCLI(t *testing.T) string {
	t.Helper()
	path, err := FindTemporalCLI(t.Context(), func(line string) { t.Log(line) })
	require.NoError(t, err)
	return path
}

func dial(t *testing.T, server *Temporal) client.Client {
	t.Helper()
	c, err := client.DialContext(t.Context(), client.Options{HostPort: server.HostPort, Namespace: server.Namespace})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

func TestTemporalKeepsItsDataOverKillAndRestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	server, err := StartTemporal(t.Context(), TemporalOptions{
		CLIPath:          temporalCLI(t),
		Namespace:        "shore",
		DBFile:           filepath.Join(dir, "temporal.db"),
		UIPort:           AnyPort,
		LogFile:          filepath.Join(dir, "temporal.log"),
		DynamicConfig:    map[string]any{"frontend.workerVersioningWorkflowAPIs": true, "limit.maxIDLength": 1000},
		SearchAttributes: map[string]string{"FerryRoute": "Keyword"},
	})
	require.NoError(t, err)
	t.Cleanup(server.Stop)
	hostPort, ui := server.HostPort, server.UIURL

	// No waiting: a server that is up takes work, search attributes included.
	route := temporal.NewSearchAttributeKeyKeyword("FerryRoute")
	_, err = dial(t, server).ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{
		ID: "kept", TaskQueue: "nobody",
		TypedSearchAttributes: temporal.NewSearchAttributes(route.ValueSet("acme-nova")),
	}, "Kept")
	require.NoError(t, err)

	server.Kill()
	require.False(t, server.Running())
	require.NoError(t, server.Restart(t.Context()))

	require.Equal(t, hostPort, server.HostPort)
	description, err := dial(t, server).DescribeWorkflow(t.Context(), "kept", "")
	require.NoError(t, err)
	found, ok := description.TypedSearchAttributes.GetKeyword(route)
	require.True(t, ok)
	require.Equal(t, "acme-nova", found)
	require.NoError(t, answers(t.Context(), http.DefaultClient, ui+"/"))
	require.FileExists(t, filepath.Join(dir, "temporal.log"))

	server.Stop()
	require.True(t, portIsFree(server.options.Port))
	require.True(t, portIsFree(server.options.UIPort))
}

func TestTemporalSaysWhyItDidNotStart(t *testing.T) {
	t.Parallel()
	cli := script(t, t.TempDir(), "temporal", `echo "no disk left" >&2; exit 3`)

	_, err := StartTemporal(t.Context(), TemporalOptions{CLIPath: cli})

	require.ErrorContains(t, err, "exit status 3")
	require.ErrorContains(t, err, "no disk left")
}

func TestTemporalArguments(t *testing.T) {
	t.Parallel()
	args, err := TemporalOptions{
		Namespace: "shore", Port: 7, UIPort: 8, DBFile: "x.db",
		DynamicConfig:    map[string]any{"b": "text", "a": 5},
		SearchAttributes: map[string]string{"Z": "Int", "A": "Keyword"},
		Args:             []string{"--log-level", "error"},
	}.args()
	require.NoError(t, err)
	require.Equal(t, []string{
		"server", "start-dev", "--ip", "127.0.0.1", "--port", "7", "--namespace", "shore",
		"--disable-config-file", "--disable-config-env", "--env-file", "/dev/null", "--color", "never",
		"--ui-ip", "127.0.0.1", "--ui-port", "8", "--db-filename", "x.db",
		"--dynamic-config-value", "a=5", "--dynamic-config-value", `b="text"`,
		"--search-attribute", "A=Keyword", "--search-attribute", "Z=Int",
		"--log-level", "error",
	}, args)

	args, err = TemporalOptions{Namespace: "shore", Port: 7}.args()
	require.NoError(t, err)
	require.Contains(t, args, "--headless")

	_, err = TemporalOptions{DynamicConfig: map[string]any{"a": func() {}}}.args()
	require.ErrorContains(t, err, "dynamic configuration a")
}
