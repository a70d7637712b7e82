package cli

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/examples"
	"github.com/f0a90b9a/ferry/internal/cli/view"
	"github.com/f0a90b9a/ferry/internal/migrationfile"
)

// reports decodes what --json has printed.
func reports(t *testing.T, r ran) []view.Validation {
	t.Helper()
	var all []view.Validation
	require.NoError(t, json.Unmarshal([]byte(r.out), &all), r.out)
	return all
}

func TestValidateTellsScriptsOfEveryFile(t *testing.T) {
	t.Parallel()
	good, bad := writeFile(t, "good.json", string(examples.Acme200)), writeFile(t, "bad.json", badFile)
	missing := filepath.Join(t.TempDir(), "missing.json")
	r := setup(t).run("validate", bad, missing, good, "--route=acme-nova", "--json")
	require.Equal(t, exitUnable, r.code)
	require.Contains(t, r.errors, "missing.json: no such file")
	all := reports(t, r)
	require.Len(t, all, 3)
	for i, file := range []string{bad, missing, good} {
		require.Equal(t, file, all[i].File)
		require.Equal(t, file == good, all[i].OK)
	}
	require.Contains(t, all[1].Error, "no such file")
	require.Nil(t, all[1].Result)
	require.Equal(t, map[string]int{"REQUIRED": 3, "UNKNOWN_STATUS": 1}, all[0].ProblemCounts)
	require.NotEmpty(t, all[2].SHA256)

	one := reports(t, setup(t).run("validate", good, "--json"))
	require.Len(t, one, 1, "an array for a single file, too")
	require.Equal(t, all[2].SHA256, one[0].SHA256)
}

// What --json prints of a file is validation.json with two members more.
func TestValidateHasTheFormOfValidationJSON(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.in = badFile
	var printed []map[string]any
	require.NoError(t, json.Unmarshal([]byte(b.run("validate", "-", "--json").out), &printed))
	result, err := migrationfile.Import(t.Context(), strings.NewReader(badFile), migrationfile.ImportOptions{})
	require.NoError(t, err)
	text, err := json.Marshal(result)
	require.NoError(t, err)
	var stored map[string]any
	require.NoError(t, json.Unmarshal(text, &stored))
	stored["file"], stored["ok"] = "-", false
	require.Equal(t, stored, printed[0])
}

func TestValidateShowsSoManyProblems(t *testing.T) {
	t.Parallel()
	file := writeFile(t, "many.json", strings.Repeat("{}\n", 200))
	r := setup(t).run("validate", file)
	require.Equal(t, exitRejected, r.code)
	require.Equal(t, 100, strings.Count(r.out, " is required → "))
	require.Contains(t, r.out, "… and 1100 problems more; all of them by code:\n  REQUIRED  1200\n")
	require.Contains(t, r.out, "many.json: 200 records, rejected, 1200 problems\n")
	r = setup(t).run("validate", file, "--max-problems=7")
	require.Contains(t, r.out, "… and 1193 problems more")
	require.Len(t, reports(t, setup(t).run("validate", file, "--json"))[0].Problems, 1200)
}

func TestValidateFromTheTarget(t *testing.T) {
	t.Parallel()
	const pending = `{"externalEntitlementId":"e","customerIdentifier":"c","merchantAccountKey":"m","productKey":"p","status":"PENDING","dateCreated":"2024-01-01T00:00:00Z"}`
	b := setup(t)
	b.in = pending
	requireEnd(t, b.run("validate", "-", "--route=other", "--from-target"), exitUnable, "", "no target is configured")
	b.env = append(b.env, target(t)...)
	requireEnd(t, b.run("validate", "-", "--route=other", "--from-target"), exitOK, "accepted", "")
	requireEnd(t, b.run("validate", "-", "--route=unknown", "--from-target"), exitUnable, "", "the target doesn't know it")
	requireEnd(t, b.run("validate", "-", "--route=other"), exitUnable, "", "--from-target")
	requireEnd(t, b.run("validate", "-", "--route=acme-nova"), exitRejected, "UNKNOWN_MERCHANT", "")
}

func TestValidateAnObject(t *testing.T) {
	t.Parallel()
	store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/partner/input/acme-1.json" {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		w.Header().Set("ETag", `"e"`)
		w.Header().Set("Last-Modified", time.Unix(0, 0).UTC().Format(http.TimeFormat))
		w.Header().Set("Content-Length", strconv.Itoa(len(examples.Acme200)))
		_, _ = w.Write(examples.Acme200)
	}))
	t.Cleanup(store.Close)
	b := setup(t)
	b.env = append(b.env, "FERRY_S3_ENDPOINT="+store.URL, "FERRY_S3_ACCESS_KEY_ID=id", "FERRY_S3_SECRET_ACCESS_KEY=secret",
		"FERRY_S3_REGION=us-east-1", "FERRY_S3_PATH_STYLE=true")
	requireEnd(t, b.run("validate", "s3://partner/input/acme-1.json", "--route=acme-nova"), exitOK, "s3://partner/input/acme-1.json: 200 records, accepted", "")
	requireEnd(t, b.run("validate", "s3://partner/input/acme-2.json", "--route=acme-nova"), exitUnable, "", "s3://partner/input/acme-2.json")
}

func TestValidateNeedsPermission(t *testing.T) {
	t.Parallel()
	if os.Geteuid() == 0 {
		t.Skip("nothing is forbidden to root")
	}
	file := writeFile(t, "mine.json", "[]")
	require.NoError(t, os.Chmod(file, 0))
	requireEnd(t, setup(t).run("validate", file), exitUnable, "", "permission denied")
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

// An exit code of 0 would be a verdict that nobody has read.
func TestValidateNeedsItsOutput(t *testing.T) {
	t.Parallel()
	for _, more := range []string{"--json", "--max-problems=1"} {
		var errs strings.Builder
		s := Streams{In: strings.NewReader(string(examples.Acme200)), Out: full{}, Err: &errs}
		require.Equal(t, exitUnable, Run(t.Context(), []string{"validate", "-", "--route=acme-nova", more}, s))
		require.Contains(t, errs.String(), "no space left on device")
	}
}

// Nobody writes, and nobody ever will: an interruption ends the wait.
func TestValidateIsInterruptedWhileItWaits(t *testing.T) {
	t.Parallel()
	silent, writer := io.Pipe()
	t.Cleanup(func() { _ = writer.Close() })
	ctx, interrupt := context.WithCancel(t.Context())
	var out, errs strings.Builder
	ended := make(chan int)
	go func() {
		ended <- Run(ctx, []string{"validate", "-"}, Streams{In: silent, Out: &out, Err: &errs})
	}()
	_, err := writer.Write([]byte("[")) // by now it reads
	require.NoError(t, err)
	interrupt()
	require.Equal(t, exitInterrupted, <-ended)
	require.Empty(t, out.String())
	require.Empty(t, errs.String())
}
