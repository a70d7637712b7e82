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
	"github.com/f0a90b9a/ferry/internal/resale/resaleapi"
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

// Of records that were not migrated nothing is expected; batches that were never
// begun are not even asked for.
func TestReconcileOfWhatWasNotMigrated(t *testing.T) {
	t.Parallel()
	b := setup(t)
	refs := b.stage("acme", array(sounds(12)...))
	b.write(refs[0], fault.CodeAborted, failed(1, "create", fault.CodeNotAvailable))
	res := run[ReconcileResult](b, ReconcileName, ReconcileInput{Migration: "acme"})
	require.Zero(t, res.Checked)
	require.Zero(t, res.Different)
	require.EqualValues(t, 1, b.stats().Calls["report"])
	_, order := b.correlation()
	require.Empty(t, order)
}

// Records that failed, or were not attempted, and are at the target all the
// same: told, but for what errors.csv says already.
func TestReconcileTellsWhatIsThereAllTheSame(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ref := b.stage("acme", array(sound(1, active), sound(2, active), sound(3, active), sound(4, active), sound(5, active)))[0]
	recs := run[[]BatchRecord](b, LoadBatchName, ref)
	lost := b.carryRecord(ref, recs[0])                                       // done, but the answer was lost
	half := run[PerformStepResult](b, PerformStepName, b.task(ref, recs[1]))  // known as partial
	begun := run[PerformStepResult](b, PerformStepName, b.task(ref, recs[2])) // not known
	run[PerformStepResult](b, PerformStepName, b.task(ref, recs[3]))          // errors.csv says so
	partial, taken := failed(2, "activate", fault.CodeTargetUnavailable), failed(4, "create", fault.CodeTargetDiffers)
	partial.EntitlementID = half.EntitlementID
	b.write(ref, fault.CodeAborted, failed(1, "activate", fault.CodeTargetUnavailable), partial, taken)

	res := run[ReconcileResult](b, ReconcileName, ReconcileInput{Migration: "acme"})
	require.Equal(t, []int{0, 1, 0, 1, 1}, []int{res.Checked, res.Different, res.Differing, res.Extra, res.Since})
	require.Contains(t, res.Says(), "1 more under the file's ids")
	require.Contains(t, res.Says(), "1 that were not migrated are there all the same")
	require.Equal(t, [][]string{
		{lost.EntitlementID, "ext-0001", migrationfile.CorrelationOK},
		{begun.EntitlementID, "ext-0003", migrationfile.CorrelationExtra},
	}, b.correlationRows())

	later := b.reconciledLater("acme")
	require.Equal(t, []int{0, 0, 2}, []int{later.Checked, later.Different(), later.Since}, "a reload may have done it since")
}

// correlationRows reads the rows of correlation.csv.
func (b *bundle) correlationRows() [][]string {
	b.t.Helper()
	rows, err := csv.NewReader(strings.NewReader(string(b.file("acme", migration.FileCorrelation)))).ReadAll()
	require.NoError(b.t, err)
	return rows[1:]
}

// reconciledLater runs the activities of a reconciliation after the run.
func (b *bundle) reconciledLater(id string) migration.Reconciliation {
	b.t.Helper()
	look := run[Look](b, LookAtBatchesName, LookAtBatchesInput{Migration: id, Route: "acme-nova", From: 1, To: 1000})
	in := WriteReconciliationInput{Reconciliation: migration.Reconciliation{
		Migration: id, Route: "acme-nova", StartedAt: start, Looked: look.Looked, Correlation: look.Right,
	}}
	in.SecondLook.Add(&look)
	return run[migration.Reconciliation](b, WriteReconciliationName, in)
}

// changing is a target at which something changes before a look.
func changing(b *bundle, looks map[int]func()) *Activities {
	times := 0
	target := endless{b.target, func(ctx context.Context, ids []string) ([]entitlement.Entitlement, error) {
		times++
		if change := looks[times]; change != nil {
			change()
		}
		return b.target.Find(ctx, "nova-music", ids)
	}}
	return New(Options{Store: b.store, Target: target, Defaults: b.settings, Namespace: "default", Now: b.clock.Now})
}

func (b *bundle) edit(id string, change func(*resaleapi.Entitlement)) {
	b.t.Helper()
	require.NoError(b.t, b.box.Edit(id, change))
}

// A live change that is over at the second look is forgiven; one that comes
// between the looks, at a record that was right, is another day's.
func TestReconcileLooksTwice(t *testing.T) {
	t.Parallel()
	b := setup(t)
	refs := b.stage("acme", array(sound(1, active), sound(2, active), sound(3, active)))
	made := b.migrate(refs)
	product := func(n int, key string) func() {
		return func() { b.edit(made[n].EntitlementID, func(e *resaleapi.Entitlement) { e.ProductKey = key }) }
	}
	product(0, "nova-family")()
	product(1, "nova-family")()
	b.acts = changing(b, map[int]func(){2: func() { product(0, "nova-basic")(); product(2, "nova-family")() }})
	res := run[ReconcileResult](b, ReconcileName, ReconcileInput{Migration: "acme"})
	require.Equal(t, []int{3, 1, 1, 1}, []int{res.Checked, res.Different, res.Differing, res.Forgiven})
	require.Equal(t, []migration.DifferenceKind{
		{Result: "Error: ProductKey is different", Count: 1, Examples: []string{"ext-0002"}},
	}, res.Kinds)
	require.Equal(t, "1 of 3 migrated records differ at the target from the file; 1 × ProductKey is different (ext-0002)", res.Says())
	says, _ := b.correlation()
	require.Equal(t, migrationfile.CorrelationOK, says["ext-0001"])
	require.Equal(t, migration.ByGroup{Active: 3}, res.Found)
}

