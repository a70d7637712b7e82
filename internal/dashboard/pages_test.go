package dashboard

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/operator"
)

func encode(t *testing.T, v any) string {
	t.Helper()
	body, err := json.Marshal(v)
	require.NoError(t, err)
	return string(body)
}

func TestListHasRunningAndForgottenMigrations(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.running("run-1", "acme-nova")
	b.finished("old-1", "acme-nova", migration.CompletedWithFailures)
	b.store.put("migrations/no-claim/stray.txt", "x")
	a := b.get("/", "")
	require.Equal(t, http.StatusOK, a.status)
	for _, text := range []string{`href="/migrations/run-1"`, ">Migrating<", `href="/migrations/old-1"`, ">Completed with failures<", ">990<", "2 migrations"} {
		require.Contains(t, a.body, text)
	}
	require.NotContains(t, a.body, "no-claim")
}

func TestListIsFiltered(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.running("run-1", "acme-nova")
	b.finished("old-1", "acme-nova", migration.Completed)
	b.finished("old-2", "other-route", migration.Aborted)
	for query, want := range map[string][]string{
		"?route=acme-nova":                  {"run-1", "old-1"},
		"?route=other-route":                {"old-2"},
		"?result=RUNNING":                   {"run-1"},
		"?result=ABORTED":                   {"old-2"},
		"?route=acme-nova&result=COMPLETED": {"old-1"},
		"?route=acme-nova&result=ABORTED":   nil,
		"?page=99":                          {"run-1", "old-1", "old-2"},
	} {
		a := b.get("/"+query, "")
		for _, id := range []string{"run-1", "old-1", "old-2"} {
			link := `href="/migrations/` + id + `"`
			if slices.Contains(want, id) {
				require.Contains(t, a.body, link, query)
			} else {
				require.NotContains(t, a.body, link, query)
			}
		}
	}
}

func TestMigrationPageSaysEverything(t *testing.T) {
	t.Parallel()
	b := setupWith(t, Options{TemporalUI: "http://127.0.0.1:8233/", Namespace: "default"})
	b.running("run-1", "acme-nova")
	a := b.get("/migrations/run-1", "")
	require.Equal(t, http.StatusOK, a.status)
	for _, text := range []string{
		"Migrating", ">412</strong> of 1,000 records finished", "400 migrated", "12 failed", "not known yet",
		"Created at the target", "8 failed before", "not read back yet",
		"stops at 10", "stops at 10 %", "no limit",
		"NOT_AVAILABLE", "have the platform enable this step", "ext-000017",
		"ext/&lt;b&gt;&amp;&#34;2", `href="/migrations/run-1/record?id=ext%2F%3Cb%3E%26%222"`,
		"merchant asked", "plan.json", "records.ndjson", "holds personal data",
		`href="http://127.0.0.1:8233/namespaces/default/workflows/run-1"`,
		`href="/migrations/run-1/do/pause"`, `data-events="/migrations/run-1/events"`,
	} {
		require.Contains(t, a.body, text)
	}
	require.NotContains(t, a.body, "/do/resume")
	require.NotContains(t, a.body, "secret")
}

func TestForgottenMigrationIsShownFromTheBucket(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.finished("old-1", "acme-nova", migration.CompletedWithFailures)
	a := b.get("/migrations/old-1", "")
	require.Equal(t, http.StatusOK, a.status)
	for _, text := range []string{"Completed with failures", "took 60 minutes", "1 missing", "10 not migrated", "all there", "reload.json"} {
		require.Contains(t, a.body, text)
	}
	require.NotContains(t, a.body, "data-events")
	require.NotContains(t, a.body, "/do/pause")
}

func TestPurgedMigrationKeepsItsCounts(t *testing.T) {
	t.Parallel()
	b := setup(t, vera)
	b.finished("old-1", "acme-nova", migration.CompletedWithFailures)
	end := began.Add(2 * time.Hour)
	purge := migration.Purge{
		Migration: "old-1", StartedAt: began, FinishedAt: &end, By: "kim",
		Audit: []migration.AuditEntry{{At: end, By: "kim", Action: migration.ActionPurge, Reason: "the partner asked"}},
	}
	b.store.put(migration.Key("old-1", migration.FilePurged), encode(t, purge))
	for _, name := range []string{migration.FileReload, migration.FileErrors} {
		delete(b.store.objects, migration.Key("old-1", name))
	}
	body := b.get("/migrations/old-1", "vera").body
	for _, text := range []string{"Its records are gone: it was purged on 2026-11-21 10:00Z by kim", ">1,000</strong>", "the partner asked", "files/purged.json"} {
		require.Contains(t, body, text)
	}
	require.NotContains(t, body, "files/reload.json")
	require.Equal(t, http.StatusOK, b.get("/migrations/old-1/files/purged.json", "vera").status)
	require.Contains(t, b.get("/migrations/old-1/record?id=ext-1", "vera").body, "Nothing is kept of this migration’s records")
}

