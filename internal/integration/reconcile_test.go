package integration

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/migrationfile"
	"github.com/f0a90b9a/ferry/internal/resale/resaleapi"
)

const (
	statusDiffers = "Error: Status is different"
	// tampered is how many records a test changes behind Ferry's back.
	tampered = 7
)

// tampering is what happens to records at the target, by name, and what
// correlation.csv has to say of them.
func tampering() map[string]string {
	return map[string]string{
		"suspended": statusDiffers,
		"ended":     statusDiffers,
		"product":   "Error: ProductKey is different",
		"customer":  "Error: CustomerIdentifier is different",
		"date":      "Error: DateCreated is different",
		"removed":   migrationfile.CorrelationMissing,
		"doubled":   migrationfile.CorrelationExtra,
	}
}

// targetGate stands before the sandbox, and lets a test act when a report asks
// for an id.
type targetGate struct {
	mu    sync.Mutex
	asked map[string]int
	on    map[string]func(times int)
}

// gateTarget puts a gate before the sandbox for workers that start after it.
func (s *stack) gateTarget() *targetGate {
	s.t.Helper()
	to, err := url.Parse(s.target)
	require.NoError(s.t, err)
	g := &targetGate{asked: map[string]int{}, on: map[string]func(int){}}
	proxy := httputil.NewSingleHostReverseProxy(to)
	proxy.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/report") {
			g.see(r)
		}
		proxy.ServeHTTP(w, r)
	}))
	s.t.Cleanup(web.Close)
	s.target = web.URL
	return g
}

func (g *targetGate) see(r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	var in resaleapi.ReportRequest
	if json.Unmarshal(body, &in) != nil || in.ExternalEntitlementIds == nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, id := range *in.ExternalEntitlementIds {
		if act := g.on[id]; act != nil {
			g.asked[id]++
			act(g.asked[id])
		}
	}
}

// when calls act before each report that asks for an id from now on.
func (g *targetGate) when(id string, act func(times int)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.asked[id], g.on[id] = 0, act
}

// tamperFile is a file of records of which some will be changed.
func (s *stack) tamperFile() []byte {
	s.t.Helper()
	records := []liveRecord{{name: "last", status: entitlement.Cancelled}, {name: "restored", status: entitlement.Active}}
	for name := range tampering() {
		records = append(records, liveRecord{name: name, status: entitlement.Active})
	}
	for n := range 150 {
		records = append(records, liveRecord{name: fmt.Sprintf("sound-%d", n), status: entitlement.Active})
	}
	file, _ := s.liveFile(records)
	return file
}

// tamper does to seven records what their names say.
func (s *stack) tamper(o *others) {
	s.t.Helper()
	held := s.atTarget()
	id := func(name string) string { return held[s.id(name)].EntitlementID }
	edit := func(name string, change func(*resaleapi.Entitlement)) {
		require.NoError(s.t, s.books.Edit(id(name), change))
	}
	o.suspend(s.id("suspended"))
	o.revoke(s.id("ended"))
	edit("product", func(e *resaleapi.Entitlement) { e.ProductKey = "nova-premium" })
	edit("customer", func(e *resaleapi.Entitlement) { e.CustomerIdentifier = "somebody else" })
	edit("date", func(e *resaleapi.Entitlement) { e.DateCreated = new(e.DateCreated.Add(-time.Hour)) })
	require.NoError(s.t, s.books.Remove(id("removed")))
	s.careless()
	require.NoError(s.t, o.doubled(s.id("doubled"), "a customer beside"))
}

// doubled makes another entitlement under an external id that is taken.
func (o *others) doubled(external, customer string) error {
	_, err := o.client.Create(o.ctx, "others-double-"+external, &entitlement.Record{
		ExternalEntitlementID: external, CustomerIdentifier: customer, MerchantAccountKey: "nova-music",
		ProductKey: "nova-family", OfferKey: "addon", Status: entitlement.Pending, DateCreated: new(time.Now().Add(-time.Hour)),
	})
	return err
}

