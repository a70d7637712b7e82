package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/config"
	"github.com/f0a90b9a/ferry/internal/cli/view"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/objectstore"
	"github.com/f0a90b9a/ferry/internal/operator"
)

func (e *fakeEngine) CheckOver(_ context.Context, id string, files []string) (bool, error) {
	run, known := e.runs[id]
	if run.State == operator.Open {
		return known, fmt.Errorf("migration %s: %w: it is still running", id, operator.ErrRefused)
	}
	for _, other := range e.runs {
		for _, file := range files {
			if known && other.State == operator.Open && other.File == file {
				return known, fmt.Errorf("migration %s: %w: %s reads %s", id, operator.ErrRefused, other.ID, file)
			}
		}
	}
	return known, nil
}

func (s *fakeStore) Put(_ context.Context, loc objectstore.Location, body []byte, _ string) error {
	s.objects[place(loc)] = string(body)
	return nil
}

func (s *fakeStore) PutIfAbsent(ctx context.Context, loc objectstore.Location, body []byte, kind string) (bool, error) {
	if _, there := s.objects[place(loc)]; there {
		return false, nil
	}
	return true, s.Put(ctx, loc, body, kind)
}

// removing keeps the deletions of a purge, of which many run at once, apart.
var removing sync.Mutex

func (s *fakeStore) Remove(_ context.Context, loc objectstore.Location) (bool, error) {
	removing.Lock()
	defer removing.Unlock()
	delete(s.objects, place(loc))
	return false, nil
}

// withPast has a migration that ended with records to reload.
func (b *bundle) withHoldings() *bundle {
	b.temporal.runs["a"] = operator.Run{ID: "a", File: uri, State: operator.Completed, ClosedAt: at(11)}
	sum := migration.Summary{
		Migration: "a", File: uri, Route: "acme-nova", Phase: migration.Done, Result: migration.CompletedWithFailures,
		Records: 3, Outcomes: migration.Outcomes{Migrated: 2, Failed: 1}, StartedAt: at(10), FinishedAt: at(11),
		Files: map[string]migration.FileInfo{
			migration.FileReload: {URI: "s3://ferry/migrations/a/reload.json"}, migration.FilePlan: {URI: "s3://ferry/migrations/a/plan.json"},
		},
	}
	b.temporal.results["a"] = result{summary: sum}
	body, err := json.Marshal(sum)
	if err != nil {
		panic(err)
	}
	b.bucket.put("ferry", migration.Key("a", migration.FileSummary), string(body))
	b.bucket.put("ferry", migration.Key("a", migration.FileClaim), `{"namespace":"default","migration":"a","file":"`+uri+`"}`)
	b.bucket.put("ferry", migration.Key("a", migration.FilePlan), "{}")
	for _, name := range []string{migration.FileRecords, migration.FileReload, migration.OutcomesFile(1), migration.OutcomesFile(2)} {
		b.bucket.put("ferry", migration.Key("a", name), "personal")
	}
	return b
}

func TestPurgeDeletesAndSaysSo(t *testing.T) {
	t.Parallel()
	b := setup(t).withHoldings()
	r := b.run("purge", "a", "--yes", "--by", "kim", "--reason", "90 days", "--json")
	require.Equal(t, exitOK, r.code, r.errors)
	var said view.Purge
	require.NoError(t, json.Unmarshal([]byte(r.out), &said))
	require.Len(t, said.Deleted, 4)
	require.Len(t, said.Kept, 3)
	require.NotNil(t, said.Purged.FinishedAt)
	require.Equal(t, "90 days", said.Purged.Reason)
	require.Contains(t, said.SourceKept, "not in input/ of the work bucket")
	for place, content := range b.bucket.objects {
		require.NotContains(t, content, "personal", place)
	}
	requireEnd(t, b.run("purge", "a"), exitOK, "a: it was purged on", "")
}

func TestEveryCommandSaysThatAMigrationWasPurged(t *testing.T) {
	t.Parallel()
	for name, forget := range map[string]bool{"known to Temporal": false, "forgotten": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t).withHoldings()
			require.Equal(t, exitOK, b.run("purge", "a", "--yes", "--by", "kim").code)
			if forget {
				b.temporal.runs = map[string]operator.Run{}
			}
			const says = "it was purged on"
			status := b.run("status", "a")
			requireEnd(t, status, exitOK, "purged    on 20", "")
			require.Contains(t, status.out, "plan.json")
			require.NotContains(t, status.out, "reload.json", "what is not there is not listed")
			requireEnd(t, b.run("list"), exitOK, "COMPLETED_WITH_FAILURES, purged", "")
			watched := b.run("watch", "a")
			require.Equal(t, exitFailures, watched.code)
			require.Contains(t, watched.out, "purged    on 20")
			requireEnd(t, b.run("reports", "a"), exitOK, "purged.json", says)
			requireEnd(t, b.run("reload", "a"), exitRefused, "", says)
			requireEnd(t, b.run("reconcile", "a"), exitRefused, "", says)
			var s migration.Summary
			require.NoError(t, json.Unmarshal([]byte(b.run("status", "a", "--json").out), &s))
			require.Equal(t, "kim", s.Purged.By)
			require.Equal(t, migration.ActionPurge, s.Audit[len(s.Audit)-1].Action)
		})
	}
}