// The wait before the second look ends with the activity.
func TestReconcileWaitsBeforeItLooksAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	made := b.migrate(b.stage("acme", array(sound(1, active))))
	b.edit(made[0].EntitlementID, func(e *resaleapi.Entitlement) { e.ProductKey = "nova-family" })
	b.acts = changing(b, map[int]func(){1: b.cancel, 2: func() { t.Error("it did not wait") }})
	_, err := b.env().ExecuteActivity(ReconcileName, ReconcileInput{Migration: "acme", SecondLookSeconds: new(24 * 3600)})
	require.Error(t, err)
	require.NotContains(t, b.keys(folder), folder+migration.FileCorrelation)
}

// An entitlement that has lost its external id is looked for by its own; one
// that is gone is missing.
func TestReconcileFindsByItsOwnID(t *testing.T) {
	t.Parallel()
	b := setup(t)
	made := b.migrate(b.stage("acme", array(sound(1, active), sound(2, active))))
	b.edit(made[0].EntitlementID, func(e *resaleapi.Entitlement) { e.ExternalEntitlementID = new("another") })
	require.NoError(t, b.box.Remove(made[1].EntitlementID))
	run[ReconcileResult](b, ReconcileName, ReconcileInput{Migration: "acme"})
	says, _ := b.correlation()
	require.Equal(t, map[string]string{
		"ext-0001": "Error: ExternalEntitlementId is different", "ext-0002": migrationfile.CorrelationMissing,
	}, says)
}

// Reports are asked for a hundred ids at once, whatever the batches are like.
func TestReconcileReadsByFullPages(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.settings.BatchSize = 7
	b.acts = New(Options{Store: b.store, Target: b.target, Defaults: b.settings, Namespace: "default", Now: b.clock.Now})
	const n = 250
	for _, ref := range b.stage("acme", array(sounds(n)...)) {
		var outcomes []migration.Outcome
		for i := range ref.Count {
			o := outcome(ref.First+i, migration.Migrated)
			o.EntitlementID = someID
			outcomes = append(outcomes, o)
		}
		b.write(ref, "", outcomes...)
	}
	look := run[Look](b, LookAtBatchesName, LookAtBatchesInput{Migration: "acme", From: 1, To: 1000})
	require.EqualValues(t, 3, b.stats().Calls["report"])
	require.Len(t, look.Again, againLimit, "all are missing, and a history holds so many")
	require.Equal(t, &Stretch{First: againLimit + 1, Last: n}, look.Rest)
	require.Equal(t, n, look.Looked)
	later := b.reconciledLater("acme")
	require.Equal(t, []int{n, n, n}, []int{later.Checked, later.Different(), later.Differing}, "none is lost, none counted twice")
	require.Equal(t, migration.ByGroup{Suspended: n}, later.Expected)
	require.Zero(t, later.Found)
	require.Len(t, later.Differences, migration.MaxListed)
	require.Len(t, lines(b.file("acme", migration.ReconciliationFile(start, ".csv"))), n+1)
	for name, info := range later.Files {
		if strings.HasSuffix(name, ".csv") {
			b.requireInfo("acme", name, info)
		}
	}
}

func TestOpenReconciliation(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*bundle)
		says   string
	}{
		"over":        {func(*bundle) {}, ""},
		"open":        {func(b *bundle) { b.remove(migration.FileSummary) }, "may still run"},
		"not planned": {func(b *bundle) { b.remove(migration.FilePlan) }, "nothing was sent"},
		"rejected": {func(b *bundle) {
			b.put(migration.Key("acme", migration.FileSummary), []byte(`{"result":"REJECTED"}`))
		}, "rejected"},
		"elsewhere": {func(b *bundle) {
			b.settings.Environment = "production"
			b.acts = New(Options{Store: b.store, Target: b.target, Defaults: b.settings, Namespace: "default", Now: b.clock.Now})
		}, `"sandbox", and the workers reach "production"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.stage("acme", array(sounds(7)...))
			b.put(migration.Key("acme", migration.FileSummary), []byte(`{"result":"COMPLETED","settings":{"requestsPerSecond":5}}`))
			c.change(b)
			in := OpenReconciliationInput{Migration: "acme"}
			if c.says == "" {
				require.Equal(t, OpenReconciliationResult{Route: "acme-nova", Records: 7, Batches: 2, RequestsPerSecond: 5},
					run[OpenReconciliationResult](b, OpenReconciliationName, in))
				return
			}
			f := refused(b, OpenReconciliationName, in)
			requireFault(t, f, fault.Final, fault.CodeBadInput)
			require.Contains(t, f.Message, c.says)
		})
	}
}

func (b *bundle) remove(name string) {
	b.t.Helper()
	require.NoError(b.t, b.store.Delete(b.t.Context(), b.store.Work(migration.Key("acme", name))))
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
	differs := stopped(4, entitlement.Create)
	differs.Code, differs.Message, differs.Retryable = fault.CodeTargetDiffers, "the target has this entitlement with another productKey", false
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
