package integration

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"

	"github.com/f0a90b9a/ferry/activities"
	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/migrationfile"
	"github.com/f0a90b9a/ferry/internal/sandbox"
	"github.com/f0a90b9a/ferry/workflows"
)

func TestMigrationTerminatedWhileImportingHasNothingToRebuild(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	b := s.newBarrier(http.MethodGet, "/import.json")
	s.startWorkerBehind(b)
	s.start("import", inputFor(s.upload("import.json", activeRecords(t, s.bucket, 20))))
	b.await()
	s.terminate("import")
	for _, args := range [][]string{{"reports", s.id("import"), "--rebuild"}, {"reports", s.id("import")}, {"reload", s.id("import")}} {
		code, stdout, stderr := s.ferry(args...)
		require.Equal(t, 7, code, stderr)
		require.Contains(t, stderr, "its import had not ended, so nothing was sent to the target")
		require.Empty(t, stdout)
	}
	code, stdout, stderr := s.ferry("status", s.id("import"))
	require.Zero(t, code, stderr)
	require.Contains(t, stdout, "INTERRUPTED")
	require.Zero(t, s.stats().Calls["create"])
	b.release()
}

// failing is a file of which of four records one is migrated, one fails at
// create, and two fail half-way. Each is some 50 KB, so that megabytes are under
// way when something happens to a report.
func (s *stack) failing(records int) []byte {
	s.t.Helper()
	all := decodeRecords(s.t, activeRecords(s.t, s.bucket, records))
	for i, r := range all {
		r["extensionData"] = strings.Repeat("x", 50_000)
		switch i % 4 {
		case 1:
			r["productKey"] = "nova-fail-create"
		case 2, 3:
			r["productKey"] = "nova-fail-activate"
		}
	}
	return encodeRecords(s.t, all)
}

func (s *stack) failingInput(id string, records int) workflows.MigrateFileInput {
	in := inputFor(s.upload(id+".json", s.failing(records)))
	in.Waves = new(false)
	in.Limits = &workflows.LimitsInput{ErrorRate: new(0.0), Consecutive: new(0)}
	return in
}

// reportFiles are the reload and error files, if they are there.
func (s *stack) reportFiles(id string) map[string]string {
	s.t.Helper()
	out := map[string]string{}
	prefix := migration.Key(s.id(id), "")
	for o, err := range s.store.List(s.ctx, s.bucket, prefix) {
		require.NoError(s.t, err)
		name := strings.TrimPrefix(o.Location.Key, prefix)
		if name == migration.FileReload || name == migration.FileErrors {
			out[name] = string(s.file(id, name))
		}
	}
	return out
}

// writeUninterrupted writes the reports once more, without any trouble, and
// gives them.
func (s *stack) writeUninterrupted(id string, opened int) map[string]string {
	s.t.Helper()
	for _, name := range []string{migration.FileReload, migration.FileErrors} {
		require.NoError(s.t, s.store.Delete(s.ctx, s.store.Work(migration.Key(s.id(id), name))))
	}
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(sdklog.NewStructuredLogger(testLog()))
	env := suite.NewTestActivityEnvironment()
	env.SetTestTimeout(time.Minute)
	env.SetWorkerOptions(worker.Options{BackgroundActivityContext: s.ctx})
	activities.New(activities.Options{Store: s.store, Namespace: "default"}).Register(env)
	_, err := env.ExecuteActivity(activities.WriteReportsName, activities.WriteReportsInput{
		Migration: s.id(id), Opened: opened, Code: fault.CodeAborted,
	})
	require.NoError(s.t, err)
	return s.reportFiles(id)
}

// batches is how many a migration has.
func (s *stack) batches(id string) int {
	s.t.Helper()
	var plan struct{ Batches int }
	require.NoError(s.t, json.Unmarshal(s.file(id, migration.FilePlan), &plan))
	return plan.Batches
}

func TestReportsOfAKilledWorkerAreCompleteAndIdentical(t *testing.T) {
	t.Parallel()
	const records = 80
	s := newStack(t)
	b := s.newBarrier(http.MethodGet, migration.OutcomesFile(4))
	first := s.spawnWorkerBehind(b)
	run := s.start("killed", s.failingInput("killed", records))
	b.await()
	s.kill(first)
	b.release()
	require.Equal(t, 4, s.batches("killed"), "the worker was killed in the middle")
	require.Empty(t, s.reportFiles("killed"), "nothing is to be seen of a report in the making")

	s.startWorker()
	sum := s.result(run)
	require.Equal(t, migration.CompletedWithFailures, sum.Result, "%+v", sum)
	require.Equal(t, records*3/4, sum.Outcomes.Failed)
	require.Equal(t, records/2, sum.Partial)
	got := s.reportFiles("killed")
	require.Len(t, decodeRecords(t, []byte(got[migration.FileReload])), records*3/4)
	require.Equal(t, s.writeUninterrupted("killed", s.batches("killed")), got)
}

// spawnWorkerBehind starts a worker process whose store is behind a barrier.
func (s *stack) spawnWorkerBehind(b *barrier) *exec.Cmd {
	s.t.Helper()
	spec, err := json.Marshal(workerChild{
		Temporal: shared.temporal.HostPort, Queue: s.queue, Target: s.target, Store: b.options(),
	})
	require.NoError(s.t, err)
	cmd := exec.CommandContext(s.ctx, os.Args[0])
	cmd.Env = append(os.Environ(), workerChildVar+"="+string(spec))
	cmd.Stderr = os.Stderr
	require.NoError(s.t, cmd.Start())
	s.t.Cleanup(func() { s.kill(cmd) })
	return cmd
}

