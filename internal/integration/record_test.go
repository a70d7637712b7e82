package integration

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/temporalproto"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/migrationfile"
	"github.com/f0a90b9a/ferry/internal/sandbox"
	"github.com/f0a90b9a/ferry/workflows"
)

var record = flag.Bool("record", false, "record workflow histories into "+historiesDir)

// historiesDir is the newest folder; those before it are frozen.
const historiesDir = "../../workflows/testdata/histories/v2"

// TestRecordHistories records what the replay tests replay: whole migrations
// that take every turn. It runs on demand alone (make record), on landed code.
func TestRecordHistories(t *testing.T) {
	if !*record {
		t.Skip("records histories only with -record (make record)")
	}
	require.NoError(t, os.RemoveAll(historiesDir))
	require.NoError(t, os.MkdirAll(historiesDir, 0o755))
	recordMixed(notifying(t))
	recordPausedAndAborted(setup(t))
	recordStopped(setup(t))
	recordRefused(setup(t))
	recordHeldAndContinued(setup(t))
	recordRebuiltAndReconciled(setup(t))
}

// notifying gives a stack whose worker tells another system of ends.
func notifying(t *testing.T) *stack {
	t.Helper()
	s, r := newStack(t), newReceiver(t)
	r.turn(true)
	s.startWorker(r.notifies(t))
	return s
}

// recordMixed has successes, failures half-way, waves and a dry run.
func recordMixed(s *stack) {
	file := generate(s.t, migrationfile.GenOptions{Records: 40, Seed: 3, FailShare: 0.1, Prefix: s.bucket})
	uri := s.upload("mixed.json", file)
	dry := inputFor(uri)
	dry.DryRun = true
	s.migrate("dry", dry)
	s.save("file-dry-run", s.id("dry"))

	in := inputFor(uri)
	in.Limits = &workflows.LimitsInput{ErrorRate: new(0.5)}
	sum := s.migrate("mixed", in)
	require.Equal(s.t, migration.CompletedWithFailures, sum.Result)
	s.save("file-mixed", sum.Migration)
	require.NoError(s.t, s.client.GetWorkflow(s.ctx, workflows.NotifyID(sum.Migration), "").Get(s.ctx, nil))
	s.save("notify", workflows.NotifyID(sum.Migration))
	s.save("batch-mixed", workflows.BatchID(sum.Migration, 4))
	s.saveRecords("record", file)

	again := decodeRecords(s.t, file)
	sum = s.migrate("again", workflows.MigrateFileInput{
		File: s.upload("again.json", encodeRecords(s.t, again)), Limits: &workflows.LimitsInput{ErrorRate: new(0.5)},
	})
	require.Positive(s.t, sum.Outcomes.AlreadyMigrated)
	s.save("batch-already", workflows.BatchID(sum.Migration, 2))
}

// saveRecords keeps one record's history of each status and fate.
func (s *stack) saveRecords(name string, file []byte) {
	seen := map[string]bool{}
	for _, r := range decodeRecords(s.t, file) {
		kind := fmt.Sprintf("%s-%s-%s", name, r["status"], r["productKey"])
		if r["productKey"] != "nova-basic" && !isFail(r["productKey"]) || seen[kind] {
			continue
		}
		seen[kind] = true
		s.save(kind, workflows.EntitlementID("acme-nova", r["externalEntitlementId"].(string)))
	}
}

func isFail(product any) bool {
	return len(product.(string)) > len("nova-fail") && product.(string)[:len("nova-fail")] == "nova-fail"
}

// recordPausedAndAborted has every update but approve.
func recordPausedAndAborted(s *stack) {
	s.slow(20)
	in := inputFor(s.upload("steered.json", activeRecords(s.t, s.bucket, 120)))
	in.Waves = new(false)
	in.Concurrency = &workflows.ConcurrencyInput{Batches: new(2), PerBatch: new(3)}
	run := s.start("steered", in)
	require.Eventually(s.t, func() bool { return s.stats().Effective["create"] > 10 }, longWait, tick)
	for _, update := range []string{workflows.UpdatePause, workflows.UpdateResume} {
		_, err := s.ask("steered", update, kim("recording"))
		require.NoError(s.t, err)
	}
	_, err := s.ask("steered", workflows.UpdateSetLimits, workflows.SetLimitsInput{
		OperatorAction: kim(""), Limits: workflows.LimitsInput{Consecutive: new(20)},
	})
	require.NoError(s.t, err)
	_, err = s.ask("steered", workflows.UpdateSetConcurrency, workflows.SetConcurrencyInput{
		OperatorAction: kim(""), Concurrency: workflows.ConcurrencyInput{PerBatch: new(5)},
	})
	require.NoError(s.t, err)
	_, err = s.ask("steered", workflows.UpdateAbort, kim("recording"))
	require.NoError(s.t, err)
	require.Equal(s.t, migration.Aborted, s.result(run).Result)
	s.save("file-steered", s.id("steered"))
	s.save("batch-aborted", workflows.BatchID(s.id("steered"), 1))
}

// recordStopped trips on neighbours, with batches of its own that stop.
func recordStopped(s *stack) {
	file := generate(s.t, migrationfile.GenOptions{
		Records: 120, Seed: 5, Product: "nova-fail-create", OnlyStatus: entitlement.Active, Prefix: s.bucket,
	})
	in := inputFor(s.upload("stopped.json", file))
	in.Waves = new(false)
	sum := s.migrate("stopped", in)
	require.Equal(s.t, migration.StoppedByLimit, sum.Result)
	s.save("file-stopped", sum.Migration)
	s.save("batch-stopped", workflows.BatchID(sum.Migration, 1))
}

