package integration

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/examples"
	"github.com/f0a90b9a/ferry/internal/cli"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/workflows"
)

// demo runs `ferry demo` in this process.
func demo(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	args = append([]string{"demo", "--out", t.TempDir()}, args...)
	code = cli.Run(t.Context(), args, cli.Streams{In: bytes.NewReader(nil), Out: &out, Err: &errs})
	return code, out.String(), errs.String()
}

func TestDemoMigratesTheSampleAndSaysWhatFailed(t *testing.T) {
	t.Parallel()
	code, stdout, stderr := demo(t)
	require.Equal(t, 1, code, stderr)
	require.Contains(t, stdout, "COMPLETED_WITH_FAILURES")
	require.Contains(t, stdout, "reload.json")
	require.Contains(t, stdout, "errors.csv")
}

func TestDemoOfACleanFilePrintsJSONAlone(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "clean.json")
	require.NoError(t, os.WriteFile(file, examples.AcmeClean, 0o600))
	code, stdout, stderr := demo(t, "--file", file, "--json")
	require.Zero(t, code, stderr)
	var sum workflows.Summary
	dec := json.NewDecoder(bytes.NewReader([]byte(stdout)))
	dec.DisallowUnknownFields()
	require.NoError(t, dec.Decode(&sum), stdout)
	require.False(t, dec.More(), "there is nothing but the summary")
	require.Equal(t, migration.Completed, sum.Result)
	require.Equal(t, sum.Records, sum.Outcomes.Total())
}

func TestDemoOnKeptDataRefusesTheNameASecondTime(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(t.TempDir(), "clean.json")
	require.NoError(t, os.WriteFile(file, examples.AcmeClean, 0o600))
	code, _, stderr := demo(t, "--dir", dir, "--file", file)
	require.Zero(t, code, stderr)
	code, stdout, stderr := demo(t, "--dir", dir, "--file", file)
	require.Equal(t, 6, code, stdout)
	require.Contains(t, stderr, "new name")
}
