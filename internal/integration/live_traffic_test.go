package integration

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/migrationfile"
	"github.com/f0a90b9a/ferry/internal/migrator"
	"github.com/f0a90b9a/ferry/internal/resale"
	"github.com/f0a90b9a/ferry/internal/resale/resaleapi"
	"github.com/f0a90b9a/ferry/internal/sandbox"
	"github.com/f0a90b9a/ferry/workflows"
)

// others are the platform's daily traffic on the same route: it creates
// customers of its own, and moves what Ferry has created.
type others struct {
	*stack
	client *resale.Client
	n      int
	theirs map[string]resaleapi.Entitlement // as they made them
}

func (s *stack) others() *others {
	s.t.Helper()
	c, err := resale.NewClient(resale.Options{
		BaseURL: s.target, Username: sandbox.DefaultUser, Password: sandbox.DefaultPassword, Timeout: time.Minute,
	})
	require.NoError(s.t, err)
	s.t.Cleanup(c.Close)
	return &others{stack: s, client: c, theirs: map[string]resaleapi.Entitlement{}}
}

// create makes an entitlement for a customer, and keeps what it is like. The
// error is the target's.
func (o *others) create(external, customer string) error {
	o.t.Helper()
	o.n++
	made, err := o.client.Create(o.ctx, fmt.Sprintf("others-%d", o.n), &entitlement.Record{
		ExternalEntitlementID: external, CustomerIdentifier: customer, MerchantAccountKey: "nova-music",
		ProductKey: "nova-family", OfferKey: "addon", Status: entitlement.Pending,
		DateCreated: new(time.Now().Add(-time.Hour)),
	})
	if err == nil {
		o.theirs[external] = o.atTarget()[external]
		require.Equal(o.t, made.EntitlementID, o.theirs[external].EntitlementID)
	}
	return err
}

// customers are n new ones.
func (o *others) customers(n int) {
	o.t.Helper()
	for range n {
		name := fmt.Sprintf("%s-live-%d", o.bucket, o.n)
		require.NoError(o.t, o.create(name, "customer of "+name))
	}
}

func (o *others) suspend(external string) {
	o.t.Helper()
	_, err := o.client.Suspend(o.ctx, "others-suspend-"+external, o.atTarget()[external].EntitlementID, time.Now())
	require.NoError(o.t, err)
}

func (o *others) cancel(external string, at time.Time) {
	o.t.Helper()
	_, err := o.client.Cancel(o.ctx, "others-cancel-"+external, o.atTarget()[external].EntitlementID, migrator.Ending{At: at})
	require.NoError(o.t, err)
}

func (o *others) revoke(external string) {
	o.t.Helper()
	_, err := o.client.Revoke(o.ctx, "others-revoke-"+external, o.atTarget()[external].EntitlementID, migrator.Ending{At: time.Now()})
	require.NoError(o.t, err)
}

// liveRecord names a record by what will happen to it.
type liveRecord struct {
	name   string
	status entitlement.Status
	code   string           // of its fate; empty: migrated
	step   entitlement.Step // that failed
}

func liveRecords() []liveRecord {
	const differs = fault.CodeTargetDiffers
	return []liveRecord{
		{"customer-first", entitlement.Active, fault.CodeCustomerLimit, entitlement.Create},
		{"customer-after", entitlement.Active, "", ""},
		{"id-taken", entitlement.Active, differs, entitlement.Create},
		{"cancelled-created", entitlement.Active, differs, entitlement.Activate},
		{"revoked-created", entitlement.Suspended, differs, entitlement.Activate},
		{"suspended-active", entitlement.Suspended, differs, entitlement.Suspend},
		{"ending-active", entitlement.Suspended, differs, entitlement.Suspend},
		{"revoked-active", entitlement.Cancelled, differs, entitlement.Cancel},
		{"suspended-before-cancel", entitlement.Cancelled, "", ""},
		{"cancelled-done", entitlement.Active, "", ""},
		{"undisturbed", entitlement.Suspended, "", ""},
	}
}

