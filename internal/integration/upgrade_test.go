package integration

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"

	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/workflows"
)

// edit replaces one piece of a workflow's source in another build.
type edit struct{ file, old, with string }

// A wait at the begin of each record is a change that no history from before
// can be replayed with; versioned, one can.
var (
	recordWaits = edit{
		"entitlement.go", "\tr := newRecordRun(ctx, in)\n",
		"\t_ = workflow.Sleep(ctx, time.Millisecond)\n\tr := newRecordRun(ctx, in)\n",
	}
	recordWaitsVersioned = edit{
		recordWaits.file, recordWaits.old,
		"\tif workflow.GetVersion(ctx, \"wait\", workflow.DefaultVersion, 1) == 1 {\n\t\t_ = workflow.Sleep(ctx, time.Millisecond)\n\t}\n" + recordWaits.old,
	}
	rootMarksVersioned = edit{
		"file_batches.go", "\tr.open = slices.DeleteFunc(",
		"\tworkflow.GetVersion(r.ctx, \"close \"+BatchID(r.id, b.Number), workflow.DefaultVersion, 1)\n\tr.open = slices.DeleteFunc(",
	}
)

// overlay gives the flag with which the go tool sees edited sources.
func overlay(t *testing.T, edits ...edit) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("..", "..", "workflows"))
	require.NoError(t, err)
	replace := map[string]string{}
	for _, e := range edits {
		source, err := os.ReadFile(filepath.Join(dir, e.file))
		require.NoError(t, err)
		require.Equal(t, 1, strings.Count(string(source), e.old), "%s has the place that is edited", e.file)
		edited := filepath.Join(t.TempDir(), e.file)
		require.NoError(t, os.WriteFile(edited, []byte(strings.Replace(string(source), e.old, e.with, 1)), 0o600))
		replace[filepath.Join(dir, e.file)] = edited
	}
	list, err := json.Marshal(map[string]any{"Replace": replace})
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "overlay.json")
	require.NoError(t, os.WriteFile(file, list, 0o600))
	return "-overlay=" + file
}

// With versions, records and batches end on the build they began with, so that
// they may change as they like; the root goes over to the new build, and its
// changes are versioned in code.
func TestUpgradeToAnotherVersionWhileAMigrationRuns(t *testing.T) {
	one, two := buildWorker(t), buildWorker(t, overlay(t, recordWaits, rootMarksVersioned))
	s := newStack(t)
	s.unhurried(t)
	version := func(build string) []string {
		return []string{"FERRY_TEMPORAL_DEPLOYMENT_NAME=" + s.queue, "FERRY_TEMPORAL_BUILD_ID=" + build}
	}
	g := &gate{next: proxy(t, s.target)}
	s.target = serve(t, g)
	old := s.launch(one, version("one")...)
	require.Eventually(t, func() bool {
		return strings.Contains(old.log.String(), "set-current-version --deployment-name "+s.queue+" --build-id one")
	}, longWait, tick, "the worker says that no version is current")
	s.setCurrent("one")
	first := s.halfWay(t, "first")

	// The first batch can't end before the new build is current.
	creates := g.hold(func(r *http.Request) bool { return r.Method == http.MethodPost && r.URL.Path == "/v1/entitlement" })
	t.Cleanup(creates.lift)
	s.launch(two, version("two")...)
	s.setCurrent("two")
	creates.lift()
	require.Eventually(t, func() bool { return s.closed(workflows.BatchID(first.GetID(), 1)) }, longWait, tick, s.last)
	old.terminate()
	old.drained()

	s.upgraded(t, first, func(records []bool) {
		require.False(t, records[0], "the first batch ended on the build it began with")
		require.True(t, records[len(records)-1], "the last batch ran on the new build")
	})
}

// Without versions, old and new workers share the work for a while, and every
// change must be versioned in code.
func TestUpgradeWithoutVersionsWhileAMigrationRuns(t *testing.T) {
	one, two := buildWorker(t), buildWorker(t, overlay(t, recordWaitsVersioned, rootMarksVersioned))
	s := newStack(t)
	s.unhurried(t)
	old := s.launch(one)
	first := s.halfWay(t, "first")
	old.terminate()
	old.drained()
	s.launch(two)
	s.upgraded(t, first, func(records []bool) {
		require.False(t, records[0])
		require.True(t, records[len(records)-1])
	})
}

