package activities

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/migrationfile"
	"github.com/f0a90b9a/ferry/internal/sandbox"
)

func TestLoadBatchGivesReferences(t *testing.T) {
	t.Parallel()
	b := setup(t)
	refs := b.stage("acme", array(sounds(7)...))
	require.Len(t, refs, 2)
	body := b.file("acme", migration.FileRecords)
	number := 0
	for _, ref := range refs {
		for _, rec := range run[[]BatchRecord](b, LoadBatchName, ref) {
			number++
			require.Equal(t, number, rec.Record)
			require.Equal(t, entitlement.Suspended, rec.Status)
			require.Equal(t, []entitlement.Step{entitlement.Create, entitlement.Activate, entitlement.Suspend}, rec.Steps)
			line := body[rec.At.Offset : rec.At.Offset+rec.At.Length]
			decoded, err := migrationfile.Decode(line)
			require.NoError(t, err)
			require.Equal(t, rec.ExternalEntitlementID, decoded.ExternalEntitlementID)
		}
	}
	require.Equal(t, 7, number)
}

// tampered are changes of records.ndjson behind Ferry's back that keep its
// length.
func tampered() map[string]func(body []byte) []byte {
	return map[string]func([]byte) []byte{
		"rubbish": func(body []byte) []byte { return bytes.Repeat([]byte("cust-private;"), len(body))[:len(body)] },
		"a line less": func(body []byte) []byte {
			return bytes.Replace(body, []byte("}\n{"), []byte("} {"), 1)
		},
		"a line more": func(body []byte) []byte {
			end := bytes.IndexByte(body, '\n')
			return append([]byte("{}\n{"+strings.Repeat(" ", end-5)+"}"), body[end:]...)
		},
		"half a record": func(body []byte) []byte {
			return append(bytes.Repeat([]byte(" "), 50), body[50:]...)
		},
		"a blank line": func(body []byte) []byte {
			end := bytes.IndexByte(body, '\n')
			return append(bytes.Repeat([]byte("\n"), end), body[end:]...)
		},
		"another type": func(body []byte) []byte {
			return bytes.Replace(body, []byte(`"cust-private-1"`), []byte(`["cust-private"]`), 1)
		},
	}
}

func TestTamperedRecordsEndABatchAndSayNothing(t *testing.T) {
	t.Parallel()
	for name, change := range tampered() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			refs := b.stage("acme", array(sounds(3)...))
			sane := b.file("acme", migration.FileRecords)
			bad := change(bytes.Clone(sane))
			require.NotEqual(t, sane, bad)
			b.put(folder+migration.FileRecords, bad)
			for activity, in := range map[string]any{
				LoadBatchName:      refs[0],
				LookUpBatchName:    LookUpBatchInput{BatchRef: refs[0]},
				ResolveRecordsName: ResolveRecordsInput{BatchRef: refs[0]},
				WriteOutcomesName:  WriteOutcomesInput{BatchRef: refs[0]},
				WriteReportsName:   WriteReportsInput{Migration: "acme"},
			} {
				f := refused(b, activity, in)
				requireFault(t, f, fault.Final, fault.CodeStoreFault)
				require.Contains(t, f.Message, "in records.ndjson is not what was staged")
				require.NotContains(t, f.Cause.Error(), "private")
			}
			require.NotContains(t, b.keys(folder), folder+migration.FileReload)

			b.put(folder+migration.FileRecords, sane)
			require.Len(t, run[[]BatchRecord](b, LoadBatchName, refs[0]), 3, "who repairs the file is believed")
		})
	}
}

func TestRecordsThatAreCutOffEndABatch(t *testing.T) {
	t.Parallel()
	b := setup(t)
	refs := b.stage("acme", array(sounds(7)...))
	body := b.file("acme", migration.FileRecords)
	b.put(folder+migration.FileRecords, body[:len(body)-10])
	requireFault(t, refused(b, LoadBatchName, refs[1]), fault.Final, fault.CodeFileChanged)
	require.Len(t, run[[]BatchRecord](b, LoadBatchName, refs[0]), 5)
}

func TestLookUpBatchFindsWhatIsThere(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.settings.BatchSize = 250
	b.acts.defaults = b.settings
	ref := b.stage("acme", array(sounds(210)...))[0]
	require.Equal(t, 210, ref.Count)
	recs := run[[]BatchRecord](b, LoadBatchName, ref)
	want := []int{2, 100, 101, 210}
	for _, n := range want {
		run[any](b, PerformStepName, b.task(ref, recs[n-1]))
	}
	before := b.stats().Calls["report"]
	require.Equal(t, want, run[[]int](b, LookUpBatchName, LookUpBatchInput{BatchRef: ref}))
	require.Equal(t, int64(3), b.stats().Calls["report"]-before, "a call for each hundred")

	b.faults(func(f *sandbox.Faults) { f.Outage = true })
	requireFault(t, refused(b, LookUpBatchName, LookUpBatchInput{BatchRef: ref}), fault.Retryable, fault.CodeServiceUnavailable)
}

func TestListBatchesGivesPages(t *testing.T) {
	t.Parallel()
	b := setup(t)
	refs := b.stage("acme", array(sounds(23)...))
	require.Len(t, refs, 5)
	for _, c := range []struct{ from, limit, first, count int }{
		{1, 2, 1, 2}, {3, 2, 3, 2}, {5, 2, 5, 1}, {6, 2, 0, 0}, {99, 2, 0, 0}, {0, 3, 1, 3}, {1, 100, 1, 5},
	} {
		page := run[[]migrationfile.Batch](b, ListBatchesName, ListBatchesInput{Migration: "acme", From: c.from, Limit: c.limit})
		require.Len(t, page, c.count, "%+v", c)
		if c.count > 0 {
			require.Equal(t, c.first, page[0].Number, "%+v", c)
		}
	}
	requireFault(t, refused(b, ListBatchesName, ListBatchesInput{Migration: "else", From: 1, Limit: 9}), fault.Final, fault.CodeStoreFault)
}

// A plan that was changed by hand can't be repaired by trying again.
func TestListBatchesRefusesADamagedPlan(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(string) string{
		"no JSON": func(string) string { return "cust-private" },
		"a gap":   func(s string) string { return strings.Replace(s, `"first":6`, `"first":7`, 1) },
		"half":    func(s string) string { return s[:len(s)/2] },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.stage("acme", array(sounds(11)...))
			sane := string(b.file("acme", migration.FileBatches))
			require.NotEqual(t, sane, change(sane))
			b.put(folder+migration.FileBatches, []byte(change(sane)))
			b.acts.plans = newPlanCache(b.store) // another worker
			in := ListBatchesInput{Migration: "acme", From: 1, Limit: 9}
			f := refused(b, ListBatchesName, in)
			requireFault(t, f, fault.Final, fault.CodeStoreFault)
			require.Contains(t, f.Message, "batches.json is not what was written")
			require.NotContains(t, f.Cause.Error(), "private")
			b.put(folder+migration.FileBatches, []byte(sane))
			require.Len(t, run[[]migrationfile.Batch](b, ListBatchesName, in), 3)
		})
	}
}
