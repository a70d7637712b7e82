package dashboard

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/config"
)

//nolint:paralleltest // as the browser tests, which begin one after the other
func TestRunServesUntilItIsTold(t *testing.T) {
	setupReal(t, "none")
	c := *shared.stack.Config
	c.Dashboard = config.Default().Dashboard
	c.Dashboard.Address = "127.0.0.1:0"
	c.Dashboard.UsersFile = filepath.Join(t.TempDir(), "users")
	require.NoError(t, os.WriteFile(c.Dashboard.UsersFile, []byte("olga:"+string(olga.hash)+":operator:*\n"), 0o600))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ready, ended := make(chan string, 1), make(chan error, 1)
	go func() {
		ended <- Run(ctx, RunOptions{Config: &c, Env: shared.stack.TemporalEnv, Log: testLog(), Ready: func(address string) { ready <- address }})
	}()
	var address string
	select {
	case address = <-ready:
	case err := <-ended:
		require.NoError(t, err)
	}
	res, err := http.Get("http://" + address + "/readyz")
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Equal(t, http.StatusOK, res.StatusCode)
	res, err = http.Get("http://olga:olga@" + address + "/events")
	require.NoError(t, err)
	defer res.Body.Close()
	require.Equal(t, http.StatusOK, res.StatusCode)
	cancel()
	require.NoError(t, <-ended, "open streams don't hold it up")
}

func TestRunSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	c := config.Default()
	c.S3.WorkBucket = "ferry"
	c.Dashboard.UsersFile = filepath.Join(t.TempDir(), "none")
	require.ErrorContains(t, Run(t.Context(), RunOptions{Config: &c, Log: testLog()}), "dashboard.users_file")
	require.NoError(t, os.WriteFile(c.Dashboard.UsersFile, []byte("kim\n"), 0o600))
	require.ErrorContains(t, Run(t.Context(), RunOptions{Config: &c, Log: testLog()}), "line 1")
	c.Dashboard.Address = "0.0.0.0:0"
	c.Dashboard.UsersFile = ""
	require.ErrorContains(t, Run(t.Context(), RunOptions{Config: &c, Log: testLog()}), "can be reached from other machines")
}
