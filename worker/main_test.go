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
	for _, flag := range []string{"--config", "--target-base-url", "--s3-work-bucket", "--worker-health-address", "--migration-limits-error-rate"} {
		require.Contains(t, out.String(), flag)
	}
	require.NotContains(t, out.String(), "--target-password ")
	require.NotContains(t, out.String(), "--s3-secret-access-key ")
}

func TestWrongCommandLine(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"start"}, {"--frob"}, {"--target-password=x"}} {
		run, _ := setup(t, args...)
		var wrong usageError
		require.ErrorAs(t, run(), &wrong)
	}
}

func TestMissingConfiguration(t *testing.T) {
	t.Parallel()
	run, _ := setup(t, "--config", "/nowhere/ferry.yaml")
	require.ErrorContains(t, run(), "/nowhere/ferry.yaml")
}
