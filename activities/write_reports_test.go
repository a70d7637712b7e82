package activities

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/migrationfile"
	"github.com/f0a90b9a/ferry/internal/objectstore"
)

const someID = "5a2e8f7c-1c8a-4e8f-9b4e-0a1b2c3d4e5f"

// write writes the outcomes of a batch; records that are not named were not
// attempted.
func (b *bundle) write(ref BatchRef, code string, outcomes ...migration.Outcome) {
	b.t.Helper()
	run[any](b, WriteOutcomesName, WriteOutcomesInput{BatchRef: ref, Outcomes: outcomes, Code: code})
}

// outcome is that of sound(n).
func outcome(n int, fate migration.Fate) migration.Outcome {
	var r struct {
		ExternalEntitlementID string `json:"externalEntitlementId"`
	}
	if err := json.Unmarshal([]byte(sound(n, nil)), &r); err != nil {
		panic(err)
	}
	return migration.Outcome{Record: n, ExternalEntitlementID: r.ExternalEntitlementID, Fate: fate, Status: "SUSPENDED"}
}

func failed(n int, step, code string) migration.Outcome {
	o := outcome(n, migration.Failed)
	o.Step, o.Code, o.HTTPStatus, o.Message, o.Attempts = "activate", code, 422, "no, \"never\"", 3
	if step != "" {
		o.Step = "create"
	}
	return o
}

func migratedAll(ref BatchRef) []migration.Outcome {
	var out []migration.Outcome
	for n := ref.First; n < ref.First+ref.Count; n++ {
		out = append(out, outcome(n, migration.Migrated))
	}
	return out
}

func TestWriteOutcomesFillsIn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ref := b.stage("acme", array(sounds(7)...))[1] // records 6 and 7
	at := start.Add(time.Minute)
	done := outcome(7, migration.Migrated)
	done.EntitlementID, done.StepsDone, done.Attempts, done.StartedAt = someID, nil, 1, &at
	in := WriteOutcomesInput{
		BatchRef: ref, Code: fault.CodeStoppedByLimit,
		Outcomes: []migration.Outcome{done, outcome(3, migration.Migrated)}, // of another batch
	}
	run[any](b, WriteOutcomesName, in)
	body := b.file("acme", "outcomes/000002.ndjson")
	var got []migration.Outcome
	for _, line := range lines(body) {
		var o migration.Outcome
		require.NoError(t, json.Unmarshal([]byte(line), &o))
		got = append(got, o)
	}
	require.Equal(t, []migration.Outcome{{
		Record: 6, ExternalEntitlementID: "ext-0006", Fate: migration.NotAttempted, Status: "SUSPENDED",
		Code: fault.CodeStoppedByLimit, Message: "an error limit stopped the run before this record", Retryable: true,
	}, done}, got)
	for _, value := range personal {
		require.NotContains(t, string(body), value)
	}
	run[any](b, WriteOutcomesName, in)
	require.Equal(t, string(body), string(b.file("acme", "outcomes/000002.ndjson")))
}

// mixed is a migration of twelve records with every kind of end: batch 1 and 2
// were opened, batch 3 was not.
func (b *bundle) mixed() WriteReportsInput {
	b.t.Helper()
	refs := b.stage("acme", array(sounds(12)...))
	partial := failed(3, "", fault.CodeNotAvailable)
	partial.EntitlementID = someID
	b.write(refs[0], fault.CodeAborted,
		outcome(1, migration.Migrated), failed(2, "create", fault.CodeNotAvailable), partial, outcome(4, migration.AlreadyMigrated))
	formula := failed(7, "create", fault.CodeNotAvailable)
	formula.Message, formula.Retryable = "=HYPERLINK(1)", true
	second := migratedAll(refs[1])
	second[1] = formula
	b.write(refs[1], "", second...)
	return WriteReportsInput{Migration: "acme", Opened: 2, Code: fault.CodeAborted}
}