// errorsIn gives the rows of a correlation that are not OK, by external id, and
// the number of all.
func errorsIn(t *testing.T, body []byte) (says map[string]string, rows int) {
	t.Helper()
	all, err := csv.NewReader(bytes.NewReader(body)).ReadAll()
	require.NoError(t, err)
	require.Equal(t, []string{"EntitlementId", "ExternalEntitlementId", "CorrelationResult"}, all[0])
	says = map[string]string{}
	for _, row := range all[1:] {
		if row[2] != migrationfile.CorrelationOK {
			require.NotContains(t, says, row[1])
			says[row[1]] = row[2]
		}
	}
	return says, len(all) - 1
}

// tamperedSays is what must be said of the records, by external id.
func (s *stack) tamperedSays() map[string]string {
	says := map[string]string{}
	for name, result := range tampering() {
		says[s.id(name)] = result
	}
	return says
}

// Seven records are changed behind Ferry's back while the last one is still
// under way. The reconciliation names these seven and no other: one more is
// changed, and changed back between the first look and the second.
func TestReconciliationNamesWhatWasChangedBehindItsBack(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	gate := s.gateTarget()
	s.startWorker()
	o := s.others()
	file := s.tamperFile()
	records := len(decodeRecords(t, file))
	s.hold(entitlement.Cancel)
	run := s.start("tampered", withoutLimits(s.upload("tampered.json", file)))
	s.awaitEffective(entitlement.Cancel, 1)
	s.awaitEffective(entitlement.Activate, records)
	s.tamper(o)
	s.disturb(gate)
	s.hold()

	sum := s.result(run)
	require.Equal(t, migration.CompletedWithFailures, sum.Result, "%+v", sum)
	require.Equal(t, records, sum.Outcomes.Migrated, "every record was migrated; that is not why")
	says, rows := errorsIn(t, s.file("tampered", migration.FileCorrelation))
	require.Equal(t, s.tamperedSays(), says)
	require.Len(t, says, tampered)
	require.Equal(t, records+1, rows, "one for each migrated record, one for the extra entitlement")
	for _, part := range []string{
		fmt.Sprintf("6 of %d migrated records differ", records), "1 more under the file's ids",
		"2 × Status is different", s.id("product"), "1 × Extra Entitlement", migration.FileCorrelation,
	} {
		require.Contains(t, sum.Reason, part)
	}
	require.Equal(t, records-4, *sum.Statuses.Active.Found, "\"last\" is over, others are suspended, ended and removed")
	s.reconciledLater(gate, records)
}

// disturb changes a record, and changes it back when it is asked for the second
// time.
func (s *stack) disturb(gate *targetGate) {
	s.t.Helper()
	external := s.id("restored")
	id := s.atTargetOnce(external)
	product := func(key string) {
		if err := s.books.Edit(id, func(e *resaleapi.Entitlement) { e.ProductKey = key }); err != nil {
			s.t.Error(err)
		}
	}
	product("nova-family")
	gate.when(external, func(times int) {
		if times == 2 {
			product("nova-basic")
		}
	})
}

// atTargetOnce is the id of the only entitlement under an external id.
func (s *stack) atTargetOnce(external string) string {
	s.t.Helper()
	found := ""
	for e, err := range s.books.Entitlements(s.ctx, "") {
		require.NoError(s.t, err)
		if e.ExternalEntitlementID != nil && *e.ExternalEntitlementID == external {
			require.Empty(s.t, found)
			found = e.EntitlementID
		}
	}
	return found
}

// reconciled runs `ferry reconcile` and gives what it found.
func (s *stack) reconciled(want int, id string, more ...string) migration.Reconciliation {
	s.t.Helper()
	code, stdout, stderr := s.ferry(append([]string{"reconcile", s.id(id), "--json"}, more...)...)
	require.Equal(s.t, want, code, "%s\n%s", stderr, stdout)
	var r migration.Reconciliation
	require.NoError(s.t, json.Unmarshal([]byte(stdout), &r))
	require.Equal(s.t, migration.Done, r.Phase)
	require.Len(s.t, r.Files, 2)
	for name, info := range r.Files {
		require.Len(s.t, s.file(id, name), int(info.Bytes), name)
	}
	return r
}

