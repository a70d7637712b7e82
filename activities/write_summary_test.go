package activities

import (
	"context"
	"encoding/json"
	"path"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/objectstore"
)

func summary() migration.Summary {
	return migration.Summary{
		Migration: "acme", File: "s3://partner/a.json", Route: "acme-nova",
		Phase: migration.Done, Result: migration.Completed, Records: 3,
		Outcomes: migration.Outcomes{Migrated: 3}, StartedAt: new(start), FinishedAt: new(start.Add(time.Minute)),
		Errors: []migration.ErrorGroup{}, Audit: []migration.AuditEntry{},
		Files: map[string]migration.FileInfo{migration.FilePlan: {URI: "s3://work/plan.json", Bytes: 7, SHA256: "ab"}},
	}
}

func TestWriteSummaryComesLast(t *testing.T) {
	t.Parallel()
	s := &brokenStore{}
	b := setup(t, broken(s))
	var order []string
	s.put = func(_ context.Context, loc objectstore.Location, _ []byte) error {
		order = append(order, path.Base(loc.Key))
		return nil
	}
	in := WriteSummaryInput{Summary: summary(), Audit: []migration.AuditEntry{
		{At: start, By: "kim", Action: "pause", Reason: "merchant asked: <wait>"},
		{At: start.Add(time.Second), By: "kim", Action: "set-limits", Detail: "consecutive 10 → 0"},
	}}
	files := run[map[string]migration.FileInfo](b, WriteSummaryName, in)
	require.Equal(t, []string{migration.FileAudit, migration.FileSummary}, order)
	require.Len(t, files, 2)
	require.Equal(t, in.Summary.Files[migration.FilePlan], files[migration.FilePlan])
	b.requireInfo("acme", migration.FileAudit, files[migration.FileAudit])

	var got migration.Summary
	require.NoError(t, json.Unmarshal(b.file("acme", migration.FileSummary), &got))
	want := summary()
	want.Files = files
	require.Equal(t, want, got)
	audit := lines(b.file("acme", migration.FileAudit))
	require.Len(t, audit, 2)
	require.JSONEq(t, `{"at":"2026-11-21T12:00:00Z","by":"kim","action":"pause","reason":"merchant asked: <wait>"}`, audit[0])
	require.Contains(t, audit[0], "<wait>", "people read it")
}

func TestWriteSummaryWithNothingToTell(t *testing.T) {
	t.Parallel()
	b := setup(t)
	sum := summary()
	sum.Files = nil
	require.Empty(t, run[map[string]migration.FileInfo](b, WriteSummaryName, WriteSummaryInput{Summary: sum}))
	require.Equal(t, []string{folder + migration.FileSummary}, b.keys(folder))
	require.Contains(t, string(b.file("acme", migration.FileSummary)), `"files": {}`)
}

// A summary is the sign that all is there.
func TestWriteSummaryIsNotWrittenAlone(t *testing.T) {
	t.Parallel()
	s := &brokenStore{}
	b := setup(t, broken(s))
	lose := once(away())
	s.put = func(_ context.Context, loc objectstore.Location, _ []byte) error {
		if path.Base(loc.Key) == migration.FileAudit {
			return lose()
		}
		return nil
	}
	in := WriteSummaryInput{Summary: summary(), Audit: []migration.AuditEntry{{At: start, By: "kim", Action: "abort"}}}
	requireFault(t, refused(b, WriteSummaryName, in), fault.Retryable, fault.CodeStoreFault)
	require.Empty(t, b.keys(folder))
	run[any](b, WriteSummaryName, in)
	require.Len(t, b.keys(folder), 2)
}
