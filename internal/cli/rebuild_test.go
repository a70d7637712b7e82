package cli

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/operator"
)

// withTerminated has a migration that was terminated while it wrote these
// files.
func (b *bundle) withTerminated(files ...string) *bundle {
	b.temporal.runs["a"] = operator.Run{ID: "a", File: uri, State: operator.Terminated, ClosedAt: at(11)}
	for _, name := range files {
		b.bucket.put("ferry", migration.Key("a", name), "{}")
	}
	return b
}

func (b *bundle) withPlan() *bundle {
	return b.withTerminated(migration.FileClaim, migration.FileBatches, migration.FilePlan, migration.OutcomesFile(1))
}

func TestReportsOfATerminatedMigrationSayWhatToDo(t *testing.T) {
	t.Parallel()
	b := setup(t).withPlan()
	requireEnd(t, b.run("reports", "a"), exitRefused, "", "make them with 'ferry reports a --rebuild'")
	requireEnd(t, b.run("reload", "a"), exitRefused, "", "make them with 'ferry reports a --rebuild'")
	require.Empty(t, b.temporal.rebuilt, "nothing is started that was not asked for")
}

func TestRebuildMakesTheFilesAndShowsThem(t *testing.T) {
	t.Parallel()
	b := setup(t).withPlan()
	b.temporal.results["a/reports"] = result{summary: migration.Summary{Migration: "a", Phase: migration.Done, Result: migration.Interrupted}}
	b.temporal.onResult = func() {
		b.bucket.put("ferry", migration.Key("a", migration.FileReload), "[left over]")
		b.bucket.put("ferry", migration.Key("a", migration.FileSummary), "{}")
	}
	requireEnd(t, b.run("reports", "a", "--rebuild"), exitOK, "s3://ferry/migrations/a/reload.json", "DONE")
	require.Equal(t, []string{"a"}, b.temporal.rebuilt)
	require.Nil(t, b.temporal.settle, "how long calls may be under way is known to those who know the workers")

	requireEnd(t, b.run("reports", "a", "--rebuild"), exitOK, "reload.json", "")
	require.Len(t, b.temporal.rebuilt, 1, "what is there is not made again")
}

func TestRebuildTakesTheOperatorsWordForWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	b := setup(t).withPlan()
	b.temporal.results["a/reports"] = result{}
	b.run("reports", "a", "--rebuild", "--settle", "0s")
	require.Equal(t, new(time.Duration), b.temporal.settle)
	requireEnd(t, b.run("reports", "a", "--settle", "5s"), exitUsage, "", "goes with --rebuild")
	requireEnd(t, b.run("reports", "a", "--rebuild", "--settle", "-5s"), exitUsage, "", "is a duration")
}

func TestRebuildIsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*bundle)
		code   int
		says   string
	}{
		"while it runs": {func(b *bundle) { b.temporal.runs["a"] = running("a") }, exitRefused, "still running"},
		"while its batches run": {func(b *bundle) {
			b.temporal.rebuildEr = fmt.Errorf("migration a: rebuild: %w: 12 of its batches", operator.ErrRefused)
		}, exitRefused, "12 of its batches"},
		"before its import ended": {func(b *bundle) {
			delete(b.bucket.objects, "ferry/"+migration.Key("a", migration.FilePlan))
		}, exitRefused, "nothing was sent to the target"},
		"without Temporal's word": {func(b *bundle) { delete(b.temporal.runs, "a") }, exitRefused, "nobody can tell"},
		"without a trace":         {func(b *bundle) { b.temporal.runs, b.bucket.objects = nil, nil }, exitUnable, "no such migration"},
		"after a dry run": {func(b *bundle) {
			b.temporal.results["a/reports"] = result{err: &operator.FailedError{Migration: "a/reports", Code: fault.CodeBadInput, Message: "it was a dry run"}}
		}, exitRefused, "it was a dry run"},
		"of changed files": {func(b *bundle) {
			b.temporal.results["a/reports"] = result{err: &operator.FailedError{Migration: "a/reports", Code: fault.CodeStoreFault, Message: "changed"}}
		}, exitUnable, "STORE_FAULT: changed"},
		"for want of an answer": {func(b *bundle) { b.temporal.rebuildEr = errors.New("no connection") }, exitUnable, "no connection"},
		"without a bucket":      {func(b *bundle) { b.bucket, b.env = nil, nil }, exitUnable, "set s3.work_bucket"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t).withPlan()
			c.change(b)
			requireEnd(t, b.run("reports", "a", "--rebuild"), c.code, "", c.says)
		})
	}
}

func TestRebuildGoesOnWithoutItsWatcher(t *testing.T) {
	t.Parallel()
	b := setup(t).withPlan()
	b.ctx, b.temporal.onResult = context.WithCancel(t.Context())
	requireEnd(t, b.run("reports", "a", "--rebuild"), exitInterrupted, "", "goes on without you")
}

// What was rebuilt is shown as what it is, with its counts.
func TestRebuiltMigrationIsShownAsInterrupted(t *testing.T) {
	t.Parallel()
	b := setup(t).withPlan()
	b.temporal.results["a"] = result{err: &operator.InterruptedError{Migration: "a", How: "terminated"}}
	b.putSummary(t, migration.Summary{
		Migration: "a", File: uri, Route: "acme-nova", Phase: migration.Done, Result: migration.Interrupted, Records: 9,
		Outcomes: migration.Outcomes{Migrated: 5, NotAttempted: 4},
	})
	b.bucket.put("ferry", migration.Key("a", migration.FileReload), "[left over]")
	s := asSummary(t, b.run("status", "a", "--json"))
	require.Equal(t, migration.Interrupted, s.Result)
	require.Equal(t, migration.Outcomes{Migrated: 5, NotAttempted: 4}, s.Outcomes)
	requireEnd(t, b.run("list"), exitOK, "INTERRUPTED", "")
	requireEnd(t, b.run("reload", "a"), exitOK, "a-reload-1", "Copied")
}