// liveFile makes the file, with one customer each.
func (s *stack) liveFile(records []liveRecord) ([]byte, map[string]map[string]any) {
	s.t.Helper()
	ago := func(days int) string { return time.Now().AddDate(0, 0, -days).UTC().Format(time.RFC3339) }
	var file []map[string]any
	named := map[string]map[string]any{}
	for _, r := range records {
		raw := map[string]any{
			"externalEntitlementId": s.id(r.name), "customerIdentifier": "customer of " + r.name,
			"merchantAccountKey": "nova-music", "productKey": "nova-basic", "offerKey": "bundle",
			"status": string(r.status), "dateCreated": ago(90), "dateActivated": ago(80),
		}
		switch r.status {
		case entitlement.Suspended:
			raw["dateSuspended"] = ago(10)
		case entitlement.Cancelled:
			raw["dateEnded"] = ago(5)
		}
		file = append(file, raw)
		named[r.name] = raw
	}
	return encodeRecords(s.t, file), named
}

// awaitDone waits until a record's workflow has ended well.
func (s *stack) awaitDone(external string) {
	s.t.Helper()
	require.Eventually(s.t, func() bool {
		d, err := s.client.DescribeWorkflowExecution(s.ctx, workflows.EntitlementID("acme-nova", external), "")
		return err == nil && d.GetWorkflowExecutionInfo().GetStatus() == enums.WORKFLOW_EXECUTION_STATUS_COMPLETED
	}, longWait, tick)
}

// Daily traffic goes on while a file is migrated. The answers of each step are
// held back while others act, so that they do so between two steps.
func TestLiveTraffic(t *testing.T) {
	t.Parallel()
	s := setup(t)
	s.careless()
	o, records := s.others(), liveRecords()
	file, named := s.liveFile(records)
	customer := func(name string) string { return named[name]["customerIdentifier"].(string) }
	ours := len(records) - 2 // those that can be created

	o.customers(3)
	require.NoError(t, o.create(s.id("another"), customer("customer-first")))
	require.NoError(t, o.create(s.id("id-taken"), "somebody else"))
	before := len(o.theirs)
	s.hold(entitlement.Create, entitlement.Activate)
	run := s.start("live", withoutLimits(s.upload("live.json", file)))

	s.awaitEffective(entitlement.Create, before+ours)
	o.cancel(s.id("cancelled-created"), time.Now())
	o.revoke(s.id("revoked-created"))
	requireCode(t, o.create(s.id("too-late"), customer("customer-after")), fault.CodeCustomerLimit)
	s.hold(entitlement.Activate)

	s.awaitEffective(entitlement.Activate, ours-2)
	o.customers(3)
	o.suspend(s.id("suspended-active"))
	o.suspend(s.id("suspended-before-cancel"))
	o.cancel(s.id("ending-active"), time.Now().AddDate(0, 1, 0))
	o.revoke(s.id("revoked-active"))
	s.hold(entitlement.Suspend) // "undisturbed" keeps the run from its end
	s.awaitDone(s.id("cancelled-done"))
	o.cancel(s.id("cancelled-done"), time.Now())
	o.customers(3)
	s.hold()

	s.judgeLive(s.result(run), records)
	held := s.atTarget()
	for name, made := range o.theirs {
		require.Equal(t, made, held[name], "others' entitlements are never touched")
	}
	require.Len(t, held, len(o.theirs)+ours)
	s.takeOver(o)
}

func requireCode(t *testing.T, err error, code string) {
	t.Helper()
	f, ok := fault.As(err)
	require.True(t, ok, "%v", err)
	require.Equal(t, code, f.Code)
}

