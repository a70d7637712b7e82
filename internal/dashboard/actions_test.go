package dashboard

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/operator"
	"github.com/f0a90b9a/ferry/internal/redact"
	"github.com/f0a90b9a/ferry/workflows"
)

func TestActionsSendTheWorkflowsUpdates(t *testing.T) {
	t.Parallel()
	kim := workflows.OperatorAction{By: "kim", Reason: "why not"}
	for name, want := range map[string]struct {
		form   url.Values
		update string
		input  any
	}{
		"pause":   {nil, workflows.UpdatePause, kim},
		"resume":  {nil, workflows.UpdateResume, kim},
		"abort":   {url.Values{"confirm": {"yes"}}, workflows.UpdateAbort, kim},
		"approve": {url.Values{"plan": {"abc123"}}, workflows.UpdateApprove, workflows.ApproveInput{OperatorAction: kim, Plan: "abc123"}},
		"limits": {
			url.Values{"consecutive": {"20"}, "errorRate": {" 12.5 "}, "maxFailures": {""}},
			workflows.UpdateSetLimits,
			workflows.SetLimitsInput{OperatorAction: kim, Limits: workflows.LimitsInput{Consecutive: new(20), ErrorRate: new(0.125)}},
		},
		"concurrency": {
			url.Values{"batches": {"2"}, "requestsPerSecond": {"7.5"}},
			workflows.UpdateSetConcurrency,
			workflows.SetConcurrencyInput{OperatorAction: kim, Concurrency: workflows.ConcurrencyInput{Batches: new(2)}, RequestsPerSecond: new(7.5)},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.running("run-1", "acme-nova")
			form := url.Values{"by": {" kim "}, "reason": {"why not"}}
			maps.Copy(form, want.form)
			a := b.post("/migrations/run-1/do/"+name, "", form)
			require.Equal(t, http.StatusSeeOther, a.status, a.body)
			require.Equal(t, "/migrations/run-1?done="+name, a.header.Get("Location"))
			require.Equal(t, []sentUpdate{{"run-1", want.update, want.input}}, b.engine.updates)
			done, known := actionNamed(name)
			require.True(t, known)
			require.Contains(t, b.get(a.header.Get("Location"), "").body, done.Done)
		})
	}
}

func TestFormsThatAreSentBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.running("run-1", "acme-nova")
	for _, c := range []struct {
		action string
		form   url.Values
		says   string
	}{
		{"pause", url.Values{"by": {" "}}, "say who asks for it"},
		{"pause", url.Values{"by": {"kim"}, "reason": {strings.Repeat("x", 501)}}, "has 501 characters: use at most 500"},
		{"pause", url.Values{"by": {strings.Repeat("å", 101)}}, "has 101 characters: use at most 100"},
		{"pause", url.Values{"by": {"kim\u202e"}}, "control character U&#43;202E"},
		{"abort", url.Values{"by": {"kim"}}, "tick the box"},
		{"approve", url.Values{"by": {"kim"}}, "hash is missing"},
		{"limits", url.Values{"by": {"kim"}}, "no limit is given"},
		{"limits", url.Values{"by": {"kim"}, "errorRate": {"120"}}, "limits.errorRate 1.2 is out of range"},
		{"limits", url.Values{"by": {"kim"}, "consecutive": {"few"}}, "&#34;few&#34; is not a whole number"},
		{"concurrency", url.Values{"by": {"kim"}}, "nothing is given"},
		{"concurrency", url.Values{"by": {"kim"}, "batches": {"99"}}, "concurrency.batches 99 is out of range"},
		{"concurrency", url.Values{"by": {"kim"}, "requestsPerSecond": {"-1"}}, "requestsPerSecond -1 is out of range"},
		{"concurrency", url.Values{"by": {"kim"}, "requestsPerSecond": {"Inf"}}, "is out of range"},
		{"limits", url.Values{"by": {"kim"}, "consecutive": {"100000001"}}, "limits.consecutive 100000001 is out of range"},
		{"concurrency", url.Values{"by": {"kim"}, "requestsPerSecond": {"NaN"}}, "is not a number"},
	} {
		a := b.post("/migrations/run-1/do/"+c.action, "", c.form)
		require.Equal(t, http.StatusBadRequest, a.status, c.says)
		require.Contains(t, a.body, c.says)
		for field, values := range c.form { // what was typed is not lost
			if field != "confirm" && values[0] != " " {
				require.Contains(t, a.body, `value="`+redact.Visible(values[0])+`"`)
			}
		}
	}
	require.Zero(t, b.engine.count("update"))
	require.Equal(t, http.StatusNotFound, b.post("/migrations/run-1/do/delete", "", url.Values{"by": {"kim"}}).status)
}

