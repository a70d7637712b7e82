package integration

import (
	"encoding/csv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/migrationfile"
	"github.com/f0a90b9a/ferry/internal/sandbox"
)

// follower does what hints say: what the platform is to do at the target, and
// what is to be written into a record of the reload file.
type follower struct {
	*stack
	others *others
}

// actions are what each hint asks for, word for word. A hint that is not here
// is one that nobody has followed yet.
func (f *follower) actions() map[string]func(record map[string]any) {
	return map[string]func(map[string]any){
		migration.HintAt(fault.CodeNotAvailable, false): func(r map[string]any) { r["productKey"] = "nova-basic" },
		migration.HintAt(fault.CodeNotAvailable, true): func(map[string]any) {
			f.faults(func(c *sandbox.Faults) {
				c.Refusals = map[entitlement.Step][]string{entitlement.Create: c.Refusals[entitlement.Create]}
			})
		},
		migration.HintAt(fault.CodeCustomerLimit, false): func(map[string]any) { f.others.revoke(f.bucket + "-in-the-way") },
		migration.HintAt(fault.CodeTargetDiffers, true): func(r map[string]any) {
			have := f.atTarget()[r["externalEntitlementId"].(string)]
			r["productKey"], r["offerKey"], r["customerIdentifier"] = have.ProductKey, *have.OfferKey, have.CustomerIdentifier
			r["status"], r["dateCreated"] = "PENDING", have.DateCreated.Format(time.RFC3339Nano)
			for _, date := range []string{"dateActivated", "dateSuspended", "dateResumed", "dateExpiry"} {
				delete(r, date) // the target has none
			}
		},
		migration.HintAt(fault.CodeEntitlementNotFound, false): func(r map[string]any) { delete(r, "entitlementId") },
		migration.HintAt(fault.CodeStoppedByLimit, false):      func(map[string]any) {},
	}
}

// Each hint of errors.csv is followed to the letter, and the reload completes.
func TestFollowingEachHintCompletes(t *testing.T) {
	t.Parallel()
	s := setup(t)
	f := &follower{s, s.others()}
	var records []map[string]any
	for _, c := range []struct {
		status  entitlement.Status
		product string
	}{
		{entitlement.Active, "nova-fail-create"},
		{entitlement.Active, "nova-fail-activate"},
		{entitlement.Suspended, "nova-fail-suspend"},
		{entitlement.Cancelled, "nova-fail-cancel"},
		{entitlement.Revoked, "nova-fail-revoke"},
		{entitlement.Active, "nova-basic"},
		{entitlement.Active, "nova-basic"},
		{entitlement.Active, "nova-basic"},
		{entitlement.Active, "nova-basic"},
	} {
		file := generate(t, migrationfile.GenOptions{
			Records: 1, Seed: uint64(len(records)), OnlyStatus: c.status, Product: c.product, Prefix: s.id(uuid.NewString()[:8]),
		})
		records = append(records, decodeRecords(t, file)...)
	}
	limited, differs, lost := records[5], records[6], records[7]
	require.NoError(t, f.others.create(s.bucket+"-in-the-way", limited["customerIdentifier"].(string)))
	require.NoError(t, f.others.create(differs["externalEntitlementId"].(string), "somebody else"))
	lost["entitlementId"] = uuid.NewString()

	in := withoutLimits(s.upload("first.json", encodeRecords(t, records)))
	in.Limits.MaxFailures = new(8)
	sum := s.migrate("first", in)
	require.Equal(t, migration.StoppedByLimit, sum.Result, sum.Reason)

	actions := f.actions()
	hints := f.hintsOf("first")
	reload := decodeRecords(t, s.file("first", migration.FileReload))
	require.Len(t, hints, len(reload))
	for _, record := range reload {
		hint := hints[record["externalEntitlementId"].(string)]
		follow, known := actions[hint]
		require.True(t, known, "nobody has followed the hint %q", hint)
		follow(record)
	}
	again := withoutLimits(s.upload("second.json", encodeRecords(t, reload)))
	again.Parent = s.id("first")
	sum = s.migrate("second", again)
	require.Equal(t, migration.Completed, sum.Result, "%+v", sum)
	require.Len(t, s.atTarget(), len(records)+1, "one each, and the one that was in the way")
}

// hintsOf reads errors.csv: the hint of each external id.
func (f *follower) hintsOf(id string) map[string]string {
	f.t.Helper()
	rows, err := csv.NewReader(strings.NewReader(string(f.file(id, migration.FileErrors)))).ReadAll()
	require.NoError(f.t, err)
	hints := map[string]string{}
	for _, row := range rows[1:] {
		hints[row[1]] = row[11]
	}
	return hints
}
