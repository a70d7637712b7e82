package dashboard

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/migrationfile"
	"github.com/f0a90b9a/ferry/internal/routes"
	"github.com/f0a90b9a/ferry/workflows"
)

func TestAxeIsUnmodified(t *testing.T) {
	t.Parallel()
	sums, err := os.ReadFile("testdata/axe/SHA256SUMS")
	require.NoError(t, err)
	for line := range strings.Lines(string(sums)) {
		sum, name, ok := strings.Cut(strings.TrimSpace(line), "  ")
		require.True(t, ok)
		body, err := os.ReadFile(filepath.Join("testdata", "axe", name))
		require.NoError(t, err)
		is := sha256.Sum256(body)
		require.Equal(t, sum, hex.EncodeToString(is[:]), name)
	}
}

//nolint:paralleltest // the browser tests share one sandbox, which each slows down
func TestStartWatchPauseResume(t *testing.T) {
	s := setupReal(t, "acme-spring")
	s.slow(40)
	path := s.file(400, migrationfile.GenOptions{FailShare: 0.05})
	p := s.open("olga")
	require.EqualValues(t, http.StatusOK, p.visit("/start"))
	p.accessible()
	p.picture("start")
	p.do(chromedp.SendKeys(`input[name="route"]`, routes.AcmeNovaName, chromedp.ByQuery),
		chromedp.SetUploadFiles(`input[name="upload"]`, []string{path}, chromedp.ByQuery),
		chromedp.Click("summary", chromedp.ByQuery), chromedp.WaitVisible(`input[name="batches"]`, chromedp.ByQuery),
		chromedp.SendKeys(`input[name="batches"]`, "1", chromedp.ByQuery),
		chromedp.SendKeys(`input[name="perBatch"]`, "4", chromedp.ByQuery))
	_, err := chromedp.RunResponse(p.ctx, chromedp.Click(`button.main`, chromedp.ByQuery))
	require.NoError(t, err)
	id := migration.IDFor(s.uri(path))
	require.Equal(t, id, p.text("h1"))

	// The page is not loaded again from here on: the mark stays.
	p.evaluate("window.mark = 1; true", nil)
	p.badge("Migrating")
	number := `Number(document.getElementById("finished")?.textContent.replaceAll(",", ""))`
	var first int
	p.until(number + " > 0")
	p.evaluate(number, &first)
	p.until(fmt.Sprintf("%s > %d", number, first))
	p.until(`document.getElementById("rate") !== null`)
	p.evaluate("window.mark", &first)
	require.Equal(t, 1, first)
	p.accessible()

	p.click("pause", "merchant asked")
	require.Contains(t, p.text(".notice"), "is paused")
	p.badge("Paused")
	require.Contains(t, p.text("#audit"), "merchant asked")
	require.Contains(t, p.text("#audit"), "olga")
	sum, err := shared.engine.Progress(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, migration.Paused, sum.Phase)
	require.EqualValues(t, http.StatusOK, p.visit("/migrations/"+id))
	p.accessible()

	p.click("resume", "")
	p.badge("Migrating")
	p.until(`document.getElementById("left") !== null && document.getElementById("left").textContent !== "not known yet"`)
	p.do(emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}}))
	p.picture("running-dark")
	p.do(emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "light"}}))
	p.picture("running")
	s.slow(0)
	p.badge("Completed with failures")
	done := s.ended(id)
	require.Equal(t, 400, done.Outcomes.Total())
	p.until(`document.getElementById("file-reload.json") !== null && document.querySelector(".notice") === null`)
	p.accessible()
	p.picture("finished")
	require.Equal(t, s.stored(id, migration.FileReload), p.fetched(`[id="file-reload.json"]`))
	require.Equal(t, s.stored(id, migration.FileErrors), p.fetched(`[id="file-errors.csv"]`))

	// One of the failed records, from the page's own example.
	_, err = chromedp.RunResponse(p.ctx, chromedp.Click("#x-0-0", chromedp.ByQuery))
	require.NoError(t, err)
	require.Contains(t, p.text("#main"), "NOT_AVAILABLE")
	require.Contains(t, p.text(".timeline"), "Taken up by migration "+id)
	p.accessible()
	p.picture("record")
	p.phone()
	require.EqualValues(t, http.StatusOK, p.visit("/migrations/"+id))
	p.accessible()
	p.picture("phone")
	var wide bool
	p.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth", &wide)
	require.False(t, wide, "nothing sticks out of a phone's screen")
	p.quiet()
}

