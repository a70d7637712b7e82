package activities

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
)

// closed is a migration that was claimed and imported, and nothing more.
func (b *bundle) closed(change func(*CheckStartInput)) {
	b.t.Helper()
	uri := b.upload("acme.json", array(sounds(7)...))
	in := CheckStartInput{Migration: "acme", File: uri, Route: "acme-nova"}
	if change != nil {
		change(&in)
	}
	checked := run[CheckStartResult](b, CheckStartName, in)
	run[migration.FileInfo](b, ClaimFileName, ClaimFileInput{
		Migration: "acme", File: uri, Environment: "sandbox", FirstRunID: "run-1", Route: "acme-nova", Parent: "first", DryRun: in.DryRun,
	})
	run[ImportFileResult](b, ImportFileName, ImportFileInput{
		Migration: "acme", File: uri, ETag: checked.ETag, Rules: checked.Rules, Settings: checked.Settings,
	})
}

var inspect = InspectMigrationInput{Migration: "acme"}

func TestInspectMigrationTellsWhatIsThere(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.closed(nil)
	b.put(folder+migration.FileAudit, []byte("{}\n"))
	res := run[InspectMigrationResult](b, InspectMigrationName, inspect)
	require.Equal(t, 7, res.Records)
	require.Equal(t, 2, res.Batches)
	require.Equal(t, "first", res.Parent)
	require.Equal(t, "acme-nova", res.Route)
	require.Equal(t, defaults(), res.Settings)
	require.True(t, strings.HasSuffix(res.File, "/acme.json"), res.File)
	require.Len(t, res.SHA256, 64)
	for _, name := range []string{migration.FileClaim, migration.FileRecords, migration.FileBatches, migration.FilePlan, migration.FileAudit} {
		b.requireInfo("acme", name, res.Files[name])
	}
	require.Len(t, res.Files, 5)
}

// Staged records may be many megabytes; their checksum is that of the whole.
func TestInspectMigrationReadsLargeFilesWhole(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.closed(nil)
	b.put(folder+migration.FileRecords, bytes.Repeat([]byte("0123456789"), 250_000))
	res := run[InspectMigrationResult](b, InspectMigrationName, inspect)
	b.requireInfo("acme", migration.FileRecords, res.Files[migration.FileRecords])
}

func TestInspectMigrationRefusesWhatCannotBeRebuilt(t *testing.T) {
	t.Parallel()
	remove := func(name string) func(*bundle) {
		return func(b *bundle) { require.NoError(b.t, b.store.Delete(b.t.Context(), b.store.Work(folder+name))) }
	}
	summary := func(r migration.Result) func(*bundle) {
		return func(b *bundle) {
			body, err := json.Marshal(migration.Summary{Migration: "acme", Result: r})
			require.NoError(b.t, err)
			b.put(folder+migration.FileSummary, body)
		}
	}
	for name, c := range map[string]struct {
		start  func(*CheckStartInput)
		change func(*bundle)
		code   string
		says   string
	}{
		"never claimed":     {nil, remove(migration.FileClaim), fault.CodeBadInput, "nothing was sent to the target"},
		"not imported":      {nil, remove(migration.FilePlan), fault.CodeBadInput, "nothing was sent to the target"},
		"a dry run":         {func(in *CheckStartInput) { in.DryRun = true }, func(*bundle) {}, fault.CodeBadInput, "a dry run"},
		"ended in order":    {nil, summary(migration.CompletedWithFailures), fault.CodeBadInput, "a summary of its own"},
		"another namespace": {nil, func(b *bundle) { b.acts.namespace = "elsewhere" }, fault.CodeBadInput, `namespace "default"`},
		"a changed plan":    {nil, func(b *bundle) { b.put(folder+migration.FilePlan, []byte("cust-private")) }, fault.CodeStoreFault, "plan.json is not what was written"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.closed(c.start)
			c.change(b)
			f := refused(b, InspectMigrationName, inspect)
			requireFault(t, f, fault.Final, c.code)
			require.Contains(t, f.Message, c.says)
			require.NotContains(t, f.Message, "private")
		})
	}
	t.Run("rebuilt before", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.closed(nil)
		summary(migration.Interrupted)(b)
		require.Equal(t, 7, run[InspectMigrationResult](b, InspectMigrationName, inspect).Records)
	})
}
