package activities

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/objectstore"
	"github.com/f0a90b9a/ferry/internal/sandbox"
)

// rebuilt rebuilds the outcomes of batches and gives the counts.
func (b *bundle) rebuilt(from, to int) migration.Outcomes {
	b.t.Helper()
	return run[migration.Outcomes](b, RebuildOutcomesName, RebuildOutcomesInput{Migration: "acme", Route: "acme-nova", From: from, To: to})
}

// written reads a batch's outcomes.
func (b *bundle) written(batch int) []migration.Outcome {
	b.t.Helper()
	var out []migration.Outcome
	for _, line := range lines(b.file("acme", migration.OutcomesFile(batch))) {
		var o migration.Outcome
		require.NoError(b.t, json.Unmarshal([]byte(line), &o))
		out = append(out, o)
	}
	return out
}

// upTo carries a record's first steps, and gives its entitlement's id.
func (b *bundle) upTo(ref BatchRef, record int, steps int) string {
	b.t.Helper()
	for _, rec := range run[[]BatchRecord](b, LoadBatchName, ref) {
		if rec.Record != record {
			continue
		}
		in := b.task(ref, rec)
		for _, step := range rec.Steps[:steps] {
			in.Step = step
			in.EntitlementID = run[PerformStepResult](b, PerformStepName, in).EntitlementID
		}
		return in.EntitlementID
	}
	b.t.Fatalf("no record %d", record)
	return ""
}

func TestRebuildOutcomesJudgesByWhatTheTargetHas(t *testing.T) {
	t.Parallel()
	b := setup(t)
	file := sounds(5)
	ref := b.stage("acme", array(file...))[0]
	created, active, done := b.upTo(ref, 1, 1), b.upTo(ref, 2, 2), b.upTo(ref, 3, 3)
	// Record 4 is another's, under the same external id.
	other := b.stage("other", array(sound(4, map[string]any{"productKey": "nova-family"})))[0]
	b.upTo(other, 1, 1)

	require.Equal(t, migration.Outcomes{Migrated: 1, Failed: 3, NotAttempted: 1}, b.rebuilt(1, 1))
	partial := func(n int, id string, done []entitlement.Step, step entitlement.Step) migration.Outcome {
		o := outcome(n, migration.Failed)
		o.EntitlementID, o.StepsDone, o.Step, o.Code, o.Retryable = id, done, step, fault.CodeOperatorStopped, true
		o.Message = "the run was ended by force before this record was finished"
		return o
	}
	whole := outcome(3, migration.Migrated)
	whole.EntitlementID, whole.StepsDone = done, []entitlement.Step{"create", "activate", "suspend"}
	differs := outcome(4, migration.Failed)
	differs.Step, differs.Code, differs.Message = "create", fault.CodeTargetDiffers, "the target has this entitlement with another productKey"
	nowhere := outcome(5, migration.NotAttempted)
	nowhere.Code, nowhere.Message, nowhere.Retryable = fault.CodeOperatorStopped, "the run was ended by force, and the target has nothing of this record", true
	require.Equal(t, []migration.Outcome{
		partial(1, created, []entitlement.Step{"create"}, "activate"),
		partial(2, active, []entitlement.Step{"create", "activate"}, "suspend"),
		whole, differs, nowhere,
	}, b.written(1))
	for _, value := range personal {
		require.NotContains(t, string(b.file("acme", migration.OutcomesFile(1))), value)
	}
}

func TestRebuildOutcomesOfACallThatTheTargetHasOnlyAccepted(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ref := b.stage("acme", array(sounds(1)...))[0]
	id := b.upTo(ref, 1, 1)
	b.faults(func(f *sandbox.Faults) { f.AcceptedRate, f.SettleAfterMs = 1, 60_000 })
	in := b.task(ref, run[[]BatchRecord](b, LoadBatchName, ref)[0])
	in.Step, in.EntitlementID = entitlement.Activate, id
	require.Equal(t, fault.CodeStillPending, refused(b, PerformStepName, in).Code)

	require.Equal(t, migration.Outcomes{Failed: 1}, b.rebuilt(1, 1))
	o := b.written(1)[0]
	require.Equal(t, fault.CodeStillPending, o.Code)
	require.Equal(t, id, o.EntitlementID)
	require.Equal(t, entitlement.Activate, o.Step)
}