// Stored histories tell whether a build can go on with what others have begun,
// before anybody runs it.
func TestReplayTellsWhetherAnUpgradeIsSafe(t *testing.T) {
	replay := func(edits ...edit) (string, error) {
		cmd := exec.CommandContext(t.Context(), "go", "test", overlay(t, edits...), "-run", "^TestStoredHistoriesReplay$", "./workflows")
		cmd.Dir = filepath.Join("..", "..")
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	out, err := replay(recordWaitsVersioned, rootMarksVersioned)
	require.NoError(t, err, out)
	out, err = replay(recordWaits)
	require.Error(t, err)
	require.Contains(t, out, "nondeterministic")
}

const upgradedRecords = 80

// halfWay starts a migration and waits until its first batch is in the middle.
func (s *stack) halfWay(t *testing.T, id string) client.WorkflowRun {
	t.Helper()
	s.slow(20)
	in := inputFor(s.upload(id+".json", activeRecords(t, s.bucket+"-"+id, upgradedRecords)))
	in.Waves = new(false)
	in.Concurrency = &workflows.ConcurrencyInput{Batches: new(1), PerBatch: new(4)}
	run := s.start(id, in)
	require.Eventually(t, func() bool { return s.stats().Effective["activate"] > 10 }, longWait, tick, s.last)
	require.Less(t, s.stats().Effective["activate"], int64(50), "the first batch is not over")
	return run
}

// upgraded holds a migration that saw both builds, and a second one on the new
// build, to what they must come to.
func (s *stack) upgraded(t *testing.T, first client.WorkflowRun, check func(waited []bool)) {
	t.Helper()
	sum := s.result(first)
	require.Equal(t, migration.Completed, sum.Result, "%+v", sum)
	require.Equal(t, upgradedRecords, sum.Outcomes.Migrated)
	last := "close " + workflows.BatchID(first.GetID(), 2)
	require.True(t, marked(s.history(first.GetID()), last), "the root went over to the new build")
	check(s.waited(s.bucket+"-first", upgradedRecords))

	again := s.migrate("second", inputFor(s.upload("second.json", activeRecords(t, s.bucket+"-second", 20))))
	require.Equal(t, migration.Completed, again.Result, "%+v", again)
	for _, waited := range s.waited(s.bucket+"-second", 20) {
		require.True(t, waited, "the second migration runs on the new build alone")
	}
	books := s.stats()
	require.EqualValues(t, upgradedRecords+20, books.Effective["create"])
	require.EqualValues(t, upgradedRecords+20, books.Effective["activate"])
	require.Zero(t, books.Replayed)
	require.Zero(t, books.DuplicateExternalIDs)
}

// waited tells for each record of a file whether it ran on the build that lets
// records wait.
func (s *stack) waited(prefix string, records int) []bool {
	s.t.Helper()
	var out []bool
	for _, r := range decodeRecords(s.t, activeRecords(s.t, prefix, records)) {
		id := workflows.EntitlementID("acme-nova", r["externalEntitlementId"].(string))
		out = append(out, has(s.history(id), enums.EVENT_TYPE_TIMER_STARTED))
	}
	return out
}

// marked reports whether a history has the marker of a change of the code.
func marked(events []*history.HistoryEvent, change string) bool {
	for _, e := range events {
		for _, p := range e.GetMarkerRecordedEventAttributes().GetDetails()["change-id"].GetPayloads() {
			if string(p.GetData()) == `"`+change+`"` {
				return true
			}
		}
	}
	return false
}

func has(events []*history.HistoryEvent, kind enums.EventType) bool {
	for _, e := range events {
		if e.GetEventType() == kind {
			return true
		}
	}
	return false
}

// setCurrent does what an operator does: makes a version current, which the
// server refuses until its workers have come.
func (s *stack) setCurrent(build string) {
	s.t.Helper()
	deployment := s.client.WorkerDeploymentClient().GetHandle(s.queue)
	var err error
	require.Eventually(s.t, func() bool {
		_, err = deployment.SetCurrentVersion(s.ctx, client.WorkerDeploymentSetCurrentVersionOptions{BuildID: build})
		return err == nil
	}, longWait, tick, "%s does not become current", build)
	require.NoError(s.t, err)
}

// closed reports whether a workflow has ended.
func (s *stack) closed(id string) bool {
	answer, err := s.client.DescribeWorkflowExecution(s.ctx, id, "")
	return err == nil && answer.GetWorkflowExecutionInfo().GetStatus() != enums.WORKFLOW_EXECUTION_STATUS_RUNNING
}
