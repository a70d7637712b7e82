package cli

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/operator"
	"github.com/f0a90b9a/ferry/workflows"
)

const uri = "s3://partner/input/acme-1.json"

// withSource puts the source into the fake bucket.
func (b *bundle) withSource() *bundle {
	b.bucket.put("partner", "input/acme-1.json", "[]")
	return b
}

func TestStartSendsOnlyWhatWasGiven(t *testing.T) {
	t.Parallel()
	b := setup(t).withSource()
	r := b.run("start", uri, "--route", "acme-nova")
	requireEnd(t, r, exitOK, "Migration "+migration.IDFor(uri)+" has started.", "")
	require.Equal(t, []workflows.MigrateFileInput{{File: uri, Route: "acme-nova"}}, b.temporal.started)
	require.Equal(t, []string{migration.IDFor(uri)}, b.temporal.ids)
	require.Equal(t, 1, b.temporal.closed)
}

func TestStartOverridesSettings(t *testing.T) {
	t.Parallel()
	b := setup(t).withSource()
	r := b.run("start", uri, "--route=acme-nova", "--id=mine", "--dry-run", "--error-rate=0", "--max-failures=7",
		"--no-waves", "--no-reconcile=false", "--require-approval", "--per-batch=9", "--rps=12.5", "--json")
	require.Equal(t, exitOK, r.code, r.errors)
	require.Equal(t, []string{"mine"}, b.temporal.ids)
	yes, no, zero, seven, nine, rps := true, false, 0.0, 7, 9, 12.5
	require.Equal(t, workflows.MigrateFileInput{
		File: uri, Route: "acme-nova", DryRun: true,
		Limits:          &workflows.LimitsInput{ErrorRate: &zero, MaxFailures: &seven},
		Concurrency:     &workflows.ConcurrencyInput{PerBatch: &nine},
		Waves:           &no,
		Reconcile:       &yes,
		RequireApproval: &yes, RequestsPerSecond: &rps,
	}, b.temporal.started[0])
	var printed map[string]string
	require.NoError(t, json.Unmarshal([]byte(r.out), &printed))
	require.Equal(t, map[string]string{"migration": "mine", "runId": "run-1", "file": uri, "route": "acme-nova"}, printed)
}

func TestStartRefusesAnIDThatWasUsed(t *testing.T) {
	t.Parallel()
	id := migration.IDFor(uri)
	t.Run("as Temporal knows", func(t *testing.T) {
		t.Parallel()
		b := setup(t).withSource()
		b.temporal.runs[id] = operator.Run{ID: id, State: operator.Completed}
		requireEnd(t, b.run("start", uri, "--route=acme-nova"), exitUnable, "", "copy the file under a new name")
		require.Empty(t, b.temporal.started)
	})
	t.Run("as the bucket remembers", func(t *testing.T) {
		t.Parallel()
		b := setup(t).withSource()
		b.bucket.put("ferry", migration.Key(id, migration.FileClaim), "{}")
		requireEnd(t, b.run("start", uri, "--route=acme-nova"), exitUnable, "", fault.CodeMigrationIDUsed)
		require.Empty(t, b.temporal.started)
	})
}

func TestARunThatFailedBeforeItsClaimCostsNoName(t *testing.T) {
	t.Parallel()
	id := migration.IDFor(uri)
	failed := operator.Run{ID: id, State: operator.Failed}
	t.Run("nothing claimed", func(t *testing.T) {
		t.Parallel()
		b := setup(t).withSource()
		b.temporal.runs[id] = failed
		requireEnd(t, b.run("start", uri, "--route=acme-nova"), exitOK, "has started", "")
	})
	t.Run("claimed", func(t *testing.T) {
		t.Parallel()
		b := setup(t).withSource()
		b.temporal.runs[id] = failed
		b.bucket.put("ferry", migration.Key(id, migration.FileClaim), "{}")
		requireEnd(t, b.run("start", uri, "--route=acme-nova"), exitUnable, "", fault.CodeMigrationIDUsed)
	})
	t.Run("nobody can tell", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.bucket, b.env = nil, nil
		b.temporal.runs[id] = failed
		requireEnd(t, b.run("start", uri, "--route=acme-nova"), exitUnable, "", fault.CodeMigrationIDUsed)
	})
}

func TestStartLooksForTheFile(t *testing.T) {
	t.Parallel()
	requireEnd(t, setup(t).run("start", uri, "--route=acme-nova"), exitUnable, "", "FILE_NOT_FOUND")
	b := setup(t)
	b.bucket = nil // the worker will look
	b.env = nil
	require.Equal(t, exitOK, b.run("start", uri, "--route=acme-nova").code)
}

func TestStartWarnsWithoutAWorker(t *testing.T) {
	t.Parallel()
	b := setup(t).withSource()
	b.temporal.polls = false
	requireEnd(t, b.run("start", uri, "--route=acme-nova"), exitOK, "has started", "no worker is polling task queue ferry (start one, the program ferry-worker")
	require.Len(t, b.temporal.started, 1)
}