func TestWriteReportsCountsEveryRecord(t *testing.T) {
	t.Parallel()
	b := setup(t)
	in := b.mixed()
	res := run[WriteReportsResult](b, WriteReportsName, in)
	require.Equal(t, 12, res.Records)
	require.Equal(t, migration.Outcomes{Migrated: 5, AlreadyMigrated: 1, Failed: 3, NotAttempted: 3}, res.Outcomes)
	require.Equal(t, res.Records, res.Outcomes.Total())
	require.Equal(t, 1, res.Partial)
	require.Equal(t, migration.ByGroup{Suspended: 6}, res.Migrated)
	require.Equal(t, migration.ByGroup{Suspended: 12}, res.Expected)
	require.Equal(t, []migration.ErrorGroup{
		{Code: fault.CodeNotAvailable, Step: "create", Count: 2, Examples: []string{"ext-0002", "ext-0007"}},
		{Code: fault.CodeNotAvailable, Step: "activate", Count: 1, Examples: []string{"ext-0003"}},
		{Code: fault.CodeAborted, Count: 3, Examples: []string{"ext-0005", "ext-0011", "ext-0012"}},
	}, res.Errors)
	require.Len(t, res.Files, 2)
	for name, info := range res.Files {
		b.requireInfo("acme", name, info)
	}

	contents := map[string]string{}
	for name := range res.Files {
		contents[name] = string(b.file("acme", name))
	}
	require.Equal(t, res, run[WriteReportsResult](b, WriteReportsName, in))
	for name, content := range contents {
		require.Equal(t, content, string(b.file("acme", name)), "a repeat is the same to the byte")
	}
}

func TestWriteReportsLeavesWhatIsToDo(t *testing.T) {
	t.Parallel()
	b := setup(t)
	run[any](b, WriteReportsName, b.mixed())
	left := []string{sound(5, nil), sound(11, nil), sound(12, nil), sound(2, nil), "", sound(7, nil)}
	left[4] = strings.Replace(sound(3, nil), "{", `{"entitlementId":"`+someID+`",`, 1)
	reload := b.file("acme", migration.FileReload)
	require.Equal(t, "[\n"+strings.Join(left, ",\n")+"\n]\n", string(reload), "as supplied, what was never attempted first, each in file order")

	rows, err := csv.NewReader(strings.NewReader(string(b.file("acme", migration.FileErrors)))).ReadAll()
	require.NoError(t, err)
	hint := migration.Hint(fault.CodeNotAvailable)
	aborted := func(n, external string) []string {
		return []string{
			n, external, "", "NOT_ATTEMPTED", "", fault.CodeAborted, "",
			"the run was aborted before this record", "false", "true", "0", migration.Hint(fault.CodeAborted),
		}
	}
	require.Equal(t, [][]string{
		{"2", "ext-0002", "", "FAILED", "create", "NOT_AVAILABLE", "422", `no, "never"`, "false", "false", "3", hint},
		{"3", "ext-0003", someID, "FAILED", "activate", "NOT_AVAILABLE", "422", `no, "never"`, "true", "false", "3", migration.HintAt(fault.CodeNotAvailable, true)},
		{"7", "ext-0007", "", "FAILED", "create", "NOT_AVAILABLE", "422", "'=HYPERLINK(1)", "false", "true", "3", hint},
		aborted("5", "ext-0005"),
		aborted("11", "ext-0011"),
		aborted("12", "ext-0012"),
	}, rows[1:])

	again := b.importInput("again", b.upload("reload.json", reload))
	again.Parent = "acme"
	res := run[ImportFileResult](b, ImportFileName, again)
	require.Nil(t, res.Problems, "a reload is a valid migration file")
	require.Equal(t, 6, res.Records)
}

