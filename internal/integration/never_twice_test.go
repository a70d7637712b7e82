package integration

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/migrationfile"
	"github.com/f0a90b9a/ferry/internal/sandbox"
	"github.com/f0a90b9a/ferry/workflows"
)

// faults changes what the sandbox does wrong.
func (s *stack) faults(change func(*sandbox.Faults)) {
	s.t.Helper()
	require.NoError(s.t, s.books.ChangeFaults(func(f *sandbox.Faults) error { change(f); return nil }))
}

// careless makes the sandbox take external ids twice, and forget every
// identifier that it remembers: what remains is Ferry's own care.
func (s *stack) careless() {
	s.t.Helper()
	s.faults(func(f *sandbox.Faults) { f.UniqueExternalIDs = false })
	_, err := s.books.Forget()
	require.NoError(s.t, err)
}

// hold keeps back the answers of steps, done all the same; none lets go.
func (s *stack) hold(steps ...entitlement.Step) {
	s.t.Helper()
	s.faults(func(f *sandbox.Faults) { f.HoldAnswers = steps })
}

// awaitEffective waits until n writes of a step have taken effect.
func (s *stack) awaitEffective(step entitlement.Step, n int) {
	s.t.Helper()
	require.Eventually(s.t, func() bool { return s.stats().Effective[string(step)] >= int64(n) }, longWait, tick)
}

// withoutLimits is an input for runs that must not stop for failures.
func withoutLimits(uri string) workflows.MigrateFileInput {
	in := inputFor(uri)
	in.Waves, in.Limits = new(false), &workflows.LimitsInput{ErrorRate: new(0.0), Consecutive: new(0)}
	return in
}

// stepsOf counts the steps that a file's records need.
func stepsOf(t *testing.T, file []byte) map[entitlement.Step]int {
	t.Helper()
	steps := map[entitlement.Step]int{}
	for _, raw := range decodeRecords(t, file) {
		line, err := json.Marshal(raw)
		require.NoError(t, err)
		r, err := migrationfile.Decode(line)
		require.NoError(t, err)
		for _, s := range entitlement.Steps(&r, *r.DateCreated) {
			steps[s]++
		}
	}
	return steps
}

// onceEach holds the books to what a file needs: each step of each record has
// taken effect once, and nothing is there twice.
func (s *stack) onceEach(file []byte) {
	s.t.Helper()
	stats, want := s.stats(), stepsOf(s.t, file)
	for _, step := range []entitlement.Step{
		entitlement.Create, entitlement.Activate, entitlement.Suspend, entitlement.Cancel, entitlement.Revoke,
	} {
		require.EqualValues(s.t, want[step], stats.Effective[string(step)], "%s; calls: %v", step, stats.Calls)
	}
	require.Zero(s.t, stats.DuplicateExternalIDs)
}

// everyStatus is a file of records in all statuses, living and ended.
func everyStatus(t *testing.T, prefix string, n int, failing float64) []byte {
	t.Helper()
	mix := map[entitlement.Status]int{}
	for _, status := range entitlement.AllStatuses() {
		mix[status] = 1
	}
	mix[entitlement.Cancelled] = 3 // which no customer's limit keeps from being there twice
	return generate(t, migrationfile.GenOptions{Records: n, Seed: 21, Mix: mix, FailShare: failing, Prefix: prefix})
}

// The worker is killed when all twenty writes of a step are done and none is
// answered, and the target is as careless as can be.
func TestWorkerKilledBetweenWriteAndAnswer(t *testing.T) {
	t.Parallel()
	for step, status := range map[entitlement.Step]entitlement.Status{
		entitlement.Create:   entitlement.Cancelled, // no customer's limit counts it, which would hide a double
		entitlement.Activate: entitlement.Active,
		entitlement.Suspend:  entitlement.Suspended,
		entitlement.Cancel:   entitlement.Cancelled,
		entitlement.Revoke:   entitlement.Revoked,
	} {
		t.Run(string(step), func(t *testing.T) {
			t.Parallel()
			const records = 20
			s := newStack(t)
			s.careless()
			s.hold(step)
			file := generate(t, migrationfile.GenOptions{
				Records: records, Seed: 4, OnlyStatus: status, Product: "nova-basic", Prefix: s.bucket,
			})
			first := s.spawnWorker()
			run := s.start("killed", withoutLimits(s.upload("killed.json", file)))
			s.awaitEffective(step, records)
			s.kill(first)
			s.careless()
			s.hold()
			s.spawnWorker()
			sum := s.result(run)
			require.Equal(t, migration.Completed, sum.Result, "%+v", sum)
			require.Equal(t, records, sum.Outcomes.Migrated)
			s.onceEach(file)
		})
	}
}

