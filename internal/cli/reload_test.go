package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/migrationfile"
	"github.com/f0a90b9a/ferry/internal/operator"
)

func (b *bundle) withLeftover(t *testing.T, id string) *bundle {
	t.Helper()
	b.temporal.runs[id] = operator.Run{ID: id, State: operator.Completed}
	sum, err := json.Marshal(migration.Summary{Migration: id, Route: "acme-nova", Result: migration.CompletedWithFailures})
	require.NoError(t, err)
	b.bucket.put("ferry", migration.Key(id, migration.FileSummary), string(sum))
	b.bucket.put("ferry", migration.Key(id, migration.FileReload), "[left over]")
	return b
}

func TestReloadStartsWhatIsLeftUnderANewName(t *testing.T) {
	t.Parallel()
	b := setup(t).withLeftover(t, "a")
	r := b.run("reload", "a")
	requireEnd(t, r, exitOK, "a-reload-1", "Copied")
	require.Equal(t, []string{"a-reload-1"}, b.temporal.ids)
	in := b.temporal.started[0]
	require.Equal(t, "s3://ferry/input/a-reload-1.json", in.File)
	require.Equal(t, "acme-nova", in.Route)
	require.Equal(t, "a", in.Parent)
	require.Equal(t, "[left over]", b.bucket.objects["ferry/input/a-reload-1.json"])
}

func TestReloadTakesTheNextNumberAndACorrectedFile(t *testing.T) {
	t.Parallel()
	b := setup(t).withLeftover(t, "a")
	b.temporal.runs["a-reload-1"] = operator.Run{ID: "a-reload-1", State: operator.Completed}
	corrected := filepath.Join(t.TempDir(), "corrected.json")
	require.NoError(t, os.WriteFile(corrected, []byte("[corrected]"), 0o600))
	requireEnd(t, b.run("reload", "a", "--upload", corrected), exitOK, "a-reload-2", "Uploaded")
	require.Equal(t, "[corrected]", b.bucket.objects["ferry/input/a-reload-2.json"])
}

func TestReloadOfALongIDStaysValid(t *testing.T) {
	t.Parallel()
	id := strings.Repeat("x", migration.MaxIDLength)
	b := setup(t).withLeftover(t, id)
	require.Equal(t, exitOK, b.run("reload", id).code)
	require.True(t, migration.ValidID(b.temporal.ids[0]))
}

func TestReloadSaysWhyNot(t *testing.T) {
	t.Parallel()
	b := setup(t).withLeftover(t, "whole")
	delete(b.bucket.objects, "ferry/"+migration.Key("whole", migration.FileReload))
	b.temporal.runs["open"] = running("open")
	b.temporal.runs["gone"] = operator.Run{ID: "gone", State: operator.Terminated}
	b.bucket.put("ferry", migration.Key("gone", migration.FileClaim), "{}")
	requireEnd(t, b.run("reload", "whole"), exitRefused, "", "nothing to reload")
	requireEnd(t, b.run("reload", "open"), exitRefused, "", "still running")
	requireEnd(t, b.run("reload", "gone"), exitRefused, "", "without writing its files")
	requireEnd(t, b.run("reload", "never"), exitUnable, "", "no such migration")
	require.Empty(t, b.temporal.ids)
}

// A reload that failed before it claimed anything, by refused credentials for
// instance, is no end of all reloads.
func TestReloadTakesANumberThatFailedToStart(t *testing.T) {
	t.Parallel()
	b := setup(t).withLeftover(t, "a")
	b.temporal.runs["a-reload-1"] = operator.Run{ID: "a-reload-1", State: operator.Failed}
	requireEnd(t, b.run("reload", "a"), exitOK, "a-reload-1", "Copied")
	require.Equal(t, []string{"a-reload-1"}, b.temporal.ids)
}

