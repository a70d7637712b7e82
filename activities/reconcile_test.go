package activities

import (
	"context"
	"encoding/csv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/migrationfile"
	"github.com/f0a90b9a/ferry/internal/migrator"
	"github.com/f0a90b9a/ferry/internal/sandbox"
)

// correlation reads correlation.csv: what it says by external id, and the ids
// in their order.
func (b *bundle) correlation() (says map[string]string, order []string) {
	b.t.Helper()
	rows, err := csv.NewReader(strings.NewReader(string(b.file("acme", migration.FileCorrelation)))).ReadAll()
	require.NoError(b.t, err)
	require.Equal(b.t, []string{"EntitlementId", "ExternalEntitlementId", "CorrelationResult"}, rows[0])
	says = map[string]string{}
	for _, row := range rows[1:] {
		says[row[1]] = row[2]
		order = append(order, row[1])
	}
	return says, order
}

func TestReconcileFindsWhatWasMigrated(t *testing.T) {
	t.Parallel()
	b := setup(t)
	mix := map[entitlement.Status]int{}
	for _, status := range entitlement.AllStatuses() {
		mix[status] = 1
	}
	refs := b.stage("acme", generate(t, migrationfile.GenOptions{Records: 40, Seed: 9, FailShare: 0.2, Mix: mix}))
	var want migration.ByGroup
	var order []string
	ending := 0
	for _, o := range b.migrate(refs) {
		if !migrated(o) {
			continue
		}
		want.Add(entitlement.StatusGroup(o.Status), 1)
		order = append(order, o.ExternalEntitlementID)
		if o.Status == entitlement.ActiveEnding {
			ending++
		}
	}
	require.Positive(t, ending)
	res := run[ReconcileResult](b, ReconcileName, ReconcileInput{Migration: "acme"})
	require.Equal(t, 32, res.Checked)
	require.Equal(t, want, res.Found)
	require.Zero(t, res.Different)
	require.Empty(t, res.Examples)
	b.requireInfo("acme", migration.FileCorrelation, res.File)
	says, got := b.correlation()
	require.Equal(t, order, got, "those that were migrated, in file order")
	for _, s := range says {
		require.Equal(t, migrationfile.CorrelationOK, s)
	}

	b.clock.forward(2 * 366 * 24 * time.Hour) // the platform ends ACTIVE-ENDING by itself
	res = run[ReconcileResult](b, ReconcileName, ReconcileInput{Migration: "acme"})
	require.Zero(t, res.Different, "%v", res.Examples)
	require.Equal(t, want.Active-ending, res.Found.Active)
	require.Equal(t, want.Terminated+ending, res.Found.Terminated)
}

// A double is told, and the one that was migrated is the one that is compared.
func TestReconcileFindsDoubles(t *testing.T) {
	t.Parallel()
	b := setup(t)
	refs := b.stage("acme", array(sound(1, ended), sound(2, ended)))
	recs := run[[]BatchRecord](b, LoadBatchName, refs[0])
	b.careless()
	double := func(n int) {
		other := *b.decoded(b.task(refs[0], recs[n]))
		other.ProductKey = "nova-premium"
		_, err := b.target.Create(b.t.Context(), "by-hand-"+other.ExternalEntitlementID, &other)
		require.NoError(t, err)
	}
	outcomes := b.carry(refs[0])
	double(0)
	b.write(refs[0], "", outcomes...)
	res := run[ReconcileResult](b, ReconcileName, ReconcileInput{Migration: "acme"})
	require.Equal(t, 1, res.Different)
	require.Equal(t, []string{"ext-0001"}, res.Examples)
	require.Equal(t, 2, res.Found.Terminated)
	says, _ := b.correlation()
	require.Equal(t, map[string]string{"ext-0001": migrationfile.CorrelationExtra, "ext-0002": migrationfile.CorrelationOK}, says)

	// Without an outcome that names it, it is known by what it is.
	resolved := run[[]migration.Outcome](b, ResolveRecordsName, ResolveRecordsInput{BatchRef: refs[0]})
	require.Equal(t, migration.Migrated, resolved[0].Fate)
	require.Equal(t, outcomes[0].EntitlementID, resolved[0].EntitlementID)
}

var active = map[string]any{"status": "ACTIVE", "dateSuspended": nil}