func TestPurgeThatDidNotEndIsTold(t *testing.T) {
	t.Parallel()
	b := setup(t).withHoldings()
	b.bucket.put("ferry", migration.Key("a", migration.FilePurged), `{"migration":"a","startedAt":"2026-11-21T10:00:00Z","finishedAt":null,"by":"kim"}`)
	requireEnd(t, b.run("status", "a"), exitOK, "begun on 2026-11-21 10:00Z by kim and has not ended", "")
	requireEnd(t, b.run("reload", "a"), exitRefused, "", "has not ended")
	requireEnd(t, b.run("purge", "a", "--yes"), exitOK, "it was purged on 2026-11-21 10:00Z by kim", "")
}

func TestTerminatedMigrationThatWasPurgedIsNotRebuilt(t *testing.T) {
	t.Parallel()
	b := setup(t).withPlan()
	b.bucket.put("ferry", migration.Key("a", migration.FileClaim), `{"file":"`+uri+`"}`)
	require.Equal(t, exitOK, b.run("purge", "a", "--yes").code)
	requireEnd(t, b.run("reports", "a", "--rebuild"), exitRefused, "", "it was purged on")
	requireEnd(t, b.run("reports", "a"), exitOK, "plan.json", "it was purged on")
	require.Empty(t, b.temporal.rebuilt)
}

func TestPurgeIsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*bundle)
		code   int
		says   string
	}{
		"while it runs": {func(b *bundle) { b.temporal.runs["a"] = running("a") }, exitRefused, "still running"},
		"while its reload is read": {func(b *bundle) {
			b.temporal.runs["b"] = operator.Run{ID: "b", State: operator.Open, File: "s3://ferry/migrations/a/reload.json"}
		}, exitRefused, "b reads"},
		"of an unknown migration": {func(b *bundle) { b.bucket.objects = map[string]string{} }, exitUnable, "no such migration"},
		"without a sign of its end": {func(b *bundle) {
			delete(b.temporal.runs, "a")
			delete(b.bucket.objects, "ferry/"+migration.Key("a", migration.FileSummary))
		}, exitRefused, "--abandoned"},
		"without a work bucket": {func(b *bundle) { b.bucket, b.env = nil, nil }, exitUnable, "set s3.work_bucket"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t).withHoldings()
			c.change(b)
			for _, flag := range []string{"--yes", "--dry-run"} {
				requireEnd(t, b.run("purge", "a", flag), c.code, "", c.says)
			}
			if b.bucket != nil {
				require.NotContains(t, b.bucket.keys("ferry", ""), migration.Key("a", migration.FilePurged))
			}
		})
	}
}

func TestAbandonedMigrationIsPurged(t *testing.T) {
	t.Parallel()
	b := setup(t).withHoldings()
	delete(b.temporal.runs, "a")
	delete(b.bucket.objects, "ferry/"+migration.Key("a", migration.FileSummary))
	requireEnd(t, b.run("purge", "a", "--yes", "--abandoned"), exitOK, "it was purged on", "")
}

func TestPurgeAsksAtATerminalOnly(t *testing.T) {
	t.Parallel()
	b := setup(t).withHoldings()
	requireEnd(t, b.run("purge", "a"), exitUsage, "", "--yes is missing")
	for typed, code := range map[string]int{"b\n": exitRefused, "": exitRefused, "a\n": exitOK} {
		b := setup(t).withHoldings()
		r := b.atTerminal(typed, "purge", "a")
		require.Equal(t, code, r.code, "%q: %s", typed, r.errors)
		require.Contains(t, r.errors, "outcomes/", "what is at stake is shown before the question")
		_, left := b.bucket.objects["ferry/migrations/a/records.ndjson"]
		require.Equal(t, code != exitOK, left)
	}
}

// atTerminal runs a command line for a person who types.
func (b *bundle) atTerminal(typed string, args ...string) ran {
	var out, errs bytes.Buffer
	a := &app{Streams: Streams{In: strings.NewReader(typed), Out: &out, Err: &errs, Env: b.env, InTerminal: true}}
	a.connect = func(_ context.Context, c *config.Config, _ []string) (*connection, error) {
		return &connection{config: c, engine: b.temporal, store: b.bucket, past: operator.NewArchive(b.bucket), close: func() {}}, nil
	}
	code := run(b.ctx, args, a)
	return ran{code, out.String(), errs.String()}
}

func TestDryRunOfAPurgeDeletesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t).withHoldings()
	before := len(b.bucket.objects)
	r := b.run("purge", "a", "--dry-run")
	requireEnd(t, r, exitOK, "to be deleted: 4 objects, 32 B", "")
	require.Contains(t, r.out, "2 objects", "the outcomes are one line")
	require.Len(t, b.bucket.objects, before)
}

func TestInterruptedQuestionEndsThePurge(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	terminal, nobody := io.Pipe() // at which nobody types
	defer nobody.Close()
	_, err := readLine(ctx, terminal)
	require.ErrorIs(t, err, context.Canceled)
}

func TestStatusDoesWithoutTheStore(t *testing.T) {
	t.Parallel()
	b := setup(t).withHoldings()
	b.bucket.put("ferry", migration.Key("a", migration.FilePurged), "not JSON")
	requireEnd(t, b.run("status", "a"), exitOK, "COMPLETED_WITH_FAILURES", "whether it was purged can't be told")
}