// withKinds gives a migration a reload.json of two records that were never
// attempted and one that failed.
func (b *bundle) withKinds(t *testing.T, id string) *bundle {
	t.Helper()
	b.withLeftover(t, id)
	var body strings.Builder
	w := migrationfile.NewReloadWriter(&body)
	for _, external := range []string{"new-1", "new-2", "bad-1"} {
		require.NoError(t, w.Add([]byte(`{"externalEntitlementId":"`+external+`"}`), ""))
	}
	require.NoError(t, w.Close())
	sum, err := json.Marshal(migration.Summary{
		Migration: id, Route: "acme-nova", Result: migration.StoppedByLimit,
		Files: map[string]migration.FileInfo{migration.FileReload: {Records: 3, NotAttempted: 2}},
	})
	require.NoError(t, err)
	b.bucket.put("ferry", migration.Key(id, migration.FileSummary), string(sum))
	b.bucket.put("ferry", migration.Key(id, migration.FileReload), body.String())
	return b
}

func TestReloadTakesOnePartAndSaysWhatItLeavesOut(t *testing.T) {
	t.Parallel()
	b := setup(t).withKinds(t, "a")
	r := b.run("reload", "a", "--only", "not-attempted")
	requireEnd(t, r, exitOK, "a-reload-1", "Left out: 1 that failed")
	require.Contains(t, r.errors, "'ferry reload a --only failed'")
	require.Contains(t, r.errors, "s3://ferry/migrations/a/reload.json")
	require.Equal(t, "[\n{\"externalEntitlementId\":\"new-1\"},\n{\"externalEntitlementId\":\"new-2\"}\n]\n", b.bucket.objects["ferry/input/a-reload-1.json"]) //nolint:testifylint // byte for byte
	require.Equal(t, "a", b.temporal.started[0].Parent)

	b.temporal.runs["a-reload-1"] = operator.Run{ID: "a-reload-1", State: operator.Completed}
	requireEnd(t, b.run("reload", "a", "--only", "failed"), exitOK, "a-reload-2", "Left out: 2 that were never attempted")
	require.Equal(t, "[\n{\"externalEntitlementId\":\"bad-1\"}\n]\n", b.bucket.objects["ferry/input/a-reload-2.json"]) //nolint:testifylint // byte for byte
}

func TestReloadOfAPartSaysWhyNot(t *testing.T) {
	t.Parallel()
	b := setup(t).withKinds(t, "a").withLeftover(t, "old")
	requireEnd(t, b.run("reload", "a", "--only", "partial"), exitUsage, "", "--only is not-attempted or failed")
	requireEnd(t, b.run("reload", "a", "--only", ""), exitUsage, "", "--only is not-attempted or failed")
	requireEnd(t, b.run("reload", "a", "--only", "failed", "--upload", "x.json"), exitUsage, "", "--upload")
	requireEnd(t, b.run("reload", "old", "--only", "failed"), exitRefused, "", "earlier version")
	b.bucket.objects["ferry/"+migration.Key("a", migration.FileSummary)] = strings.Replace(
		b.bucket.objects["ferry/"+migration.Key("a", migration.FileSummary)], `"notAttempted":2`, `"notAttempted":3`, 1)
	requireEnd(t, b.run("reload", "a", "--only", "failed"), exitRefused, "", "it left no records that failed")
	require.Empty(t, b.temporal.ids)
}

// A reload.json that is no longer what was written gives no reload.
func TestReloadOfAPartNoticesAShorterFile(t *testing.T) {
	t.Parallel()
	b := setup(t).withKinds(t, "a")
	b.bucket.put("ferry", migration.Key("a", migration.FileReload), "[\n{\"externalEntitlementId\":\"new-1\"}\n]\n")
	r := b.run("reload", "a", "--only", "not-attempted")
	require.NotEqual(t, exitOK, r.code)
	require.Contains(t, r.errors, "holds 1 records instead of 3")
	require.Empty(t, b.temporal.ids)
	require.NotContains(t, b.bucket.objects, "ferry/input/a-reload-1.json")
}
