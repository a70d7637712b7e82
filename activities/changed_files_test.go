package activities

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
)

// told gives what the batches of mixed wrote, as their results would.
func (b *bundle) told(in WriteReportsInput) WriteReportsInput {
	b.t.Helper()
	in.Written, in.Alone = &migration.Written{}, true
	for batch := 1; batch <= in.Opened; batch++ {
		in.Written.Add(batch, migration.OutcomesSum(b.file("acme", migration.OutcomesFile(batch))))
	}
	in.Files = map[string]migration.FileInfo{}
	for _, name := range []string{migration.FileRecords, migration.FileBatches} {
		body := b.file("acme", name)
		in.Files[name] = *fileInfo(b.store.Work(migration.Key("acme", name)), body)
	}
	return in
}

// restart gives the bundle another worker, which has nothing in memory.
func (b *bundle) restart() {
	b.acts = New(Options{Store: b.store, Target: b.target, Defaults: b.settings, Namespace: "default", Now: b.clock.Now})
}

func (b *bundle) editFile(name, from, to string) {
	b.t.Helper()
	body := b.file("acme", name)
	require.Contains(b.t, string(body), from)
	b.put(migration.Key("acme", name), bytes.Replace(body, []byte(from), []byte(to), 1))
}

// A fate, a record or a range that somebody changed in the bucket is not
// believed: the file is named, and nothing is reported.
func TestReportsBelieveNoChangedFile(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		file, from, to, says string
	}{
		"a failure made good":   {"outcomes/000002.ndjson", `"outcome":"FAILED"`, `"outcome":"MIGRATED"`, "outcomes/000002.ndjson was changed"},
		"another entitlement":   {"outcomes/000001.ndjson", someID[:8], "00000000", "outcomes/000001.ndjson was changed"},
		"another record":        {migration.FileRecords, `ext-0005`, `ext-9995`, "records.ndjson of migration acme is not what was written"},
		"another cut":           {migration.FileBatches, `"waves"`, ` "waves"`, "batches.json of migration acme is not what was written"},
		"outcomes of no batch":  {"outcomes/000003.ndjson", "", "", "outcomes/000003.ndjson was not written by this migration"},
		"nothing that was done": {"", "", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			in := b.told(b.mixed())
			switch {
			case c.file == "":
				require.Equal(t, 12, run[WriteReportsResult](b, WriteReportsName, in).Records)
				return
			case c.from == "":
				b.put(migration.Key("acme", c.file), b.file("acme", "outcomes/000001.ndjson"))
			default:
				b.editFile(c.file, c.from, c.to)
			}
			b.restart()
			f := refused(b, WriteReportsName, in)
			requireFault(t, f, fault.Final, fault.CodeStoreFault)
			require.Contains(t, f.Message, c.says)
			require.NotContains(t, b.keys(""), migration.Key("acme", migration.FileReload))
		})
	}
}

// What was put back is believed again: the run goes on when it is resumed.
func TestAFileThatWasPutBackIsBelievedAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	in := b.told(b.mixed())
	for name, change := range map[string][2]string{
		migration.FileBatches: {"{", " {"}, migration.FileRecords: {"ext-0005", "ext-9995"}, "outcomes/000001.ndjson": {"MIGRATED", "FAILED"},
	} {
		was := b.file("acme", name)
		b.editFile(name, change[0], change[1])
		b.restart()
		_ = refused(b, WriteReportsName, in)
		b.put(migration.Key("acme", name), was)
		require.Equal(t, 12, run[WriteReportsResult](b, WriteReportsName, in).Records)
	}
}

func TestAReadBackBelievesNoChangedOutcomes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	in := b.told(b.mixed())
	b.editFile("outcomes/000001.ndjson", `"outcome":"MIGRATED"`, `"outcome":"FAILED"`)
	for name, input := range map[string]any{
		ReadBackName:  ReadBackInput{Migration: "acme", From: 1, To: 2, Written: in.Written},
		ReconcileName: ReconcileInput{Migration: "acme", Written: in.Written, SecondLookSeconds: new(0)},
	} {
		f := refused(b, name, input)
		requireFault(t, f, fault.Final, fault.CodeStoreFault)
		require.Contains(t, f.Message, "outcomes/000001.ndjson was changed", name)
	}
}

// A rebuilding holds what is there against what the closed root knew, and makes
// anew what is not there.
func TestARebuildingBelievesNoChangedOutcomes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	in := b.told(b.mixed())
	rebuild := RebuildOutcomesInput{Migration: "acme", Route: "acme-nova", From: 1, To: 3, Written: in.Written}
	b.editFile("outcomes/000002.ndjson", `"outcome":"FAILED"`, `"outcome":"MIGRATED"`)
	f := refused(b, RebuildOutcomesName, rebuild)
	requireFault(t, f, fault.Final, fault.CodeStoreFault)
	require.Contains(t, f.Message, "outcomes/000002.ndjson was changed")
	require.NoError(t, b.store.Delete(t.Context(), b.store.Work(migration.Key("acme", "outcomes/000002.ndjson"))))
	require.Equal(t, 12, run[migration.Outcomes](b, RebuildOutcomesName, rebuild).Total())
}

// A later reconciliation goes by summary.json.
func TestALaterReconciliationBelievesNoChangedFile(t *testing.T) {
	t.Parallel()
	for file, change := range map[string][2]string{
		"outcomes/000001.ndjson": {`"outcome":"MIGRATED"`, `"outcome":"FAILED"`},
		migration.FileRecords:    {"ext-0005", "ext-9995"},
	} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			in := b.told(b.mixed())
			res := run[WriteReportsResult](b, WriteReportsName, in)
			b.put(migration.Key("acme", migration.FilePlan), []byte(`{"records":12,"batches":3,"route":"acme-nova","settings":{"environment":"sandbox"},"files":{}}`))
			run[any](b, WriteSummaryName, WriteSummaryInput{Summary: migration.Summary{
				Migration: "acme", Result: migration.Aborted, Files: in.Files, Written: res.Written,
			}})
			run[OpenReconciliationResult](b, OpenReconciliationName, OpenReconciliationInput{Migration: "acme"})
			look := LookAtBatchesInput{Migration: "acme", Route: "acme-nova", From: 1, To: 3}
			run[Look](b, LookAtBatchesName, look)
			b.editFile(file, change[0], change[1])
			_, openErr := b.env().ExecuteActivity(OpenReconciliationName, OpenReconciliationInput{Migration: "acme"})
			_, lookErr := b.env().ExecuteActivity(LookAtBatchesName, look)
			err := openErr
			if err == nil {
				err = lookErr
			}
			require.Error(t, err)
			f := fault.FromActivity(err)
			requireFault(t, f, fault.Final, fault.CodeStoreFault)
			require.Contains(t, f.Message, file)
		})
	}
}