func TestWhoHasSignedInIsWhoAsks(t *testing.T) {
	t.Parallel()
	b := setup(t, pia)
	b.running("run-1", "acme-nova")
	require.NotContains(t, b.get("/migrations/run-1/do/pause", "pia").body, `name="by"`)
	require.Equal(t, http.StatusSeeOther, b.post("/migrations/run-1/do/pause", "pia", url.Values{"by": {"somebody else"}}).status)
	require.Equal(t, workflows.OperatorAction{By: "pia"}, b.engine.updates[0].input)
}

func TestRefusalsAreShown(t *testing.T) {
	t.Parallel()
	for err, status := range map[error]int{
		fmt.Errorf("migration run-1: pause: %w: paused already", operator.ErrRefused): http.StatusConflict,
		operator.ErrUnknown: http.StatusNotFound,
		fmt.Errorf("migration run-1: pause: %w task queue ferry", operator.ErrNoWorker): http.StatusServiceUnavailable,
	} {
		b := setup(t)
		b.running("run-1", "acme-nova")
		b.engine.refuse = err
		a := b.post("/migrations/run-1/do/pause", "", url.Values{"by": {"kim"}, "reason": {"typed once"}})
		require.Equal(t, status, a.status)
		require.Contains(t, a.body, err.Error())
		require.Contains(t, a.body, "typed once")
	}
}

func TestConfirmationShowsWhatItIsAbout(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.running("run-1", "acme-nova")
	b.engine.change("run-1", func(s *migration.Summary) { s.Phase = migration.AwaitingApproval })
	require.Contains(t, b.get("/migrations/run-1", "").body, "/do/approve")
	a := b.get("/migrations/run-1/do/approve", "")
	for _, text := range []string{`name="plan" value="abc123"`, "1,000 in 20 batches", `name="by" required`, `value="kim"`} {
		require.Contains(t, a.body, text)
	}
	// Limits that were changed since give the plan another name.
	b.engine.change("run-1", func(s *migration.Summary) { s.Reason = "wave 1 is done; waiting for approval of plan 0def99" })
	b.engine.mu.Lock()
	again := b.engine.runs["run-1"]
	b.engine.runs["run-2"], b.engine.progress["run-2"] = again, b.engine.progress["run-1"]
	b.engine.mu.Unlock()
	require.Contains(t, b.get("/migrations/run-2/do/approve", "").body, `name="plan" value="0def99"`)
	a = b.get("/migrations/run-1/do/limits", "")
	require.Contains(t, a.body, `name="errorRate" inputmode="decimal" value="10"`)
	require.Contains(t, b.get("/migrations/run-1/do/abort", "").body, `name="confirm" value="yes" required`)
}

func TestActionsFitThePhase(t *testing.T) {
	t.Parallel()
	names := func(p migration.Phase) (all []string) {
		for _, a := range actionsFor(&standing{open: true, summary: migration.Summary{Phase: p}}) {
			all = append(all, a.Name)
		}
		return all
	}
	require.Equal(t, []string{"pause", "limits", "concurrency", "abort"}, names(migration.Migrating))
	require.Equal(t, []string{"resume", "limits", "concurrency", "abort"}, names(migration.Paused))
	require.Equal(t, []string{"pause", "approve", "limits", "concurrency", "abort"}, names(migration.AwaitingApproval))
	require.Equal(t, []string{"abort"}, names(migration.Reconciling))
	for _, p := range []migration.Phase{migration.Reporting, migration.Stopping, migration.Done} {
		require.Empty(t, names(p))
	}
}

