package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/migrationfile"
	"github.com/f0a90b9a/ferry/internal/operator"
)

// fakeReconciliation is what the workers find; done is nil for one that does
// not end.
type fakeReconciliation struct {
	started  []string
	progress migration.Reconciliation
	done     *migration.Reconciliation
	err      error
	onResult func()
}

func (e *fakeEngine) Reconcile(_ context.Context, id string) (string, error) {
	e.reconciling.started = append(e.reconciling.started, id)
	return id + "/reconcile", nil
}

func (e *fakeEngine) ReconcileProgress(context.Context, string) (migration.Reconciliation, error) {
	if !e.polls {
		return migration.Reconciliation{}, operator.ErrNoWorker
	}
	return e.reconciling.progress, nil
}

func (e *fakeEngine) ReconcileResult(ctx context.Context, _ string) (migration.Reconciliation, error) {
	r := &e.reconciling
	if r.onResult != nil {
		r.onResult()
	}
	if r.done == nil && r.err == nil {
		<-ctx.Done()
		return migration.Reconciliation{}, ctx.Err()
	}
	if r.err != nil {
		return migration.Reconciliation{}, r.err
	}
	return *r.done, nil
}

// withPast has a migration that is over, known to Temporal no longer, with two
// migrated records in its files.
func (b *bundle) withPast(t *testing.T) *bundle {
	t.Helper()
	b.putSummary(t, migration.Summary{Migration: "a", File: uri, Route: "acme-nova", Phase: migration.Done, Result: migration.Completed, Records: 3})
	put := func(name, content string) { b.bucket.put("ferry", migration.Key("a", name), content) }
	var records, outcomes []string
	for n := 1; n <= 3; n++ {
		records = append(records, fmt.Sprintf(`{"externalEntitlementId":"ext-%d","customerIdentifier":"cust-private-%d","merchantAccountKey":"nova-music",`+
			`"productKey":"nova-basic","status":"ACTIVE","dateCreated":"2024-01-01T00:00:00.5Z","dateActivated":"2024-01-02T00:00:00+02:00"}`, n, n))
		fate := migration.Migrated
		if n == 3 {
			fate = migration.Failed
		}
		outcomes = append(outcomes, fmt.Sprintf(`{"record":%d,"externalEntitlementId":"ext-%d","outcome":%q,"entitlementId":"id-%d"}`, n, n, fate, n))
	}
	put(migration.FileRecords, strings.Join(records, "\n")+"\n")
	put(migration.FileBatches, fmt.Sprintf(`{"batches":[{"number":1,"first":1,"count":2,"offset":0,"length":%d},{"number":2,"first":3,"count":1,"offset":%d,"length":%d}],"waves":[{"number":1,"firstBatch":1,"lastBatch":2,"records":3}]}`,
		len(records[0])+len(records[1])+2, len(records[0])+len(records[1])+2, len(records[2])+1))
	put(migration.OutcomesFile(1), strings.Join(outcomes[:2], "\n")+"\n")
	put(migration.OutcomesFile(2), outcomes[2]+"\n")
	return b
}

const v2 = "ResellerCustomerId,BangoEntitlementId,Status,MerchantAccountKey,ProductKey,CreatedDate,ActivatedDate,SuspendedDate,ExpiryDate,LastUpdated,EndDate\r\n"

func reportRow(customer, id, status, product string) string {
	return strings.Join([]string{customer, id, status, "nova-music", product, "01/01/2024 00:00:00", "01/01/2024 22:00:00", "", "", "", ""}, ",") + "\r\n"
}

func asReconciliation(t *testing.T, r ran) migration.Reconciliation {
	t.Helper()
	var s migration.Reconciliation
	require.NoError(t, json.Unmarshal([]byte(r.out), &s), r.out)
	return s
}