// disturbed migrates eight ACTIVE records in two batches and then changes what
// the target or the outcomes have of them.
func (b *bundle) disturbed() {
	b.t.Helper()
	records := make([]string, 8)
	for i := range records {
		records[i] = sound(i+1, active)
	}
	refs := b.stage("acme", array(records...))
	outcomes := map[int][]migration.Outcome{1: b.carry(refs[0])}

	// 2 is suspended by somebody, 4 is not the one that the outcome names.
	ctx := b.t.Context()
	_, err := b.target.Suspend(ctx, "by-hand", outcomes[1][1].EntitlementID, start)
	require.NoError(b.t, err)
	outcomes[1][3].EntitlementID = someID

	// Of the second batch, 6 was never made, 7 is another's, 8 stands half-way.
	recs := run[[]BatchRecord](b, LoadBatchName, refs[1])
	other := *b.decoded(b.task(refs[1], recs[1]))
	other.ProductKey, other.DateCreated = "nova-premium", new(start.AddDate(-3, 0, 0))
	made, err := b.target.Create(ctx, "another", &other)
	require.NoError(b.t, err)
	_, err = b.target.Activate(ctx, "another-activate", made.EntitlementID, *other.DateActivated)
	require.NoError(b.t, err)
	half := run[PerformStepResult](b, PerformStepName, b.task(refs[1], recs[2]))
	for i, id := range []string{someID, made.EntitlementID, half.EntitlementID} {
		o := outcome(6+i, migration.AlreadyMigrated)
		o.EntitlementID, o.Status = id, entitlement.Active
		outcomes[2] = append(outcomes[2], o)
	}
	b.write(refs[0], "", outcomes[1]...)
	b.write(refs[1], "", outcomes[2]...)
}

func TestReconcileFindsDifferences(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.disturbed()
	res := run[ReconcileResult](b, ReconcileName, ReconcileInput{Migration: "acme"})
	require.Equal(t, 8, res.Checked)
	require.Equal(t, 5, res.Different)
	require.Equal(t, []string{"ext-0002", "ext-0004", "ext-0006", "ext-0007", "ext-0008"}, res.Examples)
	require.Equal(t, migration.ByGroup{Pending: 1, Active: 5, Suspended: 1}, res.Found, "one is missing")
	says, _ := b.correlation()
	require.Equal(t, map[string]string{
		"ext-0001": migrationfile.CorrelationOK,
		"ext-0002": "Error: Status is different", // and with it dateSuspended
		"ext-0003": migrationfile.CorrelationOK,
		"ext-0004": "Error: EntitlementId is different",
		"ext-0005": migrationfile.CorrelationOK,
		"ext-0006": migrationfile.CorrelationMissing,
		"ext-0007": "Error: Multiple differences",
		"ext-0008": "Error: Status is different",
	}, says)
}

func TestReadBackComparesItsBatches(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.disturbed()
	for _, c := range []struct {
		from, to int
		want     ReadBackResult
	}{
		{1, 1, ReadBackResult{Checked: 5, Different: 2, Examples: []string{"ext-0002", "ext-0004"}, Comparison: "Error: Status is different"}},
		{2, 2, ReadBackResult{Checked: 3, Different: 3, Examples: []string{"ext-0006", "ext-0007", "ext-0008"}, Comparison: migrationfile.CorrelationMissing}},
		{1, 2, ReadBackResult{
			Checked: 8, Different: 5, Examples: []string{"ext-0002", "ext-0004", "ext-0006", "ext-0007", "ext-0008"},
			Comparison: "Error: Status is different",
		}},
		{3, 9, ReadBackResult{}},
	} {
		require.Equal(t, c.want, run[ReadBackResult](b, ReadBackName, ReadBackInput{Migration: "acme", From: c.from, To: c.to}))
	}
	require.NotContains(t, b.keys(folder), folder+migration.FileCorrelation)
}

