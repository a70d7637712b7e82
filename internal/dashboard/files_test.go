package dashboard

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/migrationfile"
	"github.com/f0a90b9a/ferry/internal/operator"
)

func TestDownload(t *testing.T) {
	t.Parallel()
	b := setup(t, pia, vera)
	b.finished("old-1", "acme-nova", migration.CompletedWithFailures)
	a := b.get("/migrations/old-1/files/errors.csv", "vera")
	require.Equal(t, http.StatusOK, a.status)
	require.Equal(t, "record,externalEntitlementId\n1,ext-1\n", a.body)
	require.Equal(t, "text/csv; charset=utf-8", a.header.Get("Content-Type"))
	require.Equal(t, `attachment; filename=old-1-errors.csv`, a.header.Get("Content-Disposition"))
	require.Equal(t, "no-store", a.header.Get("Cache-Control"))
	require.JSONEq(t, `[{"customerIdentifier":"secret"}]`, b.get("/migrations/old-1/files/reload.json", "pia").body)
}

func TestFilesWithPersonalDataAreForOperators(t *testing.T) {
	t.Parallel()
	b := setup(t, pia, vera)
	b.finished("old-1", "acme-nova", migration.CompletedWithFailures)
	b.store.put(migration.Key("old-1", migration.FileRecords), "secret")
	b.store.put(migration.Key("old-1", "something-new.json"), "secret")
	for _, name := range []string{migration.FileReload, migration.FileRecords, "something-new.json"} {
		a := b.get("/migrations/old-1/files/"+name, "vera")
		require.Equal(t, http.StatusForbidden, a.status, name)
		require.NotContains(t, a.body, "secret")
		require.Equal(t, http.StatusOK, b.get("/migrations/old-1/files/"+name, "pia").status)
	}
	page := b.get("/migrations/old-1", "vera").body
	require.Contains(t, page, "holds personal data, for operators")
	require.NotContains(t, page, "files/reload.json")
}

func TestDownloadsStayInTheFolder(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.finished("old-1", "acme-nova", migration.Completed)
	b.store.put("ledger/secret", "hidden treasure")
	b.store.put(migration.Key("old-1", "outcomes/x"), "hidden treasure")
	b.store.put(migration.Key("old-1", "reconciliations/notes.csv"), "hidden treasure")
	for _, name := range []string{
		"..%2F..%2Fledger%2Fsecret", "outcomes%2F..%2F..%2F..%2Fledger%2Fsecret", "outcomes/../../../ledger/secret",
		"outcomes/x", "reconciliations/notes.csv", "outcomes/", "", ".hidden", "none.json", "%00",
	} {
		a := b.get("/migrations/old-1/files/"+name, "")
		require.NotEqual(t, http.StatusOK, a.status, name)
		require.NotContains(t, a.body, "treasure")
	}
}

// Outcomes name records by external ids and hold nothing of their content, so
// viewers may have them; those of another route are nobody's.
func TestOutcomesBatchByBatch(t *testing.T) {
	t.Parallel()
	b := setup(t, vera, otto)
	b.finished("old-1", "acme-nova", migration.Completed)
	require.Equal(t, http.StatusNotFound, b.get("/migrations/old-1/outcomes", "vera").status, "it has no batches")
	plan := migrationfile.Plan{Waves: []migrationfile.Wave{{Number: 1, FirstBatch: 1, LastBatch: 120, Records: 240}}}
	for n := 1; n <= 120; n++ {
		plan.Batches = append(plan.Batches, migrationfile.Batch{Number: n, First: 2*n - 1, Count: 2, Offset: int64(20 * (n - 1)), Length: 20})
	}
	b.store.put(migration.Key("old-1", migration.FileBatches), encode(t, plan))
	b.store.put(migration.Key("old-1", migration.OutcomesFile(1)), `{"outcome":"MIGRATED"}`)
	b.store.put(migration.Key("old-1", migration.OutcomesFile(60)), "60")

	first := b.get("/migrations/old-1/outcomes", "vera")
	require.Equal(t, http.StatusOK, first.status, first.body)
	for _, text := range []string{`href="/migrations/old-1/files/outcomes/000001.ndjson"`, "22 B", "3 to 4", "never begun", "page 1 of 3", "outcomes?page=2"} {
		require.Contains(t, first.body, text)
	}
	require.NotContains(t, first.body, "101 to 102")
	found := b.get("/migrations/old-1/outcomes?record=119", "vera").body
	require.Contains(t, found, "has record 119")
	require.Contains(t, found, "page 2 of 3")
	require.Contains(t, found, "files/outcomes/000060.ndjson")
	require.Contains(t, b.get("/migrations/old-1/outcomes?page=99", "vera").body, "239 to 240")
	for _, record := range []string{"0", "241", "x"} {
		require.Contains(t, b.get("/migrations/old-1/outcomes?record="+record, "vera").body, "no record of that number")
	}

	a := b.get("/migrations/old-1/files/outcomes/000001.ndjson", "vera")
	require.JSONEq(t, `{"outcome":"MIGRATED"}`, a.body)
	require.Equal(t, "application/x-ndjson", a.header.Get("Content-Type"))
	require.Equal(t, "attachment; filename=old-1-outcomes-000001.ndjson", a.header.Get("Content-Disposition"))
	for _, path := range []string{"/outcomes", "/files/outcomes/000001.ndjson"} {
		require.Equal(t, http.StatusNotFound, b.get("/migrations/old-1"+path, "otto").status)
	}
}