// The causes come first, whatever the records' places in the file: what failed,
// what waits for something of its own, what was cut off, what was never tried.
// The reload turns it round, so that what failed before is not its first wave.
func TestWriteReportsOrdersByWhatIsToDo(t *testing.T) {
	t.Parallel()
	b := setup(t)
	refs := b.stage("acme", array(sounds(12)...))
	other := outcome(4, migration.NotAttempted)
	other.Code = fault.CodeInAnotherMigration
	b.write(refs[0], fault.CodeStoppedByLimit, outcome(1, migration.Migrated), failed(2, "", fault.CodeInterrupted), other)
	second := migratedAll(refs[1])
	second[4] = failed(10, "create", fault.CodeNotAvailable)
	b.write(refs[1], "", second...)
	res := run[WriteReportsResult](b, WriteReportsName, WriteReportsInput{Migration: "acme", Opened: 2, Code: fault.CodeStoppedByLimit})

	rows, err := csv.NewReader(strings.NewReader(string(b.file("acme", migration.FileErrors)))).ReadAll()
	require.NoError(t, err)
	var order []string
	for _, row := range rows[1:] {
		order = append(order, row[0]+" "+row[5])
	}
	require.Equal(t, []string{
		"10 NOT_AVAILABLE", "4 IN_ANOTHER_MIGRATION", "2 INTERRUPTED",
		"3 STOPPED_BY_LIMIT", "5 STOPPED_BY_LIMIT", "11 STOPPED_BY_LIMIT", "12 STOPPED_BY_LIMIT",
	}, order)
	var reload []struct{ ExternalEntitlementID string }
	require.NoError(t, json.Unmarshal(b.file("acme", migration.FileReload), &reload))
	order = nil
	for _, r := range reload {
		order = append(order, strings.TrimPrefix(r.ExternalEntitlementID, "ext-00"))
	}
	require.Equal(t, []string{"03", "04", "05", "11", "12", "02", "10"}, order)
	info := res.Files[migration.FileReload]
	require.Equal(t, [2]int{7, 5}, [2]int{info.Records, info.NotAttempted}, "the summary tells where the failed ones begin")
}

// A reload names the entitlement that its record resumes; if it is lost there,
// the rows still say which it was.
func TestWriteReportsKeepsTheIDOfAReload(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ref := b.stage("acme", array(sound(1, map[string]any{"entitlementId": someID})))[0]
	b.write(ref, "", failed(1, "create", fault.CodeEntitlementNotFound))
	res := run[WriteReportsResult](b, WriteReportsName, WriteReportsInput{Migration: "acme", Opened: 1})
	require.Zero(t, res.Partial)
	require.Contains(t, string(b.file("acme", migration.FileErrors)), "\r\n1,ext-0001,"+someID+",FAILED,")
	require.Equal(t, 1, strings.Count(string(b.file("acme", migration.FileReload)), someID))
}

// The file format takes UUIDs alone. A target with other ids must not keep the
// reports from being written: the record is found again by its external id.
func TestWriteReportsOutlivesAnIDThatIsNoUUID(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ref := b.stage("acme", array(sounds(1)...))[0]
	o := failed(1, "", fault.CodeNotAvailable)
	o.EntitlementID = "ent-17"
	b.write(ref, "", o)
	res := run[WriteReportsResult](b, WriteReportsName, WriteReportsInput{Migration: "acme", Opened: 1})
	require.Equal(t, 1, res.Partial)
	require.Equal(t, "[\n"+sound(1, nil)+"\n]\n", string(b.file("acme", migration.FileReload)))
	require.Contains(t, string(b.file("acme", migration.FileErrors)), "\r\n1,ext-0001,ent-17,FAILED,")
}

func TestWriteReportsLeavesNothingWhenAllIsDone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	refs := b.stage("acme", array(sounds(7)...))
	for _, ref := range refs {
		b.write(ref, "", migratedAll(ref)...)
	}
	res := run[WriteReportsResult](b, WriteReportsName, WriteReportsInput{Migration: "acme", Opened: 2})
	require.Equal(t, migration.Outcomes{Migrated: 7}, res.Outcomes)
	require.Empty(t, res.Files)
	require.Equal(t, []migration.ErrorGroup{}, res.Errors)
	require.NotContains(t, b.keys(folder), folder+migration.FileReload)
	require.NotContains(t, b.keys(folder), folder+migration.FileErrors)
}

// An ACTIVE-ENDING whose end has passed is counted where the import and the
// target count it.
func TestWriteReportsCountsAnEndThatPassed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ending := map[string]any{"status": "ACTIVE-ENDING", "dateSuspended": nil, "dateEnded": start.Add(time.Hour).Format(time.RFC3339)}
	refs := b.stage("acme", array(sound(1, ending)))
	b.migrate(refs)
	in := WriteReportsInput{Migration: "acme", Opened: 1}
	require.Equal(t, migration.ByGroup{Active: 1}, run[WriteReportsResult](b, WriteReportsName, in).Migrated)
	b.clock.forward(2 * time.Hour)
	require.Equal(t, migration.ByGroup{Terminated: 1}, run[WriteReportsResult](b, WriteReportsName, in).Migrated)
	found := run[ReconcileResult](b, ReconcileName, ReconcileInput{Migration: "acme"}).Found
	require.Equal(t, migration.ByGroup{Terminated: 1}, found)
}