func TestMigrationThatWroteNoSummaryIsInterrupted(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.store.put(migration.Key("lost-1", migration.FileClaim), `{"file":"s3://partner/lost-1.json","route":"acme-nova"}`)
	a := b.get("/migrations/lost-1", "")
	require.Equal(t, http.StatusOK, a.status)
	require.Contains(t, a.body, "Interrupted")
	require.Contains(t, a.body, "Temporal no longer knows it")
}

func TestTerminatedMigrationIsNotShownAsRunning(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.running("run-1", "acme-nova")
	end := began.Add(time.Minute)
	b.engine.runs["run-1"] = operator.Run{ID: "run-1", File: "s3://partner/run-1.json", Route: "acme-nova", State: operator.Terminated, StartedAt: &began, ClosedAt: &end}
	a := b.get("/migrations/run-1", "")
	require.Contains(t, a.body, "Interrupted")
	require.Contains(t, a.body, "closed from outside (terminated)")
}

func TestFailedStartSaysWhy(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := &watcher{engine: failing{b.engine}, past: b.server.past, id: "f", now: time.Now}
	b.engine.runs["f"] = operator.Run{ID: "f", State: operator.Failed, StartedAt: &began}
	st, _ := w.look(t.Context())
	require.Equal(t, migration.Interrupted, st.summary.Result)
	require.Equal(t, "FILE_NAME_USED: used before", st.summary.Reason)
}

// failing has roots that failed.
type failing struct{ *fakeEngine }

func (failing) Result(context.Context, string) (migration.Summary, error) {
	return migration.Summary{}, &operator.FailedError{Migration: "f", Code: "FILE_NAME_USED", Message: "used before"}
}

func TestNoWorkerIsSaidAndTheRestShown(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.running("run-1", "acme-nova")
	b.engine.silent = operator.ErrNoWorker
	a := b.get("/migrations/run-1", "")
	require.Equal(t, http.StatusOK, a.status)
	require.Contains(t, a.body, "No worker answers.")
	require.Contains(t, a.body, "Importing")
}

func TestTemporalAway(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.finished("old-1", "acme-nova", migration.Completed)
	b.engine.away = errors.New("no Temporal server answers")
	require.Equal(t, http.StatusServiceUnavailable, b.get("/migrations/run-1", "").status)
	a := b.get("/", "")
	require.Contains(t, a.body, "no Temporal server answers")
	require.Contains(t, a.body, "old-1", "what the bucket has is shown all the same")
}

func TestUnknownMigration(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, path := range []string{"/migrations/none", "/migrations/.odd", "/migrations/a%2Fb", "/nowhere", "/migrations/none/events"} {
		require.Equal(t, http.StatusNotFound, b.get(path, "").status, path)
	}
}

func TestRejectedFileShowsItsProblems(t *testing.T) {
	t.Parallel()
	b := setup(t)
	s := b.finished("bad-1", "acme-nova", migration.Rejected)
	s.Problems = &migration.Problems{Total: 7, ByCode: map[string]int{"DATE_INVALID": 5, "REQUIRED": 2}, Warnings: map[string]int{"UNKNOWN_FIELD": 9}}
	b.store.put(migration.Key("bad-1", migration.FileSummary), encode(t, s))
	a := b.get("/migrations/bad-1", "")
	require.Contains(t, a.body, "nothing was sent to the target")
	require.Regexp(t, `(?s)DATE_INVALID.*REQUIRED.*UNKNOWN_FIELD.*warning`, a.body)
}

func TestAssetsCanBeKept(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, name := range []string{"dashboard.css", "dashboard.js", "ferry.svg"} {
		a := b.get(b.server.views.addresses[name], "")
		require.Equal(t, http.StatusOK, a.status)
		require.Contains(t, a.header.Get("Cache-Control"), "immutable")
		require.NotEmpty(t, a.body)
	}
	require.Equal(t, http.StatusNotFound, b.get("/assets/dashboard.css", "").status)
}
