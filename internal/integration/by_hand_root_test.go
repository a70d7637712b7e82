package integration

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/workflows"
)

// storing matches calls of the S3 server for one of a migration's files.
func storing(s *stack, id, file string) func(*http.Request) bool {
	return func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, migration.Key(s.id(id), file)) }
}

// cancelRoot asks a migration to end, as the button of the Temporal UI does.
func (s *stack) cancelRoot(id string) {
	s.t.Helper()
	require.NoError(s.t, s.client.CancelWorkflow(s.ctx, s.id(id), ""))
	s.happens(s.id(id), enums.EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED)
}

// upTo starts a migration of ten records that stands in a phase; the stop holds
// it there.
func (s *stack) upTo(g gates, id string, phase migration.Phase) (client.WorkflowRun, *stop) {
	s.t.Helper()
	in := inputFor(s.upload(id+".json", activeRecords(s.t, s.bucket+"-"+id, 10)))
	in.Waves = new(false)
	nothing := func(*http.Request) bool { return false }
	at := g.target.hold(nothing)
	switch phase {
	case migration.Checking:
		at = g.target.hold(calls(http.MethodGet, "/v1/route/"))
	case migration.Importing:
		at = g.store.hold(storing(s, id, migration.FileRecords))
	case migration.AwaitingApproval:
		in.RequireApproval = new(true)
	case migration.Migrating:
		at = g.target.hold(about(calls(http.MethodPost, "/v1/entitlement"), s.bucket+"-"+id+"-000010"))
	case migration.Reporting:
		at = g.store.hold(storing(s, id, migration.OutcomesFile(1)))
		at.match = get(at.match)
	case migration.Reconciling:
		at = g.store.hold(storing(s, id, migration.FileCorrelation))
	}
	s.t.Cleanup(at.lift)
	run := s.start(id, in)
	s.in(id, phase)
	if phase != migration.AwaitingApproval {
		at.caught(s.t)
	}
	return run, at
}

func get(match func(*http.Request) bool) func(*http.Request) bool {
	return func(r *http.Request) bool { return r.Method == http.MethodGet && match(r) }
}

func TestRootCancelledByHandIsAnAbort(t *testing.T) {
	t.Parallel()
	s, g := gated(t)
	for phase, want := range map[migration.Phase]workflows.Summary{
		migration.Checking:         {Result: migration.Aborted},
		migration.Importing:        {Result: migration.Aborted},
		migration.AwaitingApproval: {Result: migration.Aborted, Outcomes: migration.Outcomes{NotAttempted: 10}},
		migration.Migrating:        {Result: migration.Aborted, Outcomes: migration.Outcomes{Migrated: 10}},
		migration.Reporting:        {Result: migration.Completed, Outcomes: migration.Outcomes{Migrated: 10}},
		migration.Reconciling:      {Result: migration.Completed, Outcomes: migration.Outcomes{Migrated: 10}},
	} {
		id := strings.ToLower(string(phase))
		run, at := s.upTo(g, id, phase)
		s.cancelRoot(id)
		at.lift()
		sum := s.result(run)
		require.Equal(t, want.Result, sum.Result, "%s: %+v", phase, sum)
		if phase == migration.Importing && sum.Records > 0 { // it was over before it heard
			want.Outcomes.NotAttempted = 10
		}
		require.Equal(t, want.Outcomes, sum.Outcomes, "%s: %+v", phase, sum)
		require.Contains(t, string(s.file(id, migration.FileSummary)), `"result": "`+string(want.Result)+`"`)
	}
	s.once()
}

func TestRootCancelledWhileItIsPaused(t *testing.T) {
	t.Parallel()
	s, g := gated(t)
	victims, run := s.withVictims(g, "paused", waiting, inDoubt, halfWay)
	_, err := s.ask("paused", workflows.UpdatePause, kim(""))
	require.NoError(t, err)
	s.cancelRoot("paused")
	sum := s.result(run)
	require.Equal(t, migration.Aborted, sum.Result, "%+v", sum)
	require.Equal(t, byHand{Fate: migration.NotAttempted, Code: fault.CodeAborted}, victims[0].fate("paused"))
	require.Equal(t, byHand{Fate: migration.Failed, Code: fault.CodeInterrupted}, victims[1].fate("paused"))
	require.Equal(t, byHand{Fate: migration.Failed, Code: fault.CodeInterrupted, Partial: true}, victims[2].fate("paused"))
	require.Equal(t, migration.Outcomes{Migrated: 2, Failed: 2, NotAttempted: 2}, sum.Outcomes)
	for _, v := range victims {
		v.caught.lift()
	}
	s.reloads("paused", victims)
}

func TestRootTerminatedByHandStopsItsCalls(t *testing.T) {
	t.Parallel()
	s, g := gated(t)
	victims, _ := s.withVictims(g, "terminated", waiting, halfWay, creating, activating)
	require.NoError(t, s.client.TerminateWorkflow(s.ctx, s.id("terminated"), "", "by hand"))
	s.happens(workflows.BatchID(s.id("terminated"), 1), enums.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED)
	for _, v := range victims {
		s.happens(v.workflow, enums.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED)
		v.caught.lift()
	}
	s.settled()
	// A record in a call may go on to its end before its worker hears of it.
	require.LessOrEqual(t, s.stats().Calls["create"], int64(7), "the eighth is not begun")
	require.Empty(t, s.at(s.bucket+"-terminated-000008"))
	require.Empty(t, s.at(victims[0].external), "what waited is over")
	require.Equal(t, []entitlement.Status{entitlement.Pending}, s.at(victims[1].external))

	again := inputFor(s.upload("once-more.json", s.file("terminated", migration.FileRecords)))
	sum := s.migrate("once-more", again)
	require.Equal(t, migration.Completed, sum.Result, "%+v", sum)
	s.once()
}
