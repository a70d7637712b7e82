package cli

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/cli/view"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/operator"
)

func running(id string) operator.Run {
	return operator.Run{ID: id, File: uri, Route: "acme-nova", State: operator.Open, StartedAt: at(10)}
}

// asSummary reads what --json printed.
func asSummary(t *testing.T, r ran) migration.Summary {
	t.Helper()
	var s migration.Summary
	require.NoError(t, json.Unmarshal([]byte(r.out), &s), r.out)
	return s
}

func (b *bundle) putSummary(t *testing.T, s migration.Summary) {
	t.Helper()
	body, err := json.Marshal(s)
	require.NoError(t, err)
	b.bucket.put("ferry", migration.Key(s.Migration, migration.FileClaim), "{}")
	b.bucket.put("ferry", migration.Key(s.Migration, migration.FileSummary), string(body))
}

func TestStatusOfARunningMigration(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.temporal.runs["a"] = running("a")
	b.temporal.progress["a"] = migration.Summary{Migration: "a", Phase: migration.Migrating, Records: 9}
	requireEnd(t, b.run("status", "a"), exitOK, "a  MIGRATING", "")
	require.Equal(t, 9, asSummary(t, b.run("status", "a", "--json")).Records)
}

func TestStatusWithoutAWorker(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		files []string
		phase migration.Phase
		note  string
	}{
		{"nothing written", nil, migration.Checking, "no worker is polling task queue ferry"},
		{"claimed", []string{migration.FileClaim}, migration.Importing, "no worker is polling task queue ferry"},
		{
			"migrating",
			[]string{migration.FileClaim, migration.FileBatches, migration.OutcomesFile(1), migration.OutcomesFile(2)},
			migration.Migrating, "the outcomes of 2 finished batches",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.temporal.polls = false
			b.temporal.runs["a"] = running("a")
			for _, name := range c.files {
				b.bucket.put("ferry", migration.Key("a", name), "{}")
			}
			r := b.run("status", "a", "--json")
			require.Equal(t, exitOK, r.code, r.errors)
			require.Contains(t, r.errors, c.note)
			s := asSummary(t, r)
			require.Equal(t, c.phase, s.Phase)
			require.Equal(t, uri, s.File)
			require.Empty(t, s.Result)
		})
	}
}

// The counts that Temporal's own history tells are shown with their time, not
// zeros.
func TestStatusWithoutAWorkerShowsTheLastThatIsKnown(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.temporal.polls = false
	b.temporal.runs["a"] = running("a")
	b.temporal.last = map[string]migration.Summary{"a": {
		Migration: "a", Phase: migration.Paused, Reason: "paused by kim", Records: 9, Outcomes: migration.Outcomes{Migrated: 4},
	}}
	r := b.run("status", "a", "--json")
	require.Equal(t, exitOK, r.code, r.errors)
	s := asSummary(t, r)
	require.Equal(t, 4, s.Outcomes.Migrated)
	require.Equal(t, migration.Paused, s.Phase)
	require.Equal(t, *at(11), s.Stale.At)
	require.Contains(t, s.Stale.Why, "no worker is polling")
	requireEnd(t, b.run("status", "a"), exitOK, "as of 2026-11-21 11:00:00Z, the last that is known: migration a: progress: no worker is polling", "ferry-worker")
}

// An operator in production has no sources to run.
func TestNoAdviceNeedsTheSources(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.temporal.polls = false
	b.temporal.runs["a"] = running("a")
	for _, args := range [][]string{{"status", "a"}, {"list"}, {"start", uri, "--route", "acme-nova"}} {
		b.bucket.put("partner", "input/acme-1.json", "[]")
		r := b.run(args...)
		require.Contains(t, r.errors, "ferry-worker", args)
		require.NotContains(t, r.errors, "go run", args)
	}
}

func TestStatusOfAnEndedMigration(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.temporal.polls = false // nobody is needed
	b.temporal.runs["a"] = operator.Run{ID: "a", State: operator.Completed}
	b.temporal.results["a"] = result{summary: migration.Summary{Migration: "a", Result: migration.CompletedWithFailures, Phase: migration.Done}}
	requireEnd(t, b.run("status", "a"), exitOK, "a  COMPLETED_WITH_FAILURES", "")
	require.Equal(t, exitFailures, b.run("watch", "a").code)
}

func TestStatusOfAClosedRootWithoutAResult(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.temporal.runs["a"] = operator.Run{ID: "a", File: uri, State: operator.Terminated, StartedAt: at(10), ClosedAt: at(11)}
	b.temporal.results["a"] = result{err: &operator.InterruptedError{Migration: "a", How: "terminated"}}
	s := asSummary(t, b.run("status", "a", "--json"))
	require.Equal(t, migration.Interrupted, s.Result)
	require.Equal(t, at(11), s.FinishedAt)
	require.Contains(t, s.Reason, "terminated")
	requireEnd(t, b.run("watch", "a"), exitAborted, "", "terminated before it had a result")
}

