package cli

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/cli/view"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/operator"
)

// A start that failed, for a mistyped route say, is followed by another under
// its id.
func TestListHasAnIDOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.temporal.runs["the former"] = operator.Run{ID: "a", State: operator.Failed, Route: "acme-nvoa", StartedAt: at(9)}
	b.temporal.runs["a"] = operator.Run{ID: "a", State: operator.Open, Route: "acme-nova", StartedAt: at(10)}
	for range 5 { // they come in any order
		var entries []view.Entry
		r := b.run("list", "--json")
		require.NoError(t, json.Unmarshal([]byte(r.out), &entries), r.errors)
		require.Len(t, entries, 1)
		require.Equal(t, "acme-nova", entries[0].Route)
		require.Equal(t, "RUNNING", entries[0].State)
	}
}

// A list has the words of the status: what waits for a person doesn't run, and
// what could not begin was ended by nobody.
func TestListSaysHowEachStands(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for id, phase := range map[string]migration.Phase{
		"paused": migration.Paused, "waits": migration.AwaitingApproval, "goes-on": migration.Migrating, "pausing": migration.Stopping,
	} {
		b.temporal.runs[id] = running(id)
		b.temporal.progress[id] = migration.Summary{Migration: id, Phase: phase, Records: 1234}
	}
	b.temporal.runs["wrong-key"] = operator.Run{ID: "wrong-key", State: operator.Failed, StartedAt: at(9), ClosedAt: at(9)}
	b.temporal.results["wrong-key"] = result{err: &operator.FailedError{Migration: "wrong-key", Code: "ROUTE_UNKNOWN", Message: "no route acme-nvoa"}}
	b.temporal.runs["by-force"] = operator.Run{ID: "by-force", State: operator.Terminated, StartedAt: at(8), ClosedAt: at(9)}
	b.temporal.results["by-force"] = result{err: &operator.InterruptedError{Migration: "by-force", How: "terminated"}}

	var entries []view.Entry
	r := b.run("list", "--json")
	require.NoError(t, json.Unmarshal([]byte(r.out), &entries), r.errors)
	states := map[string]string{}
	for _, e := range entries {
		states[e.Migration] = e.State
	}
	require.Equal(t, map[string]string{
		"paused": "PAUSED", "waits": "AWAITING_APPROVAL", "goes-on": "RUNNING", "pausing": "RUNNING",
		"wrong-key": "NOT_STARTED", "by-force": "INTERRUPTED",
	}, states)
	text := b.run("list").out
	for _, word := range []string{"PAUSED", "MIGRATING", "STOPPING", "1234", "NOT_STARTED (wrong-key: ROUTE_UNKNOWN: no route acme-nvoa)", "INTERRUPTED"} {
		require.Contains(t, text, word)
	}
}

func TestListWithoutAWorkerSaysWhatItCannotTell(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.temporal.polls = false
	b.temporal.runs["a"] = running("a")
	requireEnd(t, b.run("list"), exitOK, "RUNNING", "no worker is polling task queue ferry")
}

func TestListSaysThatThereAreMore(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, id := range []string{"a", "b", "c"} {
		b.temporal.runs[id] = running(id)
		b.temporal.progress[id] = migration.Summary{Migration: id, Phase: migration.Migrating}
	}
	requireEnd(t, b.run("list", "--limit", "3"), exitOK, "MIGRATION", "")
	r := b.run("list", "--limit", "2")
	requireEnd(t, r, exitOK, "MIGRATION", "only the latest 2 migrations are shown; --limit N shows more")
	require.Equal(t, 3, strings.Count(r.out, "\n"))
}