// judgeLive holds fates and files to what must come of each situation.
func (s *stack) judgeLive(sum workflows.Summary, records []liveRecord) {
	s.t.Helper()
	require.Equal(s.t, migration.CompletedWithFailures, sum.Result, "%+v", sum)
	fates, held := s.fates("live"), s.atTarget()
	partial := 0
	for _, r := range records {
		got := fates[s.id(r.name)]
		require.Equal(s.t, r.code, got.Code, "%s: %s", r.name, got.Message)
		require.Equal(s.t, r.step, got.Step, r.name)
		if got.Partial() {
			partial++
			require.Equal(s.t, held[s.id(r.name)].EntitlementID, got.EntitlementID)
		}
	}
	require.Equal(s.t, 5, partial, "what others moved between two steps of ours")
	require.Equal(s.t, partial, sum.Partial)

	correlation := string(s.file("live", migration.FileCorrelation))
	for name, want := range map[string]string{
		"customer-after":          migrationfile.CorrelationOK,
		"suspended-before-cancel": "Error: DateSuspended is different",
		"cancelled-done":          "Error: Status is different",
		"undisturbed":             migrationfile.CorrelationOK,
	} {
		require.Contains(s.t, correlation, s.id(name)+","+want)
	}
	require.NotContains(s.t, correlation, "id-taken")
	require.NotContains(s.t, correlation, "customer-first")
}

// takeOver is the operator's part: what others did is taken over into the
// reload where the file should follow, and left out where it shouldn't.
func (s *stack) takeOver(o *others) {
	s.t.Helper()
	before, held := s.stats().Effective, s.atTarget()
	var reload []map[string]any
	for _, r := range decodeRecords(s.t, s.file("live", migration.FileReload)) {
		id, _ := r["externalEntitlementId"].(string)
		now := held[id]
		if !strings.HasSuffix(id, "-created") && !strings.HasSuffix(id, "-active") {
			continue
		}
		r["status"] = now.Status
		for field, at := range map[string]*time.Time{"dateSuspended": now.DateSuspended, "dateEnded": now.DateEnded} {
			delete(r, field)
			if at != nil {
				r[field] = at.Format(time.RFC3339Nano)
			}
		}
		reload = append(reload, r)
	}
	require.Len(s.t, reload, 5)
	sum := s.migrate("live-2", withoutLimits(s.upload("live-2.json", encodeRecords(s.t, reload))))
	require.Equal(s.t, migration.Completed, sum.Result, "%+v", sum)
	require.Equal(s.t, len(reload), sum.Outcomes.AlreadyMigrated)
	require.Equal(s.t, before, s.stats().Effective, "nothing was written")
	require.Len(s.t, s.atTarget(), len(held))
	require.Len(s.t, o.theirs, 11)
}

// What others move between a wave's end and the next one's beginning holds the
// run before it takes more, until somebody has looked.
func TestOthersMoveAWaveBeforeItIsReadBack(t *testing.T) {
	t.Parallel()
	s := setup(t)
	o := s.others()
	records := []liveRecord{{name: "moved", status: entitlement.Active}, {name: "second", status: entitlement.Active}, {name: "last", status: entitlement.Suspended}}
	for n := range 12 {
		records = append(records, liveRecord{name: fmt.Sprintf("later-%d", n), status: entitlement.Active})
	}
	file, _ := s.liveFile(records)
	s.hold(entitlement.Suspend)
	run := s.start("wave", inputFor(s.upload("wave.json", file)))
	s.awaitEffective(entitlement.Suspend, 1) // "last" is under way, and with it its wave
	s.awaitDone(s.id("moved"))
	o.cancel(s.id("moved"), time.Now())
	s.hold()
	require.Eventually(t, func() bool { return s.progress("wave").Phase == migration.Paused }, longWait, tick)
	require.Contains(t, s.progress("wave").Reason, s.id("moved"))
	require.EqualValues(t, 3, s.stats().Effective["create"], "nothing of the next wave")

	_, err := s.ask("wave", workflows.UpdateResume, kim("it was the customer's wish"))
	require.NoError(t, err)
	sum := s.result(run)
	require.Equal(t, migration.CompletedWithFailures, sum.Result, "%+v", sum)
	require.Equal(t, len(records), sum.Outcomes.Migrated)
	require.Contains(t, sum.Reason, "1 of 15 migrated records differ")
	require.Equal(t, string(entitlement.Cancelled), s.atTarget()[s.id("moved")].Status, "it stays as others have it")
	s.clean(sum)
}