func TestReconciliationsAreShown(t *testing.T) {
	t.Parallel()
	b := setup(t, vera, otto)
	b.finished("old-1", "acme-nova", migration.Completed)
	b.finished("old-2", "acme-nova", migration.Completed)
	require.NotContains(t, b.get("/migrations/old-2", "vera").body, "Compared again")
	tell := func(at time.Time, against string, different int) string {
		end := at.Add(time.Minute)
		r := migration.Reconciliation{Migration: "old-1", Against: against, StartedAt: at, FinishedAt: &end, Correlation: migration.Correlation{Checked: 990}}
		for range different {
			r.Differing++
			r.Tell(migration.Difference{ExternalEntitlementID: "ext-7", Result: "Error: Status is different", Fields: []string{"Status"}})
		}
		name := migration.ReconciliationFile(at, ".json")
		b.store.put(migration.Key("old-1", name), encode(t, r))
		b.store.put(migration.Key("old-1", migration.ReconciliationFile(at, ".csv")), "EntitlementId\n")
		return name
	}
	last := tell(began.Add(48*time.Hour), "AR_V1.csv", 0)
	tell(began.Add(24*time.Hour), migration.AgainstTarget, 2)
	b.store.put(migration.Key("old-1", migration.ReconciliationFile(began.Add(72*time.Hour), ".csv")), "EntitlementId\n")
	page := b.get("/migrations/old-1", "vera")
	require.Regexp(t, `(?s)Compared again.*not finished.*2026-11-23.*report AR_V1.csv.*no difference.*2026-11-22.*the target.*2 differences.*2 × Status is different \(ext-7`, page.body)
	a := b.get("/migrations/old-1/files/"+last, "vera")
	require.Equal(t, http.StatusOK, a.status)
	require.Contains(t, a.body, "AR_V1.csv")
	require.Equal(t, http.StatusNotFound, b.get("/migrations/old-1/files/"+last, "otto").status)
}