// recordRefused has roots that fail and one that is rejected.
func recordRefused(s *stack) {
	s.refused("nothing", "s3://"+s.bucket+"-in/nothing.json", "FILE_NOT_FOUND")
	s.save("file-not-found", s.id("nothing"))
	sum := s.migrate("rejected", inputFor(s.upload("rejected.json", []byte(`[{"status":"ACTIVE"}]`))))
	require.Equal(s.t, migration.Rejected, sum.Result)
	s.save("file-rejected", sum.Migration)
}

// recordHeldAndContinued has refused credentials, retries of a target that
// fails, an approval, and continue-as-new.
func recordHeldAndContinued(s *stack) {
	s.stopWorker()
	s.settings.ContinueAfterEvents = 60
	s.startWorker()
	require.NoError(s.t, s.books.ChangeFaults(func(f *sandbox.Faults) error { f.ErrorRate = 0.3; return nil }))
	in := inputFor(s.upload("held.json", activeRecords(s.t, s.bucket, 160)))
	in.RequireApproval, in.ApproveFirstWave = new(true), new(true)
	in.Concurrency = &workflows.ConcurrencyInput{Batches: new(1), PerBatch: new(10)}
	run := s.start("held", in)
	require.Eventually(s.t, func() bool { return s.progress("held").Phase == migration.AwaitingApproval }, longWait, tick)
	_, err := s.ask("held", workflows.UpdateApprove, workflows.ApproveInput{OperatorAction: kim(""), Plan: s.planHash("held")})
	require.NoError(s.t, err)
	require.Eventually(s.t, func() bool {
		sum := s.progress("held")
		return sum.Phase == migration.AwaitingApproval && strings.HasPrefix(sum.Reason, "wave 1 is done")
	}, longWait, tick)
	_, err = s.ask("held", workflows.UpdateApprove, workflows.ApproveInput{OperatorAction: kim(""), Plan: s.planHash("held")})
	require.NoError(s.t, err)
	first := run.GetRunID()
	require.Eventually(s.t, func() bool { return s.stats().Effective["create"] > 20 }, longWait, tick)
	refuse := func(on bool) {
		require.NoError(s.t, s.books.ChangeFaults(func(f *sandbox.Faults) error { f.Unauthorized, f.ErrorRate = on, 0; return nil }))
	}
	refuse(true)
	require.Eventually(s.t, func() bool { return s.progress("held").Phase == migration.Paused }, longWait, tick)
	refuse(false)
	_, err = s.ask("held", workflows.UpdateResume, kim(""))
	require.NoError(s.t, err)
	sum := s.result(run)
	require.Equal(s.t, migration.Completed, sum.Result)
	s.saveRun("file-continued-1", s.id("held"), first)
	s.save("file-continued-last", s.id("held"))
	s.save("batch-held", workflows.BatchID(s.id("held"), 4))
	s.saveHeldRecord("record-retried", s.file("held", migration.FileRecords))
}

// recordRebuiltAndReconciled ends a migration by force, has its files rebuilt,
// and reconciles it.
func recordRebuiltAndReconciled(s *stack) {
	s.slow(20)
	in := inputFor(s.upload("ended.json", activeRecords(s.t, s.bucket, 60)))
	in.Waves = new(false)
	in.Concurrency = &workflows.ConcurrencyInput{Batches: new(1), PerBatch: new(3)}
	s.start("ended", in)
	require.Eventually(s.t, func() bool { return s.stats().Effective["create"] > 10 }, longWait, tick)
	s.terminate("ended")
	s.rebuild("ended")
	s.save("rebuild", s.id("ended")+"/reports")
	code, _, stderr := s.ferry("reconcile", s.id("ended"))
	require.Zero(s.t, code, stderr)
	s.save("reconcile", s.id("ended")+"/reconcile")
}

// saveHeldRecord keeps the record that had the most to go through among those
// that heard of a hold.
func (s *stack) saveHeldRecord(name string, staged []byte) {
	longest, most := "", 0
	for _, line := range lines(staged) {
		r, err := migrationfile.Decode([]byte(line))
		require.NoError(s.t, err)
		id := workflows.EntitlementID("acme-nova", r.ExternalEntitlementID)
		events := s.history(id)
		heard := slices.ContainsFunc(events, func(e *history.HistoryEvent) bool {
			return e.GetEventType() == enums.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED
		})
		if heard && len(events) > most {
			longest, most = id, len(events)
		}
	}
	require.NotEmpty(s.t, longest, "no record was held")
	s.save(name, longest)
}

func (s *stack) save(name, workflowID string) { s.saveRun(name, workflowID, "") }

func (s *stack) saveRun(name, workflowID, runID string) {
	s.t.Helper()
	var h history.History
	iter := s.client.GetWorkflowHistory(s.ctx, workflowID, runID, false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for iter.HasNext() {
		e, err := iter.Next()
		require.NoError(s.t, err)
		h.Events = append(h.Events, e)
	}
	body, err := temporalproto.CustomJSONMarshalOptions{Indent: " "}.Marshal(&h)
	require.NoError(s.t, err)
	require.NoError(s.t, os.WriteFile(filepath.Join(historiesDir, name+".json"), body, 0o600))
}
