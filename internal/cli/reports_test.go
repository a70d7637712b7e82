package cli

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
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

// A file that is not what the migration's own result tells is named, and nothing
// is downloaded. A shortened reload.json is not reloaded.
func TestChangedReportsAreRefused(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "out")
	b := setup(t).withReports()
	sum := migration.Summary{Migration: "a", Result: migration.StoppedByLimit, Route: "acme-nova", Files: map[string]migration.FileInfo{}}
	for _, name := range []string{migration.FileErrors, migration.FileReload} {
		body := "content of " + name
		hash := sha256.Sum256([]byte(body))
		sum.Files[name] = migration.FileInfo{Bytes: int64(len(body)), SHA256: hex.EncodeToString(hash[:])}
	}
	b.temporal.results = map[string]result{"a": {summary: sum}}
	body, err := json.Marshal(sum)
	require.NoError(t, err)
	b.bucket.put("ferry", migration.Key("a", migration.FileSummary), string(body))
	require.Equal(t, exitOK, b.run("reports", "a", "--dir", dir).code)

	b.bucket.put("ferry", migration.Key("a", migration.FileReload), "content")
	dir = filepath.Join(t.TempDir(), "again")
	requireEnd(t, b.run("reports", "a", "--dir", dir), exitUnable, "", "STORE_FAULT: reload.json of migration a is not what was written: it is shorter")
	require.NoFileExists(t, filepath.Join(dir, migration.FileReload))
	require.NoFileExists(t, filepath.Join(dir, migration.FileErrors), "all or none")
	requireEnd(t, b.run("reload", "a"), exitUnable, "", "reload.json of migration a is not what was written")
	require.Empty(t, b.temporal.started)

	b.bucket.put("ferry", migration.Key("a", migration.FileSummary), strings.Replace(string(body), "STOPPED_BY_LIMIT", "COMPLETED", 1))
	requireEnd(t, b.run("reports", "a", "--dir", dir), exitUnable, "", "summary.json of migration a is not what was written")
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

// Two migrations' files in one folder can't be told apart any more: a partner
// would get the one's errors with the other's reload.
func TestReportsOfTwoMigrationsAreNotMixed(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "out")
	b := setup(t)
	for _, id := range []string{"a", "b"} {
		b.temporal.runs[id] = operator.Run{ID: id, State: operator.Completed}
		b.bucket.put("ferry", migration.Key(id, migration.FileClaim), `{"migration":"`+id+`"}`)
		b.bucket.put("ferry", migration.Key(id, migration.FileErrors), "errors of "+id)
	}
	b.bucket.put("ferry", migration.Key("a", migration.FileReload), "reload of a")
	require.Equal(t, exitOK, b.run("reports", "a", "--dir", dir).code)
	before := contentsOf(t, dir)
	r := b.run("reports", "b", "--dir", dir)
	requireEnd(t, r, exitRefused, "", "it holds files of migration a")
	require.Contains(t, r.errors, "--dir "+filepath.Join(dir, "b"))
	require.Equal(t, before, contentsOf(t, dir), "nothing is touched")
	require.Equal(t, exitOK, b.run("reports", "b", "--dir", filepath.Join(dir, "b")).code)
	require.Equal(t, exitOK, b.run("reports", "a", "--dir", dir).code, "its own may be fetched again")

	b.bucket.put("ferry", migration.Key("a", migration.FileClaim), `{"migration":"a","firstRunId":"of another namespace"}`)
	requireEnd(t, b.run("reports", "a", "--dir", dir), exitRefused, "", "another migration of the name a")

	unknown := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(unknown, migration.FileReload), []byte("[]"), 0o600))
	requireEnd(t, b.run("reports", "b", "--dir", unknown), exitRefused, "", "it holds reload.json")
	require.Equal(t, map[string]string{migration.FileReload: "[]"}, contentsOf(t, unknown))
}

// A download that fails in its middle leaves a folder as it was.
func TestReportsAppearAllOrNone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := setup(t).withReports()
	b.bucket.fails = migration.Key("a", migration.FileReload)
	require.NotEqual(t, exitOK, b.run("reports", "a", "--dir", dir).code)
	require.Empty(t, contentsOf(t, dir))
}

func contentsOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	contents := map[string]string{}
	for _, e := range entries {
		if e.IsDir() {
			contents[e.Name()] = "a folder"
			continue
		}
		body, err := os.ReadFile(filepath.Join(dir, e.Name()))
		require.NoError(t, err)
		contents[e.Name()] = string(body)
	}
	return contents
}
