package integration

import (
	"bytes"
	"io"
	"net/http"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/workflows"
)

// An abort doesn't wait for a target that is away: not with its records, and
// not with reading back what was migrated.
func TestRootCancelledWhileTheTargetIsAway(t *testing.T) {
	t.Parallel()
	s, g := gated(t, func(s *stack) { s.settings.HoldAfterSeconds = 1 })
	last := regexp.MustCompile(`-00000[6-9]"|-000010"`)
	some := g.target.refuse(func(r *http.Request) bool {
		if r.URL.Path != "/v1/entitlement" || r.Method != http.MethodPost {
			return false
		}
		body, err := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		return err == nil && last.Match(body)
	}, unavailable)
	in := inputFor(s.upload("away.json", activeRecords(t, s.bucket+"-away", 10)))
	in.Waves = new(false)
	run := s.start("away", in)
	some.caught(t)
	require.Eventually(t, func() bool { return s.stats().Effective["activate"] == 5 }, longWait, tick)
	g.target.refuse(calls("", "/v1/"), unavailable)
	s.in("away", migration.Paused)
	s.cancelRoot("away")
	sum := s.result(run)
	require.Equal(t, migration.Aborted, sum.Result, "%+v", sum)
	require.Equal(t, 5, sum.Outcomes.Migrated)
	require.NotContains(t, sum.Files, migration.FileCorrelation)
	require.Contains(t, sum.Reason, "'ferry reconcile "+sum.Migration+"' does it later")
	require.Len(t, decodeRecords(t, s.file("away", migration.FileReload)), 5)
}

func unavailable(w http.ResponseWriter, _ *http.Request) {
	w.WriteHeader(http.StatusServiceUnavailable)
}

func TestRootThatIsResetGoesOn(t *testing.T) {
	t.Parallel()
	s, g := gated(t, func(s *stack) { s.settings.BatchSize = 4 })
	victims, run := s.withVictims(g, "migrating", waiting, inDoubt, halfWay, created, activated)
	for _, v := range victims {
		if v.caught.answer != nil {
			v.caught.lift() // it waits for minutes all the same
		}
	}
	// The source may be another by now: what was staged holds.
	s.upload("migrating.json", activeRecords(t, "another", 3))
	s.reset(s.id("migrating"))
	for _, v := range victims {
		v.caught.lift()
	}
	s.afterReset(run, 10)
	for _, v := range victims {
		require.Equal(t, []entitlement.Status{entitlement.Active}, s.at(v.external))
	}
}

// An heir that is aborted at once still tells what the earlier run has done.
func TestRootThatIsResetAndAbortedTellsWhatWasDone(t *testing.T) {
	t.Parallel()
	s, g := gated(t, func(s *stack) { s.settings.BatchSize = 4 })
	victims, run := s.withVictims(g, "aborted", waiting, halfWay, created, activated)
	checking := g.target.hold(calls(http.MethodGet, "/v1/route/"))
	t.Cleanup(checking.lift)
	s.reset(s.id("aborted"))
	checking.caught(t)
	_, err := s.ask("aborted", workflows.UpdateAbort, kim("not again"))
	require.NoError(t, err)
	checking.lift()
	victims[2].caught.lift()
	victims[3].caught.lift()
	sum := s.heirs(run)
	require.Equal(t, migration.Aborted, sum.Result, "%+v", sum)
	require.Equal(t, migration.Migrated, victims[3].outcomeOf("aborted", victims[3].external).Fate)
	require.Equal(t, leftPart, victims[1].fate("aborted"))
	for _, v := range victims {
		v.caught.lift()
	}
	s.reloads("aborted", victims)
}

func TestRootThatIsResetAfterItsBatchesReportsThem(t *testing.T) {
	t.Parallel()
	for _, phase := range []migration.Phase{migration.Reporting, migration.Reconciling} {
		t.Run(string(phase), func(t *testing.T) {
			t.Parallel()
			s, g := gated(t)
			run, at := s.upTo(g, "late", phase)
			s.reset(s.id("late"))
			at.lift()
			s.afterReset(run, 10)
		})
	}
}

// afterReset holds the run that took over to its files and the books.
func (s *stack) afterReset(old client.WorkflowRun, records int) {
	s.t.Helper()
	sum := s.heirs(old)
	require.Equal(s.t, migration.Completed, sum.Result, "%+v", sum)
	require.Equal(s.t, records, sum.Outcomes.Migrated, "what was done before the reset is this run's work: %+v", sum.Outcomes)
	require.NotContains(s.t, sum.Files, migration.FileReload)
	s.clean(sum)
	require.EqualValues(s.t, records, s.stats().Effective["activate"])
}

// heirs is the summary of the run that a reset has put in a run's place.
func (s *stack) heirs(old client.WorkflowRun) workflows.Summary {
	s.t.Helper()
	require.Error(s.t, s.client.GetWorkflow(s.ctx, old.GetID(), old.GetRunID()).Get(s.ctx, nil), "the old run is ended")
	return s.result(s.client.GetWorkflow(s.ctx, old.GetID(), ""))
}