func TestReconcileShowsWhatTheWorkersFind(t *testing.T) {
	t.Parallel()
	b := setup(t).withPast(t)
	found := migration.Reconciliation{
		Migration: "a", Against: migration.AgainstTarget, Phase: migration.Done, StartedAt: *at(10), Records: 3,
		Files: map[string]migration.FileInfo{"reconciliations/x.csv": {URI: "s3://ferry/migrations/a/reconciliations/x.csv"}},
	}
	found.Checked, found.Expected, found.Found = 2, migration.ByGroup{Active: 2}, migration.ByGroup{Active: 1, Suspended: 1}
	b.temporal.reconciling.done = &found
	r := b.run("reconcile", "a")
	requireEnd(t, r, exitOK, "no difference", "")
	require.Equal(t, []string{"a"}, b.temporal.reconciling.started)
	for _, part := range []string{"ACTIVE      2         1", "SUSPENDED   0         1", "2 migrated of 3 records", "reconciliations/x.csv"} {
		require.Contains(t, r.out, part)
	}

	found.Differing = 1
	found.Tell(migration.Difference{Record: 2, ExternalEntitlementID: "ext-2", EntitlementID: "id-2", Result: "Error: Status is different", Fields: []string{"status", "dateSuspended"}})
	r = b.run("reconcile", "a")
	requireEnd(t, r, exitFailures, "1 difference", "")
	require.Contains(t, r.out, "ext-2")
	require.Contains(t, r.out, "Status is different")
	require.Contains(t, r.out, "status, dateSuspended")
	r = b.run("reconcile", "a", "--json")
	require.Equal(t, exitFailures, r.code)
	require.Equal(t, found.Differences, asReconciliation(t, r).Differences)
}

func TestReconcileShowsHowFarItIs(t *testing.T) {
	t.Parallel()
	b := setup(t).withPast(t)
	b.temporal.reconciling.progress = migration.Reconciliation{Phase: migration.Reconciling, Records: 3, Looked: 2, Reason: "1 record is looked at again"}
	ctx, cancel := context.WithCancel(t.Context())
	b.ctx, b.temporal.reconciling.onResult = ctx, cancel
	r := b.run("reconcile", "a")
	requireEnd(t, r, exitInterrupted, "", "goes on without you")

	b = setup(t).withPast(t)
	b.temporal.polls = false
	b.temporal.reconciling.done = &migration.Reconciliation{}
	requireEnd(t, b.run("reconcile", "a"), exitOK, "no difference", "no worker is polling")
}

func TestReconcileIsRefused(t *testing.T) {
	t.Parallel()
	failed := func(code string) func(*bundle) {
		return func(b *bundle) {
			b.temporal.reconciling.err = &operator.FailedError{Migration: "a/reconcile", Code: code, Message: "so it is"}
		}
	}
	for name, c := range map[string]struct {
		change func(*bundle)
		line   string
		code   int
		says   string
	}{
		"while it runs":         {func(b *bundle) { b.temporal.runs["a"] = running("a") }, "reconcile a", exitRefused, "still running"},
		"unknown":               {func(*bundle) {}, "reconcile nobody", exitUnable, "no such migration"},
		"no id":                 {func(*bundle) {}, "reconcile", exitUsage, "migration ID is missing"},
		"not an id":             {func(*bundle) {}, "reconcile ../x", exitUnable, "no such migration"},
		"of a dry run":          {func(b *bundle) { b.result(migration.DryRun, 3) }, "reconcile a", exitRefused, "nothing was sent"},
		"of a rejected file":    {func(b *bundle) { b.result(migration.Rejected, 3) }, "reconcile a", exitRefused, "nothing was sent"},
		"of an aborted import":  {func(b *bundle) { b.result(migration.Aborted, 0) }, "reconcile a", exitRefused, "nothing was sent"},
		"by the workers":        {failed(fault.CodeBadInput), "reconcile a", exitRefused, "so it is"},
		"for changed files":     {failed(fault.CodeStoreFault), "reconcile a", exitUnable, "STORE_FAULT: so it is"},
		"terminated":            {func(b *bundle) { delete(b.bucket.objects, "ferry/migrations/a/summary.json") }, "reconcile a", exitRefused, "no longer known"},
		"for want of a report":  {func(*bundle) {}, "reconcile a --report nowhere.csv", exitUnable, "nowhere.csv: no such file"},
		"for an empty name":     {func(*bundle) {}, "reconcile a --report=", exitUsage, "--report"},
		"for a report's kind":   {func(*bundle) {}, "reconcile a --report x --report-has some", exitUsage, "not all, active or changes"},
		"for a kind alone":      {func(*bundle) {}, "reconcile a --report-has all", exitUsage, "goes with --report"},
		"for a missing object":  {func(*bundle) {}, "reconcile a --report s3://partner/none.csv", exitUnable, "is not there"},
		"for a folder":          {func(*bundle) {}, "reconcile a --report .", exitUnable, "no regular file"},
		"without a work bucket": {func(b *bundle) { b.bucket, b.env = nil, nil }, "reconcile a", exitUnable, "set s3.work_bucket"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t).withPast(t)
			c.change(b)
			requireEnd(t, b.run(strings.Fields(c.line)...), c.code, "", c.says)
		})
	}
}

