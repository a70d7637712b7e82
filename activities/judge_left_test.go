package activities

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/migrationfile"
)

// One table of all facts that the target may show of a record that was left
// without an outcome, whoever left it so.
func TestJudgeLeft(t *testing.T) {
	t.Parallel()
	r, err := migrationfile.Decode([]byte(sound(1, nil)))
	require.NoError(t, err)
	there := func(change func(*entitlement.Entitlement)) entitlement.Entitlement {
		e := entitlement.Entitlement{
			EntitlementID: "id-1", ExternalEntitlementID: r.ExternalEntitlementID, CustomerIdentifier: r.CustomerIdentifier,
			MerchantAccountKey: r.MerchantAccountKey, ProductKey: r.ProductKey, OfferKey: r.OfferKey, Status: r.Status,
			DateCreated: r.DateCreated, DateActivated: r.DateActivated, DateSuspended: r.DateSuspended, Settled: true,
		}
		change(&e)
		return e
	}
	right := there(func(*entitlement.Entitlement) {})
	back := there(func(e *entitlement.Entitlement) { e.Status = entitlement.Active })
	atWork := there(func(e *entitlement.Entitlement) { e.Status, e.Settled = entitlement.Active, false })
	other := there(func(e *entitlement.Entitlement) { e.EntitlementID, e.ProductKey = "id-2", "nova-family" })
	puzzling := there(func(e *entitlement.Entitlement) {
		e.Status, e.Odd = "", []entitlement.Oddity{{Field: "status", Why: "is null"}}
	})
	all := []entitlement.Step{"create", "activate", "suspend"}
	for name, c := range map[string]struct {
		found  []entitlement.Entitlement
		unread *fault.Fault
		begun  bool
		want   migration.Outcome
	}{
		"in its right state": {found: []entitlement.Entitlement{right}, want: migration.Outcome{
			Fate: migration.Migrated, EntitlementID: "id-1", StepsDone: all,
		}},
		"in its right state, beside another": {found: []entitlement.Entitlement{other, right}, want: migration.Outcome{
			Fate: migration.Migrated, EntitlementID: "id-1", StepsDone: all,
		}},
		"further back": {found: []entitlement.Entitlement{back}, want: migration.Outcome{
			Fate: migration.Failed, EntitlementID: "id-1", StepsDone: all[:2], Step: "suspend",
			Code: fault.CodeOperatorStopped, Message: endedByHand, Retryable: true,
		}},
		"at work": {found: []entitlement.Entitlement{atWork}, want: migration.Outcome{
			Fate: migration.Failed, EntitlementID: "id-1", StepsDone: all[:2], Step: "suspend",
			Code: fault.CodeStillPending, Message: endedByHand, Retryable: true,
		}},
		"with other content": {found: []entitlement.Entitlement{other}, want: migration.Outcome{
			Fate: migration.Failed, Step: "create", Code: fault.CodeTargetDiffers,
			Message: "the target has this entitlement with another productKey",
		}},
		"not understood": {found: []entitlement.Entitlement{puzzling}, want: migration.Outcome{
			Fate: migration.Failed, Step: "create", Code: fault.CodeTargetDiffers,
			Message: "the target has this entitlement with another status; not understood of its answer: status is null",
		}},
		"two alike": {found: []entitlement.Entitlement{right, back}, want: migration.Outcome{
			Fate: migration.Failed, Step: "create", Code: fault.CodeTargetDiffers,
			Message: "the target has 2 entitlements under this externalEntitlementId, and which one is the record's can't be told",
		}},
		"nowhere, never begun": {want: migration.Outcome{
			Fate: migration.NotAttempted, Code: fault.CodeOperatorStopped, Message: leftOut, Retryable: true,
		}},
		"nowhere, begun": {begun: true, want: migration.Outcome{
			Fate: migration.Failed, Step: "create", Code: fault.CodeOperatorStopped, Message: endedByHand, Retryable: true,
		}},
		"unread": {unread: internal, want: migration.Outcome{
			Fate: migration.Failed, Step: "create", Code: fault.CodeOperatorStopped, Retryable: true,
			Message: endedByHand + "; the target gives no answer for it (INTERNAL_ERROR)",
		}},
		"unread, begun": {unread: internal, begun: true, want: migration.Outcome{
			Fate: migration.Failed, Step: "create", Code: fault.CodeOperatorStopped, Retryable: true,
			Message: endedByHand + "; the target gives no answer for it (INTERNAL_ERROR)",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.want.Record, c.want.ExternalEntitlementID, c.want.Status = 1, r.ExternalEntitlementID, r.Status
			require.Equal(t, c.want, judgeLeft(leftRecord{
				stagedRecord: stagedRecord{number: 1, decoded: r}, found: c.found, unread: c.unread, begun: c.begun, halfWay: endedByHand,
			}, start))
		})
	}
}