func TestMigrationTerminatedWhileReporting(t *testing.T) {
	t.Parallel()
	const records = 80
	s := newStack(t)
	b := s.newBarrier(http.MethodGet, migration.OutcomesFile(3))
	s.startWorkerBehind(b)
	s.start("reporting", s.failingInput("reporting", records))
	b.await()
	s.terminate("reporting")
	b.release()
	sum := s.rebuild("reporting")
	require.Equal(t, migration.Outcomes{Migrated: records / 4, Failed: records * 3 / 4}, sum.Outcomes)
	require.Equal(t, fault.CodeNotAvailable, sum.Errors[0].Code, "what the batches knew is kept")
	s.summarised("reporting", sum)
	s.clean(sum)
	got := s.reportFiles("reporting")
	require.Len(t, decodeRecords(t, []byte(got[migration.FileReload])), records*3/4)
	require.Equal(t, s.writeUninterrupted("reporting", s.batches("reporting")), got)

	require.NoError(t, s.books.ChangeFaults(func(f *sandbox.Faults) error { f.Refusals = nil; return nil }))
	s.completes("reporting", records, records*3/4)
}

func TestMigrationTerminatedWhileReconciling(t *testing.T) {
	t.Parallel()
	const records = 60
	s := newStack(t)
	b := s.newBarrier(http.MethodPut, migration.FileCorrelation)
	s.startWorkerBehind(b)
	s.start("reconciling", inputFor(s.upload("reconciling.json", activeRecords(t, s.bucket, records))))
	b.await()
	s.terminate("reconciling")
	b.release()
	sum := s.rebuild("reconciling")
	require.Equal(t, migration.Outcomes{Migrated: records}, sum.Outcomes)
	require.Equal(t, records, *sum.Statuses.Active.Found)
	require.NotContains(t, sum.Files, migration.FileReload)
	require.Empty(t, s.reportFiles("reconciling"))
	require.Len(t, lines(s.file("reconciling", migration.FileCorrelation)), records+1)
	s.agrees("reconciling", sum)
	s.clean(sum)
	code, _, stderr := s.ferry("reload", s.id("reconciling"))
	require.Equal(t, 7, code, stderr)
	require.Contains(t, stderr, "nothing to reload")
}

// A worker that is killed leaves records between two steps. A rebuilding that is
// itself ended in the middle goes on where it was, and one that is repeated
// writes the same bytes.
func TestRebuildingMayBeInterruptedAndRepeated(t *testing.T) {
	t.Parallel()
	const records = 200
	s := newStack(t)
	s.slow(300)
	first := s.spawnWorker()
	in := inputFor(s.upload("again.json", generate(t, migrationfile.GenOptions{
		Records: records, Seed: 12, Prefix: s.bucket, OnlyStatus: entitlement.Suspended,
	})))
	in.Waves = new(false)
	in.Concurrency = &workflows.ConcurrencyInput{Batches: new(4), PerBatch: new(10)}
	s.start("again", in)
	require.Eventually(t, func() bool {
		done := s.stats().Effective
		return done["suspend"] > 10 && done["create"] > done["suspend"]+5
	}, longWait, tick)
	s.kill(first)
	s.terminate("again")
	s.slow(0)

	last := s.batches("again")
	b := s.newBarrier(http.MethodPut, migration.OutcomesFile(last-1))
	s.startWorkerBehind(b)
	ended := make(chan int, 1)
	go func() {
		code, _, _ := s.ferry("reports", s.id("again"), "--rebuild", "--settle", settle)
		ended <- code
	}()
	b.await()
	require.NoError(t, s.client.TerminateWorkflow(s.ctx, workflows.RebuildID(s.id("again")), "", "by hand"))
	require.Equal(t, 5, <-ended)
	b.release()
	sum := s.rebuild("again")
	s.agrees("again", sum)
	s.clean(sum)
	t.Logf("rebuilt: %+v, %d half-way", sum.Outcomes, sum.Partial)
	require.Positive(t, sum.Outcomes.Migrated)
	require.Positive(t, sum.Outcomes.NotAttempted)
	require.Positive(t, sum.Partial)

	before := s.everyFile("again")
	require.Greater(t, len(before), last)
	s.rebuildAgain("again")
	require.Equal(t, before, s.everyFile("again"))
	s.completes("again", records, records-sum.Outcomes.Migrated)
}

// everyFile reads all that a migration has written.
func (s *stack) everyFile(id string) map[string]string {
	s.t.Helper()
	out := map[string]string{}
	prefix := migration.Key(s.id(id), "")
	for o, err := range s.store.List(s.ctx, s.bucket, prefix) {
		require.NoError(s.t, err)
		name := strings.TrimPrefix(o.Location.Key, prefix)
		out[name] = string(s.file(id, name))
	}
	return out
}

// rebuildAgain runs the last rebuilding's workflow once more, with its input.
func (s *stack) rebuildAgain(id string) {
	s.t.Helper()
	first := s.history(workflows.RebuildID(s.id(id)))[0].GetWorkflowExecutionStartedEventAttributes()
	var in workflows.RebuildReportsInput
	require.NoError(s.t, converter.GetDefaultDataConverter().FromPayloads(first.GetInput(), &in))
	run, err := s.client.ExecuteWorkflow(s.ctx, client.StartWorkflowOptions{
		ID: workflows.RebuildID(s.id(id)), TaskQueue: s.queue,
	}, workflows.RebuildReportsName, in)
	require.NoError(s.t, err)
	require.NoError(s.t, run.Get(s.ctx, nil))
}
