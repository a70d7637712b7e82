package view

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/migrationfile"
	"github.com/f0a90b9a/ferry/internal/routes"
	"github.com/f0a90b9a/ferry/internal/sandbox"
)

var updateGolden = flag.Bool("update", false, "rewrite the golden files")

// bundle writes into a buffer that is compared with a golden file.
type bundle struct{ out bytes.Buffer }

func setup(t *testing.T) *bundle {
	t.Helper()
	return &bundle{}
}

func (b *bundle) requireGolden(t *testing.T, name string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *updateGolden {
		require.NoError(t, os.WriteFile(path, b.out.Bytes(), 0o644))
	}
	golden, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(golden), b.out.String())
}

func at(hour, minute int) *time.Time {
	moment := time.Date(2026, 11, 21, hour, minute, 0, 0, time.UTC)
	return &moment
}

func finished() migration.Summary {
	return migration.Summary{
		Migration: "acme-1-5f2c9a10", File: "s3://partner/input/acme-1.json", Route: "acme-nova",
		Phase: migration.Done, Result: migration.StoppedByLimit, Reason: "10 failures in a row", Parent: "acme-0",
		Records:  1000,
		Outcomes: migration.Outcomes{Migrated: 385, AlreadyMigrated: 5, Failed: 10, NotAttempted: 600},
		Statuses: migration.Statuses{
			Pending: migration.StatusCount{Expected: 50, Migrated: 40, Found: new(40)},
			Active:  migration.StatusCount{Expected: 800, Migrated: 300, Found: new(299)},
		},
		Steps: migration.StepCounts{
			Create: migration.StepCount{Planned: 1000, Done: 394, Failed: 6}, Activate: migration.StepCount{Planned: 950, Done: 350, Failed: 4},
		},
		Partial: 4,
		Errors: []migration.ErrorGroup{
			{Code: "NOT_AVAILABLE", Step: "activate", Count: 7, Examples: []string{"ext-17", "ext-18", "ext-19", "ext-20"}},
			{Code: "STOPPED_BY_LIMIT", Count: 600},
		},
		Limits:    migration.LimitsState{Tripped: &migration.Tripped{Rule: migration.RuleConsecutive, First: 401, Last: 410}},
		Audit:     []migration.AuditEntry{{At: *at(10, 5), By: "kim", Action: "pause", Reason: "merchant asked"}},
		StartedAt: at(10, 0), FinishedAt: at(10, 12),
		Files: map[string]migration.FileInfo{
			"reload.json": {URI: "s3://ferry/migrations/acme-1-5f2c9a10/reload.json", Bytes: 5120},
			"errors.csv":  {URI: "s3://ferry/migrations/acme-1-5f2c9a10/errors.csv", Bytes: 900},
		},
	}
}

func TestSummary(t *testing.T) {
	t.Parallel()
	b := setup(t)
	Summary(&b.out, Style{}, finished())
	b.requireGolden(t, "summary")
}

func TestSummaryOfARunningMigration(t *testing.T) {
	t.Parallel()
	b := setup(t)
	s := finished()
	s.Phase, s.Result, s.Reason, s.FinishedAt = migration.Migrating, "", "", nil
	s.Errors, s.Files, s.Audit, s.Limits.Tripped, s.Parent, s.Partial = nil, nil, nil, nil, "", 0
	Summary(&b.out, Style{}, s)
	b.requireGolden(t, "running")
}

func TestSummaryOfARejectedFile(t *testing.T) {
	t.Parallel()
	b := setup(t)
	Summary(&b.out, Style{}, migration.Summary{
		Migration: "a", Result: migration.Rejected, Records: 3, Outcomes: migration.Outcomes{NotAttempted: 3},
		Problems: &migration.Problems{
			Total: 4, ByCode: map[string]int{"REQUIRED": 1, "BAD_DATE": 2, "DATE_ORDER": 1},
			Warnings: map[string]int{"UNKNOWN_FIELD": 3},
		},
	})
	b.requireGolden(t, "rejected")
}

func TestColourIsOnlyForThoseWhoWantIt(t *testing.T) {
	t.Parallel()
	plainText, colored := setup(t), setup(t)
	Summary(&plainText.out, Style{}, finished())
	Summary(&colored.out, Style{Color: true}, finished())
	require.NotContains(t, plainText.out.String(), "\x1b")
	require.Contains(t, colored.out.String(), "\x1b[31mSTOPPED_BY_LIMIT\x1b[0m")
}