func TestWriteReportsMissesOutcomes(t *testing.T) {
	t.Parallel()
	outcomes := folder + "outcomes/000002.ndjson"
	for name, change := range map[string]func(*bundle, []string) string{
		"all": func(b *bundle, _ []string) string {
			require.NoError(b.t, b.store.Delete(b.t.Context(), b.store.Work(outcomes)))
			return "outcomes of batch 2 hold 0 records instead of 5"
		},
		"one": func(b *bundle, l []string) string {
			b.put(outcomes, join(l[:4]...))
			return "outcomes of batch 2 hold 4 records instead of 5"
		},
		"one, with a double": func(b *bundle, l []string) string {
			b.put(outcomes, join(append(l[:4], l[0])...))
			return "outcomes of batch 2 hold 4 records instead of 5"
		},
		"all, with rubbish": func(b *bundle, _ []string) string {
			b.put(outcomes, []byte("cust-private"))
			return "outcomes of batch 2 are not what was written"
		},
		"one, of another batch": func(b *bundle, l []string) string {
			b.put(outcomes, []byte(strings.Replace(string(join(l...)), `"record":6`, `"record":1`, 1)))
			return "outcomes of batch 2 are not what was written"
		},
		"a fate": func(b *bundle, l []string) string {
			b.put(outcomes, []byte(strings.Replace(string(join(l...)), `"MIGRATED"`, `"cust-private"`, 1)))
			return "outcomes of batch 2 are not what was written"
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			in := b.mixed()
			says := change(b, lines(b.object(outcomes)))
			f := refused(b, WriteReportsName, in)
			requireFault(t, f, fault.Final, fault.CodeStoreFault)
			require.Contains(t, f.Message, says)
			require.NotContains(t, f.Cause.Error(), "private")
			require.NotContains(t, b.keys(folder), folder+migration.FileReload)
			require.NotContains(t, b.keys(folder), folder+migration.FileErrors)
		})
	}
}

// What was interrupted while megabytes were on their way has no file at all.
func TestWriteReportsInterruptedLeavesNoFile(t *testing.T) {
	t.Parallel()
	for name, stop := range map[string]func(*bundle) func() error{
		"by the store": func(*bundle) func() error { return once(away()) },
		"by a cancel":  func(b *bundle) func() error { return func() error { b.cancel(); return nil } },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &brokenStore{}
			b := setup(t, broken(s))
			stopped := stop(b)
			s.readRange = func(ctx context.Context, loc objectstore.Location, offset, length int64) ([]byte, error) {
				if offset > 9<<20 {
					if err := stopped(); err != nil {
						return nil, err
					}
				}
				return s.Store.ReadRange(ctx, loc, offset, length)
			}
			b.stage("acme", bulky(240))
			before := b.keys(folder)
			in := WriteReportsInput{Migration: "acme", Code: fault.CodeAborted}
			_, err := b.env().ExecuteActivity(WriteReportsName, in)
			require.Error(t, err)
			require.Equal(t, before, b.keys(folder))

			b.ctx = context.Background()
			res := run[WriteReportsResult](b, WriteReportsName, in)
			require.Equal(t, migration.Outcomes{NotAttempted: 240}, res.Outcomes)
			b.requireInfo("acme", migration.FileReload, res.Files[migration.FileReload])
		})
	}
}

func TestReportsNameNobody(t *testing.T) {
	t.Parallel()
	b := setup(t)
	file := generate(t, migrationfile.GenOptions{Records: 30, Seed: 4, FailShare: 0.3})
	b.migrate(b.stage("acme", file))
	run[any](b, WriteReportsName, WriteReportsInput{Migration: "acme", Opened: 6})
	run[any](b, ReconcileName, ReconcileInput{Migration: "acme"})
	var records []map[string]any
	require.NoError(t, json.Unmarshal(file, &records))
	for _, name := range []string{migration.FileErrors, migration.FileCorrelation, migration.OutcomesFile(1), migration.FilePlan, migration.FileBatches} {
		body := string(b.file("acme", name))
		for _, r := range records {
			require.NotContains(t, body, r["customerIdentifier"], name)
			if url, ok := r["notificationUrl"].(string); ok {
				require.NotContains(t, body, url, name)
			}
		}
	}
}