//nolint:paralleltest // the browser tests share one sandbox, which each slows down
func TestAbortTakesAConfirmation(t *testing.T) {
	s := setupReal(t, "acme-wrong")
	s.slow(100)
	id := s.begin(s.file(300, migrationfile.GenOptions{}), workflows.MigrateFileInput{
		Concurrency: &workflows.ConcurrencyInput{Batches: new(1), PerBatch: new(2)},
	})
	p := s.open("pia")
	require.EqualValues(t, http.StatusOK, p.visit("/migrations/"+id))
	p.badge("Migrating")
	p.until(`Number(document.getElementById("finished")?.textContent) > 0`)
	p.do(chromedp.Click("#do-abort", chromedp.ByQuery), chromedp.WaitVisible("dialog[open] form", chromedp.ByQuery))
	p.accessible()
	p.picture("abort")

	// Without the tick the browser doesn't send the form.
	p.do(chromedp.Click(`dialog[open] button[type="submit"]`, chromedp.ByQuery))
	var valid bool
	p.evaluate(`document.querySelector("dialog form").checkValidity()`, &valid)
	require.False(t, valid)
	p.do(chromedp.Click(`dialog[open] a[data-close]`, chromedp.ByQuery))
	sum, err := shared.engine.Progress(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, migration.Migrating, sum.Phase)

	p.click("abort", "wrong file")
	p.badge("Aborted")
	done := s.ended(id)
	require.Equal(t, migration.Aborted, done.Result)
	require.Positive(t, done.Outcomes.NotAttempted)
	p.until(`document.getElementById("file-reload.json") !== null`)
	require.Contains(t, p.text("#audit"), "wrong file")
	p.quiet()
}

//nolint:paralleltest // the browser tests share one sandbox, which each slows down
func TestStoppedByALimit(t *testing.T) {
	s := setupReal(t, "acme-broken")
	id := s.begin(s.file(60, migrationfile.GenOptions{Product: "nova-fail-create"}), workflows.MigrateFileInput{})
	require.Equal(t, migration.StoppedByLimit, s.ended(id).Result)
	p := s.open("vera")
	require.EqualValues(t, http.StatusOK, p.visit("/migrations/"+id))
	require.Contains(t, p.text("#head"), "Stopped by a limit")
	require.Contains(t, p.text("#errors"), "NOT_AVAILABLE")
	p.accessible()
	p.picture("failed")
	require.EqualValues(t, http.StatusOK, p.visit("/migrations/"+id+"/outcomes?record=1"))
	require.Contains(t, p.text("tr.asked"), "has record 1")
	require.Equal(t, s.stored(id, migration.OutcomesFile(1)), p.fetched(`[id="file-outcomes/000001.ndjson"]`))
	p.accessible()
	p.quiet()

	// The cause is repaired, and what is left over is migrated by the button.
	s.repaired()
	o := s.open("pia")
	require.EqualValues(t, http.StatusOK, o.visit("/migrations/"+id))
	o.do(chromedp.Click("#do-reload", chromedp.ByQuery), chromedp.WaitVisible("dialog[open] form", chromedp.ByQuery))
	require.Contains(t, o.text("dialog"), id+"-reload-1")
	o.accessible()
	_, err := chromedp.RunResponse(o.ctx, chromedp.Click(`dialog[open] button[type="submit"]`, chromedp.ByQuery))
	require.NoError(t, err)
	require.Equal(t, id+"-reload-1", o.text("h1"))
	require.Contains(t, o.text(".notice"), "The reload has started.")
	o.badge("Completed")
	done := s.ended(id + "-reload-1")
	require.Equal(t, migration.Completed, done.Result)
	require.Equal(t, id, done.Parent)
	require.Equal(t, 60, done.Outcomes.Migrated)

	// It is compared once more, and the page has what came of it.
	again, err := shared.engine.Reconcile(t.Context(), done.Migration)
	require.NoError(t, err)
	compared, err := shared.engine.ReconcileResult(t.Context(), again)
	require.NoError(t, err)
	rows := migration.ReconciliationFile(compared.StartedAt, ".csv")
	require.Eventually(t, func() bool {
		o.visit("/migrations/" + done.Migration)
		return strings.Contains(o.text("#main"), "Compared again after its end")
	}, browserWait, 500*time.Millisecond)
	require.Contains(t, o.text("#again"), "no difference")
	require.Equal(t, s.stored(done.Migration, rows), o.fetched(`[id="file-`+rows+`"]`))
	o.accessible()
	o.quiet()
}

