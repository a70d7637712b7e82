package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/operator"
)

func (b *bundle) withReports() *bundle {
	b.temporal.runs["a"] = operator.Run{ID: "a", State: operator.Completed}
	for _, name := range []string{migration.FileClaim, migration.FileErrors, migration.FileReload, migration.FileRecords, migration.OutcomesFile(1)} {
		b.bucket.put("ferry", migration.Key("a", name), "content of "+name)
	}
	return b
}

func TestReportsSayWhereTheFilesAre(t *testing.T) {
	t.Parallel()
	r := setup(t).withReports().run("reports", "a")
	requireEnd(t, r, exitOK, "s3://ferry/migrations/a/errors.csv", "")
	require.NotContains(t, r.out, "outcomes/")
}

func TestReportsAreDownloaded(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "out")
	b := setup(t).withReports()
	r := b.run("reports", "a", "--dir", dir, "--json")
	require.Equal(t, exitOK, r.code, r.errors)
	var reports []report
	require.NoError(t, json.Unmarshal([]byte(r.out), &reports))
	require.Len(t, reports, 3)
	for _, report := range reports {
		body, err := os.ReadFile(report.Path)
		require.NoError(t, err)
		require.Equal(t, "content of "+report.Name, string(body))
		info, err := os.Stat(report.Path)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	}
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 3, "no part is left over")
	require.NoFileExists(t, filepath.Join(dir, migration.FileRecords))
	require.Equal(t, exitOK, b.run("reports", "a", "--dir", dir, "--all").code)
	require.FileExists(t, filepath.Join(dir, migration.FileRecords))
}

func TestReportsThatAreNotThere(t *testing.T) {
	t.Parallel()
	b := setup(t).withReports()
	b.temporal.runs["open"] = running("open")
	requireEnd(t, b.run("reports", "open"), exitRefused, "", "it is still running")
	requireEnd(t, b.run("reports", "never"), exitUnable, "", "no such migration")
	requireEnd(t, b.run("reports", "../a"), exitUnable, "", "no such migration")
	b.bucket, b.env = nil, nil
	requireEnd(t, b.run("reports", "a"), exitUnable, "", "set s3.work_bucket")
}