// reconciledLater repeats the comparison when the migration is long over.
func (s *stack) reconciledLater(gate *targetGate, records int) {
	s.t.Helper()
	const id = "tampered"
	before := s.everyFile(id)
	calls := s.stats().Calls["report"]
	s.disturb(gate)
	r := s.reconciled(1, id)
	require.Equal(s.t, records, r.Checked)
	require.Equal(s.t, tampered, r.Different())
	require.Equal(s.t, []int{6, 1, 1, 0}, []int{r.Differing, r.Extra, r.Forgiven, r.Since})
	require.Equal(s.t, migration.ByGroup{Active: records - 1, Terminated: 1}, r.Expected)
	require.Equal(s.t, migration.ByGroup{Active: records - 4, Suspended: 1, Terminated: 2}, r.Found)
	require.EqualValues(s.t, (records+99)/100+1, s.stats().Calls["report"]-calls, "a call for a hundred records, and one for the second look")
	says, _ := errorsIn(s.t, s.file(id, migration.ReconciliationFile(r.StartedAt, ".csv")))
	require.Equal(s.t, s.tamperedSays(), says)
	for _, d := range r.Differences {
		require.Equal(s.t, says[d.ExternalEntitlementID], d.Result)
	}

	after := s.everyFile(id)
	require.Len(s.t, after, len(before)+2)
	for name, body := range before {
		require.Equal(s.t, body, after[name], "%s is the migration's own", name)
	}
	code, stdout, stderr := s.ferry("reconcile", s.id(id))
	require.Equal(s.t, 1, code, stderr)
	require.Contains(s.t, stdout, "7 differences")
	require.Contains(s.t, stdout, "SUSPENDED")
	code, stdout, _ = s.ferry("reports", s.id(id), "--json")
	require.Zero(s.t, code)
	require.NotContains(s.t, stdout, migration.ReconciliationsFolder)
	s.reportSupplied(records)
}

// reportSupplied compares with a report of the platform's, without the target.
func (s *stack) reportSupplied(records int) {
	s.t.Helper()
	const id = "tampered"
	s.stopWorker()
	calls := s.stats().Calls
	file := filepath.Join(s.t.TempDir(), "ER_V1_W_20261116.csv")
	require.NoError(s.t, os.WriteFile(file, s.entitlementReport(), 0o600))
	r := s.reconciled(1, id, "--report", file, "--report-has", "all")
	want := s.tamperedSays()
	delete(want, s.id("doubled")) // a report has no external ids
	says, _ := errorsIn(s.t, s.file(id, migration.ReconciliationFile(r.StartedAt, ".csv")))
	require.Equal(s.t, want, says)
	require.Equal(s.t, migration.ReportCounts{Rows: records, Others: 1}, *r.Report)
	require.Equal(s.t, filepath.Base(file), r.Against)
	require.Equal(s.t, calls, s.stats().Calls, "nobody asks the target")

	uri := s.upload("AR_V1_W_20261116.csv", s.entitlementReport())
	r = s.reconciled(1, id, "--report", uri)
	require.Equal(s.t, len(want), r.Different())
}

// entitlementReport is what the platform would supply of the sandbox now: its
// columns, its dates, its encoding.
func (s *stack) entitlementReport() []byte {
	s.t.Helper()
	var buf bytes.Buffer
	w := csv.NewWriter(&buf)
	w.UseCRLF = true
	require.NoError(s.t, w.Write(strings.Split("ResellerCustomerId,BangoEntitlementId,Status,MerchantAccountKey,MerchantEntitlementId,"+
		"ProductKey,DisplayName,CreatedDate,ActivatedDate,SuspendedDate,ExpiryDate,LastUpdated,EndDate,ExtensionDataFormat,ExtensionData", ",")))
	date := func(at *time.Time) string {
		if at == nil {
			return ""
		}
		return at.UTC().Format("02/01/2006 15:04:05")
	}
	for e, err := range s.books.Entitlements(s.ctx, "") {
		require.NoError(s.t, err)
		title := e.Status[:1] + strings.ToLower(e.Status[1:])
		require.NoError(s.t, w.Write([]string{
			e.CustomerIdentifier, e.EntitlementID, title, e.MerchantAccountKey, "", e.ProductKey, "Caf\xe9", date(e.DateCreated),
			date(e.DateActivated), date(e.DateSuspended), date(e.DateExpiry), date(e.DateLastUpdated), date(e.DateEnded), "", "",
		}))
	}
	w.Flush()
	require.NoError(s.t, w.Error())
	return buf.Bytes()
}