//nolint:paralleltest // the browser tests share one sandbox, which each slows down
func TestWhatAViewerAndAStrangerAreRefused(t *testing.T) {
	s := setupReal(t, "acme-autumn")
	s.slow(100)
	id := s.begin(s.file(300, migrationfile.GenOptions{}), workflows.MigrateFileInput{
		Concurrency: &workflows.ConcurrencyInput{Batches: new(1), PerBatch: new(2)},
	})
	viewer := s.open("vera")
	require.EqualValues(t, http.StatusOK, viewer.visit("/migrations/"+id))
	viewer.badge("Migrating")
	var buttons int
	viewer.evaluate(`document.querySelectorAll("#actions a").length`, &buttons)
	require.Zero(t, buttons)
	// A viewer who makes the form's request all the same, from a page of ours.
	var status int
	post := `fetch(new URL("/migrations/` + id + `/do/pause", location.origin), {method: "POST", body: new URLSearchParams({by: "vera"})}).then((r) => r.status)`
	viewer.evaluate(post, &status)
	require.Equal(t, http.StatusForbidden, status)
	viewer.evaluate(`fetch(new URL("/migrations/`+id+`/files/records.ndjson", location.origin)).then((r) => r.status)`, &status)
	require.Equal(t, http.StatusForbidden, status)

	// The list has how far it is.
	all := s.open("olga")
	require.EqualValues(t, http.StatusOK, all.visit("/"))
	all.until(fmt.Sprintf(`Number(document.getElementById("m-%s")?.closest("tr").cells[4].textContent) > 0`, id))
	require.Contains(t, all.text("#migrations"), "Migrating")
	all.accessible()
	all.picture("list")
	all.quiet()

	stranger := s.open("otto")
	for _, path := range []string{"", "/events", "/record?id=" + s.prefix + "-000001", "/files/plan.json", "/do/abort"} {
		require.EqualValues(t, http.StatusNotFound, stranger.visit("/migrations/"+id+path), path)
	}
	stranger.visit("/")
	require.NotContains(t, stranger.text("#main"), id)

	// A page elsewhere that sends the operator's browser here with a form.
	elsewhere := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, `<form method="post" action="%s/migrations/%s/do/pause"><input name="by" value="kim"><button>Win</button></form>`, s.web.URL, id)
	})
	fraud := s.open("olga")
	other := newSite(t, elsewhere)
	_, err := chromedp.RunResponse(fraud.ctx, chromedp.Navigate(other))
	require.NoError(t, err)
	res, err := chromedp.RunResponse(fraud.ctx, chromedp.Click("button", chromedp.ByQuery))
	require.NoError(t, err)
	require.EqualValues(t, http.StatusForbidden, res.Status)

	sum, err := shared.engine.Progress(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, migration.Migrating, sum.Phase)
	require.Empty(t, sum.Audit)
	_, err = shared.engine.Update(t.Context(), id, workflows.UpdateAbort, workflows.OperatorAction{By: "test"})
	require.NoError(t, err)
	s.ended(id)
}