// Answers are lost within one run, while the target remembers no identifier
// and takes external ids twice; and control keeps coming, which makes Temporal
// repeat what a workflow task has just done.
func TestLostAnswersAtATargetWithoutMemory(t *testing.T) {
	t.Parallel()
	const records = 80
	s := setup(t)
	s.faults(func(f *sandbox.Faults) {
		f.Forgetful, f.UniqueExternalIDs, f.LostAnswerRate, f.ErrorRate, f.LatencyMs = true, false, 0.25, 0.05, 10
	})
	file := everyStatus(t, s.bucket, records, 0)
	in := withoutLimits(s.upload("forgetful.json", file))
	in.Concurrency = &workflows.ConcurrencyInput{Batches: new(2), PerBatch: new(8)}
	run := s.start("forgetful", in)
	for n := 1; n <= 5; n++ {
		s.awaitEffective(entitlement.Create, n*records/8)
		_, err := s.ask("forgetful", workflows.UpdateSetConcurrency, workflows.SetConcurrencyInput{
			OperatorAction: kim(""), Concurrency: workflows.ConcurrencyInput{PerBatch: new(8 + n)},
		})
		require.NoError(t, err)
	}
	sum := s.result(run)
	require.Equal(t, migration.Completed, sum.Result, "%+v", sum)
	require.Equal(t, records, sum.Outcomes.Migrated)
	s.onceEach(file)
}

// A worker dies with all its answers, the target goes away and the run is
// aborted: nobody knows that anything was created. Weeks later the target has
// forgotten the identifiers, and takes external ids twice.
func TestReloadWeeksAfterLostAnswers(t *testing.T) {
	t.Parallel()
	const records = 24
	s := newStack(t)
	s.careless()
	s.hold(entitlement.Create)
	file := everyStatus(t, s.bucket, records, 0)
	first := s.spawnWorker()
	run := s.start("lost", withoutLimits(s.upload("lost.json", file)))
	s.awaitEffective(entitlement.Create, records)
	s.kill(first)
	s.hold()
	s.faults(func(f *sandbox.Faults) { f.Outage, f.HTML = true, true })
	s.startWorker()
	_, err := s.ask("lost", workflows.UpdateAbort, kim("the target is away"))
	require.NoError(t, err)
	sum := s.result(run)
	require.Equal(t, migration.Aborted, sum.Result, "%+v", sum)
	require.Zero(t, sum.Outcomes.Migrated)

	s.faults(func(f *sandbox.Faults) { f.Outage = false })
	s.careless()
	reload := s.file("lost", migration.FileReload)
	require.Len(t, decodeRecords(t, reload), records)
	again := withoutLimits(s.upload("lost-2.json", reload))
	again.Parent = s.id("lost")
	sum = s.migrate("lost-2", again)
	require.Equal(t, migration.Completed, sum.Result, "%+v", sum)
	require.Equal(t, s.id("lost"), sum.Parent)
	require.Equal(t, records, sum.Outcomes.Migrated+sum.Outcomes.AlreadyMigrated)
	require.Equal(t, withStatus(t, file, entitlement.Pending), sum.Outcomes.AlreadyMigrated, "those that needed no more than their create")
	s.onceEach(file)
}

// withStatus counts a file's records of a status.
func withStatus(t *testing.T, file []byte, status entitlement.Status) (n int) {
	t.Helper()
	for _, r := range decodeRecords(t, file) {
		if r["status"] == string(status) {
			n++
		}
	}
	return n
}

// Records fail half-way, and again in the reload of half of the causes, and the
// reload of that reload takes the rest over; at a target that forgets between.
func TestReloadOfAReloadWeeksLater(t *testing.T) {
	t.Parallel()
	const records = 60
	s := setup(t)
	s.careless()
	file := everyStatus(t, s.bucket, records, 0.4)
	run := func(id, parent string, body []byte) workflows.Summary {
		in := withoutLimits(s.upload(id+".json", body))
		in.Parent = parent
		sum := s.migrate(id, in)
		require.Equal(t, parent, sum.Parent)
		var kept workflows.Summary
		require.NoError(t, json.Unmarshal(s.file(id, migration.FileSummary), &kept))
		require.Equal(t, parent, kept.Parent, "the lineage is in summary.json")
		require.Zero(t, s.stats().DuplicateExternalIDs)
		s.careless()
		return sum
	}
	repair := func(steps ...entitlement.Step) {
		s.faults(func(f *sandbox.Faults) {
			maps.DeleteFunc(f.Refusals, func(step entitlement.Step, _ []string) bool { return slices.Contains(steps, step) })
		})
	}
	first := run("first", "", file)
	require.Equal(t, migration.CompletedWithFailures, first.Result, "%+v", first)
	require.Positive(t, first.Partial)

	repair(entitlement.Create, entitlement.Activate)
	second := run("second", s.id("first"), s.file("first", migration.FileReload))
	require.Equal(t, migration.CompletedWithFailures, second.Result, "%+v", second)
	require.Equal(t, first.Outcomes.Failed, second.Records)
	require.Positive(t, second.Outcomes.Migrated)
	require.Equal(t, second.Outcomes.Failed, second.Partial, "all that are left were created")

	repair(entitlement.Suspend, entitlement.Cancel, entitlement.Revoke)
	third := run("third", s.id("second"), s.file("second", migration.FileReload))
	require.Equal(t, migration.Completed, third.Result, "%+v", third)
	require.Equal(t, records, first.Outcomes.Migrated+second.Outcomes.Migrated+third.Outcomes.Migrated)
	s.onceEach(file)
}