func TestWhatTemporalHasForgotten(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.putSummary(t, migration.Summary{Migration: "old", Result: migration.StoppedByLimit, Phase: migration.Done, Records: 4})
	b.bucket.put("ferry", migration.Key("lost", migration.FileClaim), "{}")
	requireEnd(t, b.run("status", "old"), exitOK, "old  STOPPED_BY_LIMIT", "")
	requireEnd(t, b.run("watch", "old"), exitLimit, "old  STOPPED_BY_LIMIT", "")
	requireEnd(t, b.run("status", "lost"), exitOK, "lost  INTERRUPTED", "")
	for _, id := range []string{"never", "../old", ""} {
		requireEnd(t, b.run("status", id), exitUnable, "", "no such migration (see 'ferry list')")
		requireEnd(t, b.run("watch", id), exitUnable, "", "no such migration (see 'ferry list')")
	}
}

// recorder is a progress that ends the watching at the first that it is told.
type recorder struct {
	notes  []string
	passes []string
	stop   context.CancelFunc
}

func (r *recorder) Show(_ migration.Summary, pass string) {
	r.passes = append(r.passes, pass)
	r.stop()
}
func (r *recorder) Close() {}
func (r *recorder) Note(text string) {
	r.notes = append(r.notes, text)
	r.stop()
}

func TestWatchSaysThatNobodyWorks(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.temporal.polls = false
	ctx, stop := context.WithCancel(t.Context())
	progress := &recorder{stop: stop}
	ask(ctx, &connection{engine: b.temporal}, "a", progress)
	require.Equal(t, []string{"ferry: no worker is polling task queue ferry; waiting for one (" + howToStartAWorker + ")"}, progress.notes)
}

func TestWatchTellsHowFarAPassIs(t *testing.T) {
	t.Parallel()
	for phase, told := range map[migration.Phase]string{
		migration.Importing: "1,200 records read", migration.Reconciling: "batch 12", migration.Migrating: "",
	} {
		b := setup(t)
		run := running("a")
		run.Pass = &operator.Pass{Batch: 12, At: time.Now()}
		if phase == migration.Importing {
			run.Pass = &operator.Pass{Records: 1200, Bytes: 9, At: time.Now()}
		}
		b.temporal.runs["a"] = run
		b.temporal.progress["a"] = migration.Summary{Migration: "a", Phase: phase}
		ctx, stop := context.WithCancel(t.Context())
		progress := &recorder{stop: stop}
		ask(ctx, &connection{engine: b.temporal}, "a", progress)
		require.Equal(t, []string{told}, progress.passes)
		run.Pass.At = run.Pass.At.Add(-time.Hour) // nothing was heard since
		require.Empty(t, passOf(t.Context(), &connection{engine: b.temporal}, b.temporal.progress["a"]))
	}
}

func TestListJoinsTemporalAndTheBucket(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.temporal.runs["open"] = running("open")
	done := migration.Summary{Migration: "done", Result: migration.Completed, StartedAt: at(9), Records: 5}
	b.temporal.runs["done"] = operator.Run{ID: "done", State: operator.Completed, StartedAt: at(9)}
	b.temporal.results["done"] = result{summary: done}
	b.putSummary(t, done)
	b.putSummary(t, migration.Summary{Migration: "old", Result: migration.Aborted, StartedAt: at(8)})
	b.bucket.put("ferry", migration.Key("lost", migration.FileClaim), "{}")
	b.bucket.put("ferry", migration.Key("stray", "x"), "")

	var entries []view.Entry
	r := b.run("list", "--json")
	require.NoError(t, json.Unmarshal([]byte(r.out), &entries), r.errors)
	var got [][2]string
	for _, e := range entries {
		got = append(got, [2]string{e.Migration, e.State})
	}
	require.Equal(t, [][2]string{{"open", "RUNNING"}, {"done", "COMPLETED"}, {"old", "ABORTED"}, {"lost", "INTERRUPTED"}}, got)
	require.Equal(t, 5, entries[1].Records)

	require.NoError(t, json.Unmarshal([]byte(b.run("list", "--json", "--limit=1").out), &entries))
	require.Len(t, entries, 1)
	requireEnd(t, b.run("list"), exitOK, "open", "")
}

func TestListOfNothing(t *testing.T) {
	t.Parallel()
	requireEnd(t, setup(t).run("list"), exitOK, "There are no migrations.\n", "")
	require.Equal(t, "[]\n", setup(t).run("list", "--json").out)
}