func (b *bundle) result(r migration.Result, records int) {
	body, _ := json.Marshal(migration.Summary{Migration: "a", Result: r, Records: records})
	b.bucket.put("ferry", migration.Key("a", migration.FileSummary), string(body))
}

// A report is compared here, with nothing but the work bucket, and leaves its
// files there.
func TestReconcileWithAReport(t *testing.T) {
	t.Parallel()
	b := setup(t).withPast(t)
	b.temporal.polls = false
	b.bucket.put("partner", "AR_V1_W_20261116.csv", v2+
		reportRow("cust-private-2", "ID-2", "Active", "nova-family")+
		reportRow("somebody", "id-9", "Active", "nova-basic")+
		reportRow("cust-private-1", "ID-1", "Active", "nova-basic"))
	r := b.run("reconcile", "a", "--report", "s3://partner/AR_V1_W_20261116.csv", "--json")
	require.Equal(t, exitFailures, r.code, r.errors)
	require.Empty(t, r.errors)
	found := asReconciliation(t, r)
	require.Equal(t, "AR_V1_W_20261116.csv", found.Against)
	require.Equal(t, migration.ReportCounts{Rows: 3, Others: 1}, *found.Report)
	require.Equal(t, []int{2, 1}, []int{found.Checked, found.Differing})
	require.Equal(t, []migration.Difference{{
		Record: 2, ExternalEntitlementID: "ext-2", EntitlementID: "id-2", Result: "Error: ProductKey is different", Fields: []string{"productKey"},
	}}, found.Differences)
	require.Empty(t, b.temporal.reconciling.started)
	require.Len(t, found.Files, 2)
	for name, info := range found.Files {
		content, there := b.bucket.objects["ferry/"+migration.Key("a", name)]
		require.True(t, there, name)
		require.Len(t, content, int(info.Bytes))
		require.NotContains(t, content, "cust-private", "nobody's data")
	}
	require.Equal(t, "EntitlementId,ExternalEntitlementId,CorrelationResult\r\nid-1,ext-1,"+migrationfile.CorrelationOK+
		"\r\nid-2,ext-2,Error: ProductKey is different\r\n", b.bucket.objects["ferry/"+migration.Key("a", migration.ReconciliationFile(found.StartedAt, ".csv"))])

	file := filepath.Join(t.TempDir(), "all.csv")
	require.NoError(t, os.WriteFile(file, []byte(v2+reportRow("cust-private-2", "id-2", "Active", "nova-basic")+reportRow("cust-private-1", "id-1", "Active", "nova-basic")), 0o600))
	requireEnd(t, b.run("reconcile", "a", "--report", file), exitOK, "report all.csv", "")
	requireEnd(t, b.run("reconcile", "a", "--report", file, "--report-has", "changes"), exitOK, "no difference", "")
}

// A report that is none leaves no file.
func TestReconcileWithAWrongReport(t *testing.T) {
	t.Parallel()
	b := setup(t).withPast(t)
	before := len(b.bucket.objects)
	b.bucket.put("partner", "x.csv", "a,b\n")
	requireEnd(t, b.run("reconcile", "a", "--report", "s3://partner/x.csv"), exitUnable, "", "it lacks the columns ResellerCustomerId")
	b.bucket.put("partner", "x.csv", v2+strings.Replace(reportRow("c", "id-1", "Active", "p"), "01/01/2024", "2024-01-01", 1))
	requireEnd(t, b.run("reconcile", "a", "--report", "s3://partner/x.csv"), exitUnable, "", "line 2: CreatedDate is no date like")
	require.Len(t, b.bucket.objects, before+1, "nothing but the report")

	b.bucket.put("ferry", migration.Key("a", migration.FileRecords), "{}\n")
	b.bucket.put("partner", "x.csv", v2)
	requireEnd(t, b.run("reconcile", "a", "--report", "s3://partner/x.csv"), exitUnable, "", "records.ndjson is not what was written")
}