// What a run left undone, and a reload has done since, is no difference; the
// migration is found in the work bucket alone.
func TestReconciliationOfAForgottenMigrationAfterItsReload(t *testing.T) {
	t.Parallel()
	s := setup(t)
	file := generate(t, migrationfile.GenOptions{Records: 80, Seed: 3, FailShare: 0.2, Prefix: s.bucket})
	sum := s.migrate("mixed", withoutLimits(s.upload("mixed.json", file)))
	require.Equal(t, 16, sum.Outcomes.Failed)
	s.forget("mixed")
	r := s.reconciled(0, "mixed")
	require.Equal(t, []int{80, 64, 0, 0}, []int{r.Records, r.Checked, r.Different(), r.Since})

	reload := decodeRecords(t, s.file("mixed", migration.FileReload))
	s.repair(reload)
	again := s.migrate("mixed-2", withoutLimits(s.upload("mixed-2.json", encodeRecords(t, reload))))
	require.Equal(t, migration.Completed, again.Result, "%+v", again)
	r = s.reconciled(0, "mixed")
	require.Equal(t, []int{80, 64, 0, 16}, []int{r.Records, r.Checked, r.Different(), r.Since}, "some with a corrected product")
	r = s.reconciled(0, "mixed-2")
	require.Equal(t, []int{16, 16, 0, 0}, []int{r.Records, r.Checked, r.Different(), r.Since})
}

// forget lets Temporal lose a migration, as its retention does.
func (s *stack) forget(id string) {
	s.t.Helper()
	_, err := s.client.WorkflowService().DeleteWorkflowExecution(s.ctx, &workflowservice.DeleteWorkflowExecutionRequest{
		Namespace: "default", WorkflowExecution: &common.WorkflowExecution{WorkflowId: s.id(id)},
	})
	require.NoError(s.t, err)
	require.Eventually(s.t, func() bool {
		_, err := s.client.DescribeWorkflowExecution(s.ctx, s.id(id), "")
		var gone *serviceerror.NotFound
		return errors.As(err, &gone)
	}, longWait, tick)
}

// What can't be reconciled says why.
func TestReconciliationIsRefused(t *testing.T) {
	t.Parallel()
	s := setup(t)
	code, _, stderr := s.ferry("reconcile", s.id("nobody"))
	require.Equal(t, 6, code, stderr)
	in := inputFor(s.upload("dry.json", activeRecords(t, s.bucket, 3)))
	in.DryRun = true
	s.migrate("dry", in)
	code, _, stderr = s.ferry("reconcile", s.id("dry"))
	require.Equal(t, 7, code, stderr)
	require.Contains(t, stderr, "nothing was sent")

	s.hold(entitlement.Activate)
	run := s.start("open", inputFor(s.upload("open.json", activeRecords(t, s.bucket, 3))))
	s.awaitEffective(entitlement.Activate, 1)
	code, _, stderr = s.ferry("reconcile", s.id("open"))
	require.Equal(t, 7, code, stderr)
	require.Contains(t, stderr, "still running")
	s.hold()
	s.result(run)
	s.settings.Environment = "another"
	s.stopWorker()
	s.startWorker()
	code, _, stderr = s.ferry("reconcile", s.id("open"))
	require.Equal(t, 7, code, stderr)
	require.Contains(t, stderr, `"sandbox", and the workers reach "another"`)
}