func TestRebuildOutcomesKeepsWhatBatchesWrote(t *testing.T) {
	t.Parallel()
	b := setup(t)
	refs := b.stage("acme", array(sounds(12)...))
	b.write(refs[1], "", failed(6, "create", fault.CodeNotAvailable)) // the others of the batch: not attempted
	before := b.file("acme", migration.OutcomesFile(2))
	b.upTo(refs[1], 7, 3)
	require.Equal(t, migration.Outcomes{Failed: 1, NotAttempted: 11}, b.rebuilt(1, 99))
	require.Equal(t, before, b.file("acme", migration.OutcomesFile(2)))

	first := b.file("acme", migration.OutcomesFile(1))
	b.upTo(refs[0], 1, 3)
	b.clock.forward(time.Hour)
	calls := b.stats().Calls["report"]
	require.Equal(t, migration.Outcomes{Failed: 1, NotAttempted: 11}, b.rebuilt(1, 3), "what was written once is the truth")
	require.Equal(t, first, b.file("acme", migration.OutcomesFile(1)))
	require.Equal(t, calls, b.stats().Calls["report"], "and nobody is asked again")
	require.Equal(t, migration.Outcomes{NotAttempted: 2}, b.rebuilt(3, 3))
}

// A batch that writes its own outcomes in the last moment knows more.
func TestRebuildOutcomesGivesWayToTheBatchItself(t *testing.T) {
	t.Parallel()
	s := &brokenStore{}
	b := setup(t, broken(s))
	ref := b.stage("acme", array(sounds(2)...))[0]
	s.putIfAbsent = func(ctx context.Context, loc objectstore.Location, body []byte) (bool, error) {
		b.write(ref, "", migratedAll(ref)...)
		return s.Store.PutIfAbsent(ctx, loc, body, outcomesType)
	}
	require.Equal(t, migration.Outcomes{Migrated: 2}, b.rebuilt(1, 1))
	require.Equal(t, migration.Migrated, b.written(1)[0].Fate)
}

func TestRebuildOutcomesGoesOnAfterATrouble(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.stage("acme", array(sounds(12)...))
	b.faults(func(f *sandbox.Faults) { f.Outage = true })
	in := RebuildOutcomesInput{Migration: "acme", Route: "acme-nova", From: 1, To: 3}
	requireFault(t, refused(b, RebuildOutcomesName, in), fault.Retryable, fault.CodeServiceUnavailable)
	require.NotContains(t, b.keys(folder), folder+migration.OutcomesFile(1), "nothing is made up")
	b.faults(func(f *sandbox.Faults) { f.Outage, f.Unauthorized = false, true })
	requireFault(t, refused(b, RebuildOutcomesName, in), fault.Unauthorized, fault.CodeUnauthorized)
	b.faults(func(f *sandbox.Faults) { f.Unauthorized = false })
	require.Equal(t, migration.Outcomes{NotAttempted: 12}, b.rebuilt(1, 3))

	b.put(folder+migration.OutcomesFile(2), []byte("rubbish"))
	requireFault(t, refused(b, RebuildOutcomesName, in), fault.Final, fault.CodeStoreFault)
}

// Reports that an earlier attempt wrote, before all was known to be migrated,
// don't stay behind.
func TestWriteReportsRemovesWhatNoLongerHolds(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ref := b.stage("acme", array(sounds(3)...))[0]
	run[any](b, WriteReportsName, WriteReportsInput{Migration: "acme", Code: fault.CodeAborted})
	require.Contains(t, b.keys(folder), folder+migration.FileReload)
	b.write(ref, "", migratedAll(ref)...)
	res := run[WriteReportsResult](b, WriteReportsName, WriteReportsInput{Migration: "acme", Opened: 1})
	require.Empty(t, res.Files)
	require.NotContains(t, b.keys(folder), folder+migration.FileReload)
	require.NotContains(t, b.keys(folder), folder+migration.FileErrors)
}