func TestStartUploads(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "acme-1.json")
	require.NoError(t, os.WriteFile(file, []byte("[{}]"), 0o600))
	t.Run("to the work bucket", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		requireEnd(t, b.run("start", "--upload", file, "--route=acme-nova"), exitOK, "started", "Uploaded")
		require.Equal(t, "[{}]", b.bucket.objects["ferry/input/acme-1.json"])
		require.Equal(t, "s3://ferry/input/acme-1.json", b.temporal.started[0].File)
	})
	t.Run("to the place given", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		require.Equal(t, exitOK, b.run("start", uri, "--upload", file, "--route=acme-nova").code)
		require.Equal(t, "[{}]", b.bucket.objects["partner/input/acme-1.json"])
	})
	t.Run("the same content again", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.bucket.put("partner", "input/acme-1.json", "[{}]")
		requireEnd(t, b.run("start", uri, "--upload", file, "--route=acme-nova"), exitOK, "started", "")
	})
	for name, there := range map[string]string{"other content": "[[]]", "another size": "[]"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.bucket.put("partner", "input/acme-1.json", there)
			requireEnd(t, b.run("start", uri, "--upload", file, "--route=acme-nova"), exitUnable, "", "another file is there already")
			require.Equal(t, there, b.bucket.objects["partner/input/acme-1.json"])
			require.Empty(t, b.temporal.started)
		})
	}
	t.Run("no such file", func(t *testing.T) {
		t.Parallel()
		requireEnd(t, setup(t).run("start", uri, "--upload", file+"x", "--route=acme-nova"), exitUnable, "", "no such file")
	})
	t.Run("nowhere to", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.env, b.bucket = nil, nil
		requireEnd(t, b.run("start", "--upload", file, "--route=acme-nova"), exitUnable, "", "set s3.work_bucket")
		requireEnd(t, b.run("start", uri, "--upload", file, "--route=acme-nova"), exitUnable, "", "no object store is configured")
	})
}

func TestStartAndWaitEndsWithTheResult(t *testing.T) {
	t.Parallel()
	id := migration.IDFor(uri)
	for answer, code := range resultCodes {
		t.Run(string(answer), func(t *testing.T) {
			t.Parallel()
			b := setup(t).withSource()
			s := migration.Summary{Migration: id, Phase: migration.Done, Result: answer, Records: 3}
			b.temporal.results[id] = result{summary: s}
			r := b.run("start", uri, "--route=acme-nova", "--wait", "--json")
			require.Equal(t, code, r.code, r.errors)
			var printed migration.Summary
			require.NoError(t, json.Unmarshal([]byte(r.out), &printed))
			require.Equal(t, s, printed)
			require.Contains(t, r.errors, "DONE  0 of 3 records")
		})
	}
}

func TestStartAndWaitOfARunThatFails(t *testing.T) {
	t.Parallel()
	b := setup(t).withSource()
	b.temporal.results["mine"] = result{err: &operator.FailedError{Migration: "mine", Code: fault.CodeFileNameUsed, Message: "was migrated before"}}
	r := b.run("start", uri, "--route=acme-nova", "--wait", "--id=mine")
	requireEnd(t, r, exitUnable, "", "ferry: mine: FILE_NAME_USED: was migrated before (a file name is good once; copy it under a new name)")
}

func TestInterruptionEndsTheWaitingOnly(t *testing.T) {
	t.Parallel()
	b := setup(t).withSource()
	ctx, interrupt := context.WithCancel(t.Context())
	b.ctx, b.temporal.onResult = ctx, interrupt
	r := b.run("start", uri, "--route=acme-nova", "--wait", "--id=mine")
	requireEnd(t, r, exitInterrupted, "", "migration mine: goes on without you (follow it again with 'ferry watch mine')")
	require.Empty(t, b.temporal.updates)
}

func TestDryRunIDs(t *testing.T) {
	t.Parallel()
	in := workflows.MigrateFileInput{File: "s3://partner/a-very-long-name-that-goes-on-and-on-and-on-and-on-and-on-and-on-and-on.json", DryRun: true}
	first := operator.NewID(in, time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC))
	require.True(t, migration.ValidID(first), first)
	require.Regexp(t, "-dry-20261121T100000Z$", first)
	require.NotEqual(t, first, operator.NewID(in, time.Date(2026, 11, 21, 10, 0, 1, 0, time.UTC)))
	for n := 40; n < 70; n++ {
		dashed := workflows.MigrateFileInput{File: "s3://p/" + strings.Repeat("a", n-30) + strings.Repeat("-", 20) + strings.Repeat("b", 10) + ".json", DryRun: true}
		require.True(t, migration.ValidID(operator.NewID(dashed, time.Now())), "a cut may leave a dash in front")
	}
	short := operator.NewID(workflows.MigrateFileInput{File: uri, DryRun: true}, time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC))
	require.Equal(t, migration.IDFor(uri)+"-dry-20261121T100000Z", short)
}

func TestNoServer(t *testing.T) {
	t.Parallel()
	b := setup(t).withSource()
	b.dialErr = os.ErrDeadlineExceeded
	requireEnd(t, b.run("start", uri, "--route=acme-nova"), exitUnable, "", "ferry: ")
}
