package main

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

// setup gives the command with its output in a buffer.
func setup(t *testing.T, args ...string) (run func() error, out *bytes.Buffer) {
	t.Helper()
	command := newCommand()
	out = &bytes.Buffer{}
	command.SetOut(out)
	command.SetErr(out)
	command.SetArgs(args)
	return func() error { return command.ExecuteContext(t.Context()) }, out
}

func TestHelp(t *testing.T) {
	t.Parallel()
	run, out := setup(t, "--help")
	require.NoError(t, run())
	for _, flag := range []string{"--config", "--dashboard-users-file", "--s3-work-bucket", "--dashboard-address", "--log-level"} {
		require.Contains(t, out.String(), flag)
	}
	require.NotContains(t, out.String(), "--s3-secret-access-key ")
	require.NotContains(t, out.String(), "--target-base-url")
}

func TestWrongCommandLine(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"start"}, {"--frob"}} {
		run, _ := setup(t, args...)
		var wrong usageError
		require.ErrorAs(t, run(), &wrong)
	}
}

func TestItDoesNotListenToOthersWithoutUsers(t *testing.T) {
	t.Parallel()
	run, _ := setup(t, "--dashboard-address", "0.0.0.0:0", "--s3-work-bucket", "ferry")
	require.ErrorContains(t, run(), "dashboard.users_file")
}