func TestReloadStartsAChild(t *testing.T) {
	t.Parallel()
	b := setup(t, pia, vera, otto)
	b.finished("old-1", "acme-nova", migration.CompletedWithFailures)
	require.NotContains(t, b.get("/migrations/old-1", "vera").body, "/do/")
	require.Contains(t, b.get("/migrations/old-1", "pia").body, `href="/migrations/old-1/do/reload"`)
	form := b.get("/migrations/old-1/do/reload", "pia").body
	require.Contains(t, form, `name="as" value="old-1-reload-1"`)
	require.NotContains(t, form, "Reloaded before")

	confirmed := url.Values{"as": {"old-1-reload-1"}}
	require.Equal(t, http.StatusForbidden, b.post("/migrations/old-1/do/reload", "vera", confirmed).status)
	require.Equal(t, http.StatusNotFound, b.post("/migrations/old-1/do/reload", "otto", confirmed).status)
	require.Zero(t, b.engine.count("start"))
	a := b.post("/migrations/old-1/do/reload", "pia", confirmed)
	require.Equal(t, http.StatusSeeOther, a.status, a.body)
	require.Equal(t, "/migrations/old-1-reload-1?done=reload", a.header.Get("Location"))
	require.Equal(t, []string{"old-1-reload-1"}, b.engine.startIDs)
	const place = "input/old-1-reload-1.json"
	require.Equal(t, []workflows.MigrateFileInput{{File: "s3://ferry/" + place, Route: "acme-nova", Parent: "old-1"}}, b.engine.starts)
	require.JSONEq(t, `[{"customerIdentifier":"secret"}]`, b.store.objects[place])
	require.Contains(t, b.get(a.header.Get("Location"), "pia").body, "The reload has started.")
	require.Contains(t, b.log.String(), "by=pia")

	// Sent twice, or after somebody else.
	a = b.post("/migrations/old-1/do/reload", "pia", confirmed)
	require.Equal(t, http.StatusConflict, a.status)
	require.Contains(t, a.body, "old-1-reload-1 has been started meanwhile; this would be old-1-reload-2")
	require.Contains(t, a.body, `Reloaded before as</dt><dd><a href="/migrations/old-1-reload-1">`)
	require.Equal(t, 1, b.engine.count("start"))
}

func TestNothingToReload(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.running("run-1", "acme-nova")
	b.store.put(migration.Key("run-1", migration.FileReload), "[]") // it is being written
	b.finished("whole-1", "acme-nova", migration.Completed)
	delete(b.store.objects, migration.Key("whole-1", migration.FileReload))
	for _, id := range []string{"run-1", "whole-1"} {
		require.NotContains(t, b.get("/migrations/"+id, "").body, "/do/reload")
		require.Equal(t, http.StatusConflict, b.get("/migrations/"+id+"/do/reload", "").status)
		a := b.post("/migrations/"+id+"/do/reload", "", url.Values{"by": {"kim"}, "as": {id + "-reload-1"}})
		require.Equal(t, http.StatusConflict, a.status)
		require.Contains(t, a.body, "Nothing to reload")
	}
	b.finished("old-1", "acme-nova", migration.Aborted)
	a := b.post("/migrations/old-1/do/reload", "", url.Values{"as": {"old-1-reload-1"}})
	require.Equal(t, http.StatusBadRequest, a.status)
	require.Contains(t, a.body, "say who asks for it")
	require.Zero(t, b.engine.count("start"))
}

// A reload that failed to start, by refused credentials for instance, keeps no
// other from it.
func TestReloadAgainAfterAFailedStart(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.finished("old-1", "acme-nova", migration.Aborted)
	b.engine.runs["old-1-reload-1"] = operator.Run{ID: "old-1-reload-1", State: operator.Failed, StartedAt: &began}
	a := b.post("/migrations/old-1/do/reload", "", url.Values{"by": {"kim"}, "as": {"old-1-reload-1"}})
	require.Equal(t, http.StatusSeeOther, a.status, a.body)
	require.Equal(t, 1, b.engine.count("again"))
}
