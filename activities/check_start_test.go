package activities

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/objectstore"
	"github.com/f0a90b9a/ferry/internal/routes"
	"github.com/f0a90b9a/ferry/internal/sandbox"
)

// startInput is a start that nothing is wrong with.
func (b *bundle) startInput() CheckStartInput {
	b.t.Helper()
	return CheckStartInput{Migration: "acme-1", File: b.upload("acme-1.json", array(sounds(1)...)), Route: "acme-nova"}
}

func TestCheckStartTellsWhatTheRunGoesBy(t *testing.T) {
	t.Parallel()
	b := setup(t)
	in := b.startInput()
	res := run[CheckStartResult](b, CheckStartName, in)
	loc, err := objectstore.ParseURI(in.File)
	require.NoError(t, err)
	object, err := b.store.Head(t.Context(), loc)
	require.NoError(t, err)
	require.Equal(t, CheckStartResult{
		Settings: b.settings, ETag: object.ETag, Bytes: object.Size, Rules: routes.AcmeNova(),
	}, res)
	require.Equal(t, []string{"probe/if-none-match"}, b.keys(""), "nothing is claimed yet")
	require.Zero(t, b.stats().Calls["create"])
}

func TestCheckStartOverlaysTheConfiguration(t *testing.T) {
	t.Parallel()
	b := setup(t)
	in := b.startInput()
	in.DryRun = true
	in.RequireApproval, in.Reconcile, in.Waves = new(true), new(false), new(true)
	in.ApproveFirstWave = new(true)
	in.ErrorRate, in.MinSample, in.Consecutive, in.MaxFailures = new(0.25), new(7), new(0), new(99)
	in.Batches, in.PerBatch, in.RequestsPerSecond = new(2), new(3), new(12.5)
	want := b.settings
	want.DryRun, want.RequireApproval, want.Reconcile, want.Waves = true, true, false, true
	want.ApproveFirstWave = true
	want.Limits = migration.Limits{ErrorRate: 0.25, MinSample: 7, Consecutive: 0, MaxFailures: 99}
	want.Concurrency = migration.Concurrency{Batches: 2, PerBatch: 3}
	want.RequestsPerSecond = 12.5
	require.Equal(t, want, run[CheckStartResult](b, CheckStartName, in).Settings)

	one := b.startInput()
	one.PerBatch = new(8)
	want = b.settings
	want.Concurrency.PerBatch = 8
	require.Equal(t, want, run[CheckStartResult](b, CheckStartName, one).Settings, "the rest stays")
}

func TestCheckStartRefusesBadInput(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for name, c := range map[string]struct {
		change func(*CheckStartInput)
		says   string
	}{
		"not S3":         {func(in *CheckStartInput) { in.File = "http://a/b" }, `"http://a/b" is not the URI of an S3 object`},
		"a bucket alone": {func(in *CheckStartInput) { in.File = "s3://partner" }, "the key is missing"},
		"a folder":       {func(in *CheckStartInput) { in.File = "s3://partner/in/" }, "names a folder"},
		"a key too long for the ledger": {
			func(in *CheckStartInput) {
				in.File = "s3://partner/" + strings.Repeat("a/", 500) + strings.Repeat("b", 3)
			}, "too long by 2 bytes for the ledger of used names, which keeps it under ledger/sandbox/partner/",
		},
		"an id with a blank":  {func(in *CheckStartInput) { in.Migration = "a b" }, `workflow id "a b" can't name a migration`},
		"an id with a slash":  {func(in *CheckStartInput) { in.Migration = "../a" }, "can't name a migration"},
		"a long id":           {func(in *CheckStartInput) { in.Migration = strings.Repeat("a", 81) }, "can't name a migration"},
		"no route":            {func(in *CheckStartInput) { in.Route = "" }, "route is missing"},
		"rate":                {func(in *CheckStartInput) { in.ErrorRate = new(1.1) }, "limits.errorRate 1.1"},
		"sample":              {func(in *CheckStartInput) { in.MinSample = new(-1) }, "limits.minSample -1"},
		"in a row":            {func(in *CheckStartInput) { in.Consecutive = new(-2) }, "limits.consecutive -2"},
		"failures":            {func(in *CheckStartInput) { in.MaxFailures = new(-3) }, "limits.maxFailures -3"},
		"no batch":            {func(in *CheckStartInput) { in.Batches = new(0) }, "concurrency.batches 0"},
		"too many batches":    {func(in *CheckStartInput) { in.Batches = new(33) }, "concurrency.batches 33"},
		"no record":           {func(in *CheckStartInput) { in.PerBatch = new(0) }, "concurrency.perBatch 0"},
		"too many records":    {func(in *CheckStartInput) { in.PerBatch = new(201) }, "concurrency.perBatch 201"},
		"a pace that is back": {func(in *CheckStartInput) { in.RequestsPerSecond = new(-0.5) }, "requestsPerSecond -0.5"},
		"absurd":              {func(in *CheckStartInput) { in.MaxFailures = new(100_000_001) }, "limits.maxFailures 100000001"},
		"a crawl":             {func(in *CheckStartInput) { in.RequestsPerSecond = new(1e-9) }, "requestsPerSecond 1e-09"},
		"a pace out of reach": {func(in *CheckStartInput) { in.RequestsPerSecond = new(100_001.0) }, "requestsPerSecond 100001"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			own := *b
			own.t = t
			in := CheckStartInput{Migration: "acme-1", File: "s3://partner/acme-1.json", Route: "acme-nova"}
			c.change(&in)
			f := refused(&own, CheckStartName, in)
			requireFault(t, f, fault.Final, fault.CodeBadInput)
			require.Contains(t, f.Message, c.says)
		})
	}
}

func TestCheckStartTellsAllThatIsWrongAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	f := refused(b, CheckStartName, CheckStartInput{
		Migration: "a b", File: "acme.json", PerBatch: new(0), RequestsPerSecond: new(-1.0), ApproveFirstWave: new(true),
	})
	requireFault(t, f, fault.Final, fault.CodeBadInput)
	require.NotContains(t, f.Message, "\n")
	require.NotContains(t, f.Message, fault.CodeBadInput, "the code is said once, by the error")
	for _, part := range []string{"s3://", "workflow id", "route is missing", "perBatch", "requestsPerSecond", "approveFirstWave needs waves"} {
		require.Contains(t, f.Message, part)
	}
}

func TestCheckStartMissesTheFile(t *testing.T) {
	t.Parallel()
	b := setup(t)
	in := b.startInput()
	in.File = "s3://" + b.source + "/acme-2.json"
	f := refused(b, CheckStartName, in)
	requireFault(t, f, fault.Final, fault.CodeFileNotFound)
	require.Contains(t, f.Message, in.File)
	in.File = "s3://" + b.source + "-else/acme-1.json"
	f = refused(b, CheckStartName, in)
	requireFault(t, f, fault.Final, fault.CodeFileNotFound)
	require.Contains(t, f.Message, "there is no bucket "+b.source+"-else")
}

func TestCheckStartAsksTheTarget(t *testing.T) {
	t.Parallel()
	b := setup(t)
	in := b.startInput()
	in.Route = "acme-nowa"
	f := refused(b, CheckStartName, in)
	requireFault(t, f, fault.Final, fault.CodeRouteUnknown)
	require.Contains(t, f.Message, `the target does not know route "acme-nowa"`)

	in.Route = "acme-nova"
	b.faults(func(f *sandbox.Faults) { f.Unauthorized = true })
	f = refused(b, CheckStartName, in)
	requireFault(t, f, fault.Unauthorized, fault.CodeUnauthorized)
	require.Contains(t, f.Message, "check target.username and target.password")
	require.NotContains(t, f.Message, sandbox.DefaultPassword)

	b.faults(func(f *sandbox.Faults) { f.Unauthorized, f.Outage, f.RetryAfterSeconds = false, true, 3 })
	f = refused(b, CheckStartName, in)
	requireFault(t, f, fault.Retryable, fault.CodeServiceUnavailable)
	var app *temporal.ApplicationError
	require.ErrorAs(t, f.Cause, &app)
	require.False(t, app.NonRetryable())
	require.Equal(t, 3*time.Second, app.NextRetryDelay(), "Temporal waits as long as the target asks")
}

// A store that takes every PUT would let two runs have one file.
func TestCheckStartRefusesAStoreWithoutConditions(t *testing.T) {
	t.Parallel()
	for name, status := range map[string]int{"ignores": http.StatusOK, "does not know": http.StatusNotImplemented} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, func(b *bundle) Store { return lax(b.t, status) })
			f := refused(b, CheckStartName, CheckStartInput{Migration: "a", File: "s3://partner/a.json", Route: "acme-nova"})
			requireFault(t, f, fault.Final, fault.CodeStoreUnfit)
			require.Contains(t, f.Message, "If-None-Match")
		})
	}
}

// lax is a store that has every object and answers every PUT by a status.
func lax(t testing.TB, status int) Store {
	t.Helper()
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"1"`)
		if r.Method == http.MethodPut {
			w.WriteHeader(status)
		}
	}))
	t.Cleanup(web.Close)
	s, err := objectstore.New(t.Context(), objectstore.Options{
		Endpoint: web.URL, PathStyle: true, AccessKeyID: "id", SecretAccessKey: "secret", WorkBucket: "work",
	})
	require.NoError(t, err)
	return s
}
