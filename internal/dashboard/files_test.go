package dashboard

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/migration"
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
	b.store.put("ledger/secret", "secret")
	b.store.put(migration.Key("old-1", migration.OutcomesFile(1)), "secret")
	for _, name := range []string{"..%2F..%2Fledger%2Fsecret", "outcomes%2F000001.ndjson", ".hidden", "none.json", "%00"} {
		require.Equal(t, http.StatusNotFound, b.get("/migrations/old-1/files/"+name, "").status, name)
	}
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
	a := b.get("/migrations/run-1/record?id=+ext-17+", "")
	require.Equal(t, http.StatusOK, a.status)
	for _, text := range []string{
		"Taken up by migration run-1", "create done", "3 calls in quick succession", "activate failed: TIMEOUT", "no answer in time",
		"Waits 2 seconds", "Held with the run", "Released with the run", "activate found done at the target", "Told to stop: ABORTED",
		"Ended: FAILED", "NOT_AVAILABLE", "the route does not allow this step", "There is more",
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