func TestRecordFromTemporal(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.running("run-1", "acme-nova")
	at := func(s int) time.Time { return began.Add(time.Duration(s) * time.Second) }
	end := at(9)
	b.engine.records["entitlement/acme-nova/ext-17"] = operator.RecordRun{
		Migration: "run-1", Record: 17, State: operator.Failed, StartedAt: at(0), ClosedAt: &end, Cut: true,
		Events: []operator.RecordEvent{
			{At: at(0), Kind: operator.TakenUp},
			{At: at(1), Kind: operator.StepDone, Step: entitlement.Create, Tries: 3},
			{At: at(2), Kind: operator.StepFailed, Step: entitlement.Activate, Code: "TIMEOUT", Message: "no answer in time"},
			{At: at(3), Kind: operator.Waiting, Wait: 2 * time.Second},
			{At: at(4), Kind: operator.Held},
			{At: at(5), Kind: operator.Released},
			{At: at(6), Kind: operator.StepFound, Step: entitlement.Activate},
			{At: at(7), Kind: operator.ToldToStop, Code: "ABORTED"},
			{At: at(9), Kind: operator.Ended},
		},
		Outcome: &migration.Outcome{
			Record: 17, ExternalEntitlementID: "ext-17", Fate: migration.Failed, Status: entitlement.Active,
			Step: entitlement.Activate, Code: "NOT_AVAILABLE", HTTPStatus: 422, Message: "no", StepsDone: []entitlement.Step{entitlement.Create},
		},
	}
	a := b.get("/migrations/run-1/record?id=ext-17", "")
	require.Equal(t, http.StatusOK, a.status)
	for _, text := range []string{
		"Taken up by migration run-1", "create done", "3 calls in quick succession", "activate failed: TIMEOUT", "no answer in time",
		"Waits 2 seconds", "Held with the run", "Released with the run", "activate found done at the target", "Told to stop: ABORTED",
		"Ended: FAILED", "NOT_AVAILABLE", "have the platform enable this step", "There is more",
	} {
		require.Contains(t, a.body, text)
	}
}

func TestRecordFromTheBucket(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.finished("old-1", "acme-nova", migration.Completed)
	line := func(record, id, fate string) string {
		return `{"record":` + record + `,"externalEntitlementId":"` + id + `","outcome":"` + fate + `","attempts":1}` + "\n"
	}
	b.store.put(migration.Key("old-1", migration.OutcomesFile(1)), line("1", "ext-1", "MIGRATED")+line("2", `a\"b\\c`, "FAILED"))
	b.store.put(migration.Key("old-1", migration.OutcomesFile(2)), line("3", "ext-10", "MIGRATED")+line("4", "ext-3", "NOT_ATTEMPTED"))
	for id, want := range map[string]string{"ext-1": "MIGRATED", "ext-3": "NOT_ATTEMPTED", "a%22b%5Cc": "FAILED"} {
		a := b.get("/migrations/old-1/record?id="+id, "")
		require.Equal(t, http.StatusOK, a.status, id)
		require.Contains(t, a.body, ">"+want+"</span>")
		require.Contains(t, a.body, "Temporal no longer has")
	}
	a := b.get("/migrations/old-1/record?id=ext-2", "")
	require.Equal(t, http.StatusNotFound, a.status)
	require.Contains(t, a.body, "No record of this id")
	require.Equal(t, http.StatusOK, b.get("/migrations/old-1/record", "").status)
}

func TestRecordOfAnotherMigrationsRun(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.finished("old-1", "acme-nova", migration.Completed)
	b.engine.records["entitlement/acme-nova/ext-1"] = operator.RecordRun{
		Migration: "new-1", StartedAt: began, Outcome: &migration.Outcome{Fate: migration.Migrated, ExternalEntitlementID: "ext-1"},
	}
	b.store.put(migration.Key("old-1", migration.OutcomesFile(1)), `{"externalEntitlementId":"ext-1","outcome":"FAILED","code":"CONFLICT"}`)
	a := b.get("/migrations/old-1/record?id=ext-1", "")
	require.Contains(t, a.body, ">FAILED</span>", "its fate in this migration")
	require.Contains(t, a.body, `<a href="/migrations/new-1">`)
}

func TestOutcomeOfABatchIsReadAlone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.store.put(migration.Key("m", migration.FileBatches), `{"batches":[{"number":1,"first":1,"count":2,"offset":0,"length":9},{"number":2,"first":3,"count":2,"offset":9,"length":9}],"waves":[{"number":1,"firstBatch":1,"lastBatch":2,"records":4}]}`)
	b.store.put(migration.Key("m", migration.OutcomesFile(2)), `{"externalEntitlementId":"ext-4","outcome":"MIGRATED"}`)
	out, err := b.server.past.outcomeOf(t.Context(), "m", "ext-4", 4)
	require.NoError(t, err)
	require.Equal(t, migration.Migrated, out.Fate)
	for _, record := range []int{1, 3, 99} { // not over yet, another, no such record
		out, err = b.server.past.outcomeOf(t.Context(), "m", "ext-"+strings.Repeat("9", record%5), record)
		require.NoError(t, err)
		require.Nil(t, out)
	}
}