//nolint:paralleltest // the browser tests share one sandbox, which each slows down
func TestWithoutJavaScript(t *testing.T) {
	s := setupReal(t, "acme-plain")
	s.slow(100)
	id := s.begin(s.file(200, migrationfile.GenOptions{}), workflows.MigrateFileInput{
		Concurrency: &workflows.ConcurrencyInput{Batches: new(1), PerBatch: new(2)},
	})
	p := s.open("olga")
	p.do(emulation.SetScriptExecutionDisabled(true))
	require.EqualValues(t, http.StatusOK, p.visit("/"))
	page := func() string {
		var html string
		p.do(chromedp.OuterHTML("html", &html, chromedp.ByQuery))
		return html
	}
	require.Contains(t, page(), id)
	require.Eventually(t, func() bool {
		p.visit("/migrations/" + id)
		return strings.Contains(page(), ">Migrating</span>")
	}, browserWait, 100*time.Millisecond)
	follow := func(selector string) {
		_, err := chromedp.RunResponse(p.ctx, chromedp.Click(selector, chromedp.ByQuery))
		require.NoError(t, err)
	}
	follow("#do-pause")
	require.Contains(t, page(), "Pause this migration?")
	follow(`button[type="submit"]`)
	require.Contains(t, page(), "The migration is paused.")
	follow("#do-abort")
	p.do(chromedp.Click(`input[name="confirm"]`, chromedp.ByQuery))
	follow(`button[type="submit"]`)
	require.Equal(t, migration.Aborted, s.ended(id).Result)
	require.Eventually(t, func() bool {
		p.visit("/migrations/" + id)
		return strings.Contains(page(), "reload.json")
	}, browserWait, 100*time.Millisecond)
	p.quiet()
}

// The buttons work from the keyboard, and the focus survives the page's own
// changes.
//
//nolint:paralleltest // the browser tests share one sandbox, which each slows down
func TestKeyboard(t *testing.T) {
	s := setupReal(t, "acme-keys")
	s.slow(100)
	id := s.begin(s.file(200, migrationfile.GenOptions{}), workflows.MigrateFileInput{
		Concurrency: &workflows.ConcurrencyInput{Batches: new(1), PerBatch: new(2)},
	})
	p := s.open("olga")
	require.EqualValues(t, http.StatusOK, p.visit("/migrations/"+id))
	p.badge("Migrating")
	focus := func() (where string) {
		p.evaluate(`document.activeElement.id || document.activeElement.name || document.activeElement.textContent.trim()`, &where)
		return where
	}
	p.do(chromedp.KeyEvent(kb.Tab))
	require.Equal(t, "Skip to the content", focus())
	p.do(chromedp.KeyEvent(kb.Enter), chromedp.KeyEvent(kb.Tab))
	require.Equal(t, "do-pause", focus())
	p.do(chromedp.KeyEvent(kb.Enter), chromedp.WaitVisible("dialog[open] form", chromedp.ByQuery))
	require.Equal(t, "reason", focus())
	p.do(chromedp.KeyEvent(kb.Escape), chromedp.WaitNotVisible("dialog", chromedp.ByQuery))
	require.Equal(t, "do-pause", focus())

	// The list of files grows at the end, while one of its links has the focus.
	p.do(chromedp.Focus(`[id="file-plan.json"]`, chromedp.ByQuery))
	_, err := shared.engine.Update(t.Context(), id, workflows.UpdateAbort, workflows.OperatorAction{By: "test"})
	require.NoError(t, err)
	p.until(`document.getElementById("file-reload.json") !== null`)
	require.Equal(t, "file-plan.json", focus())
	p.quiet()
}