// A reload's record names its entitlement; that the target has another under
// the external id is one difference, though two ids say so.
func TestReconcileOfAReloadNamesTheIDOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ref := b.stage("acme", array(sound(1, map[string]any{"status": "ACTIVE", "dateSuspended": nil, "entitlementId": someID})))[0]
	rec := run[[]BatchRecord](b, LoadBatchName, ref)[0]
	other := *b.decoded(b.task(ref, rec))
	made, err := b.target.Create(t.Context(), uuid.NewString(), &other)
	require.NoError(t, err)
	_, err = b.target.Activate(t.Context(), uuid.NewString(), made.EntitlementID, *other.DateActivated)
	require.NoError(t, err)
	o := outcome(1, migration.Migrated)
	o.EntitlementID = someID
	b.write(ref, "", o)
	run[any](b, ReconcileName, ReconcileInput{Migration: "acme"})
	says, _ := b.correlation()
	require.Equal(t, "Error: EntitlementId is different", says["ext-0001"])
}

func TestReconcileReadsOnlyWhatWasMigrated(t *testing.T) {
	t.Parallel()
	b := setup(t)
	refs := b.stage("acme", array(sounds(12)...))
	b.write(refs[0], fault.CodeAborted, failed(1, "create", fault.CodeNotAvailable))
	res := run[ReconcileResult](b, ReconcileName, ReconcileInput{Migration: "acme"})
	require.Zero(t, res.Checked)
	require.Zero(t, b.stats().Calls["report"])
	_, order := b.correlation()
	require.Empty(t, order)
}

func TestReconcileLeavesNoFileWhenTheTargetIsAway(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.disturbed()
	b.faults(func(f *sandbox.Faults) { f.Outage = true })
	requireFault(t, refused(b, ReconcileName, ReconcileInput{Migration: "acme"}), fault.Retryable, fault.CodeServiceUnavailable)
	requireFault(t, refused(b, ReadBackName, ReadBackInput{Migration: "acme", From: 1, To: 2}), fault.Retryable, fault.CodeServiceUnavailable)
	require.NotContains(t, b.keys(folder), folder+migration.FileCorrelation)
}

func TestResolveRecordsReadsTheTarget(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ref := b.stage("acme", array(sounds(4)...))[0]
	recs := run[[]BatchRecord](b, LoadBatchName, ref)
	done := b.carryRecord(ref, recs[1])
	half := b.task(ref, recs[2])
	half.EntitlementID = run[PerformStepResult](b, PerformStepName, half).EntitlementID
	half.Step = entitlement.Activate
	run[any](b, PerformStepName, half)
	other := *b.decoded(b.task(ref, recs[3]))
	other.ProductKey = "nova-premium"
	_, err := b.target.Create(t.Context(), "another", &other)
	require.NoError(t, err)

	why := "the record's workflow was ended by hand before it had an outcome"
	stopped := func(n int, step entitlement.Step) migration.Outcome {
		o := outcome(n, migration.Failed)
		o.Code, o.Step, o.Message, o.Retryable, o.FinishedAt = fault.CodeOperatorStopped, step, why, true, new(start)
		return o
	}
	found := outcome(2, migration.Migrated)
	found.EntitlementID, found.StepsDone, found.FinishedAt = done.EntitlementID, recs[1].Steps, new(start)
	partial := stopped(3, entitlement.Suspend)
	partial.EntitlementID, partial.StepsDone = half.EntitlementID, recs[2].Steps[:2]
	differs := stopped(4, entitlement.Suspend)
	differs.Message += "; the target has it with other content"
	want := []migration.Outcome{stopped(1, entitlement.Create), found, partial, differs}

	calls := b.stats().Effective
	in := ResolveRecordsInput{BatchRef: ref}
	require.Equal(t, want, run[[]migration.Outcome](b, ResolveRecordsName, in), "no records means all")
	in.Records = []int{4, 2}
	require.Equal(t, []migration.Outcome{found, differs}, run[[]migration.Outcome](b, ResolveRecordsName, in))
	require.Equal(t, calls, b.stats().Effective, "it only reads")
	require.True(t, want[2].Partial())
	require.False(t, want[3].Partial(), "another's entitlement is never this record's")

	b.faults(func(f *sandbox.Faults) { f.Outage = true })
	requireFault(t, refused(b, ResolveRecordsName, in), fault.Retryable, fault.CodeServiceUnavailable)
}

// endless is a target whose answers come when the test lets them.
type endless struct {
	Target
	find func(context.Context, []string) ([]entitlement.Entitlement, error)
}

func (e endless) Find(ctx context.Context, _ string, ids []string) ([]entitlement.Entitlement, error) {
	return e.find(ctx, ids)
}

var _ migrator.Target = endless{}