func TestNamesCannotMoveTheCursor(t *testing.T) {
	t.Parallel()
	b := setup(t)
	s := finished()
	s.Reason, s.File = "\x1b[2Jgone", "s3://partner/\x1b]0;x\a.json"
	s.Errors[0].Examples[0] = "a\r\nb"
	Summary(&b.out, Style{}, s)
	require.NotContains(t, b.out.String(), "\x1b")
	require.NotContains(t, b.out.String(), "\a")
	require.NotContains(t, b.out.String(), "\r")
}

// What a terminal would obey, or hide, is written as its number.
func TestPlain(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"acme-März 1 – 契約":       "acme-März 1 – 契約",
		"a\x1b[2Jb":              `a\u001b[2Jb`,
		"a\nferry: all is well":  `a\u000aferry: all is well`,
		"cod\u202etxt.exe":       `cod\u202etxt.exe`,
		"\ufeffid":               `\ufeffid`,
		"a\u200bb\u2028c\u0085d": `a\u200bb\u2028c\u0085d`,
		"tag\U000e0041":          `tag\U000e0041`,
		"half\xff\ufffd":         "half\\xff\ufffd",
	} {
		require.Equal(t, want, Plain(given))
	}
	require.Equal(t, "a\nb\\u0009c", PlainLines("a\nb\tc"))
}

func TestList(t *testing.T) {
	t.Parallel()
	b := setup(t)
	List(&b.out, Style{}, []Entry{
		{Migration: "acme-2-11111111", State: "RUNNING", Route: "acme-nova", StartedAt: at(11, 0)},
		{
			Migration: "acme-1-5f2c9a10", State: "COMPLETED_WITH_FAILURES", Route: "acme-nova", StartedAt: at(10, 0),
			Records: 1000, Outcomes: migration.Outcomes{Failed: 10},
		},
		{Migration: "lost", State: "INTERRUPTED"},
	})
	b.requireGolden(t, "list")
}

func TestRoute(t *testing.T) {
	t.Parallel()
	b := setup(t)
	Route(&b.out, routes.AcmeNova())
	b.requireGolden(t, "route")
}

func TestValidationReport(t *testing.T) {
	t.Parallel()
	b := setup(t)
	WriteValidation(&b.out, Style{}, NewValidation("acme-1.json", &migrationfile.Result{
		Records:       12,
		ProblemCounts: map[string]int{"REQUIRED": 2, "TRUNCATED": 1},
		Problems: []migrationfile.Problem{
			{Record: 3, Line: 4, Column: 2, ExternalEntitlementID: "ext-3", Pointer: "/status", Code: "REQUIRED", Message: "status is missing", Hint: "give one"},
			{Line: 40, Column: 1, Code: "TRUNCATED", Message: "the file ends too early"},
		},
		Warnings: []migrationfile.Warning{{Code: "UNKNOWN_FIELD", Field: "colour", Count: 7, Record: 1, Line: 2, Message: "colour is unknown"}},
	}))
	WriteValidation(&b.out, Style{}, NewValidation("good.json", &migrationfile.Result{
		Records: 2, Statuses: map[entitlement.Status]int{entitlement.Revoked: 1, entitlement.Pending: 1},
	}))
	b.requireGolden(t, "validation")
}

func TestBooks(t *testing.T) {
	t.Parallel()
	b := setup(t)
	Books(&b.out, sandbox.Stats{
		Calls: map[string]int64{"create": 20, "activate": 10, "get": 0}, Effective: map[string]int64{"create": 19},
		Rejected: 1, Entitlements: map[entitlement.Status]int64{entitlement.Active: 19},
	})
	b.requireGolden(t, "books")
}

func TestUnits(t *testing.T) {
	t.Parallel()
	for d, expected := range map[time.Duration]string{1234 * time.Millisecond: "1.2s", 75400 * time.Millisecond: "1m15s"} {
		require.Equal(t, expected, Duration(d))
	}
	require.Equal(t, "-", Moment(nil))
	require.Equal(t, "2026-11-21 10:05:00Z", Moment(at(10, 5)))
}
