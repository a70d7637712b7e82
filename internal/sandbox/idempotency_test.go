package sandbox

import (
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/resale/resaleapi"
)

func TestSameIdentifierIsAnsweredFromMemory(t *testing.T) {
	t.Parallel()
	b := setup(t)
	body := migration("e", resaleapi.StatusACTIVE)
	first := b.create(body, "id-1")
	require.Equal(t, "OK", b.call(kindActivate, first.EntitlementID, nil).Code)
	again := b.create(body, "id-1")
	require.Equal(t, http.StatusOK, again.HTTP)
	require.Equal(t, first.EntitlementID, again.EntitlementID)
	require.Equal(t, "PENDING", again.Status, "the earlier answer, word for word")
	stats := b.stats()
	require.Equal(t, int64(2), stats.Calls["create"])
	require.Equal(t, int64(1), stats.Effective["create"])
	require.Equal(t, int64(1), stats.Replayed)
	require.Zero(t, stats.Rejected)
}

func TestIdentifierStandsForOneRequest(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first := b.create(migration("e", resaleapi.StatusACTIVE), "id-1")
	require.Equal(t, "OK", first.Code)
	other := b.create(migration("other", resaleapi.StatusACTIVE), "id-1")
	require.Equal(t, "BAD_REQUEST", other.Code)
	require.Contains(t, other.Message, "X-RequestIdentifier")
	params := &resaleapi.ActivateEntitlementParams{XRequestIdentifier: new("id-1")}
	path := b.reply(b.raw().ActivateEntitlement(t.Context(), first.EntitlementID, params, resaleapi.ActivateRequest{}))
	require.Equal(t, "BAD_REQUEST", path.Code)
	require.Equal(t, int64(2), b.stats().Rejected)
	require.Equal(t, int64(1), b.stats().Entitlements[entitlement.Pending])
}

func TestSameBodyForAnotherEntitlementIsAnotherRequest(t *testing.T) {
	t.Parallel()
	b := setup(t)
	params := &resaleapi.ActivateEntitlementParams{XRequestIdentifier: new("id-1")}
	activate := func(id string) reply {
		return b.reply(b.raw().ActivateEntitlement(t.Context(), id, params, resaleapi.ActivateRequest{DateActivated: &past}))
	}
	first := b.create(migration("a", resaleapi.StatusACTIVE))
	second := b.create(migration("b", resaleapi.StatusACTIVE))
	require.Equal(t, "OK", activate(first.EntitlementID).Code)
	require.Equal(t, "BAD_REQUEST", activate(second.EntitlementID).Code)
	require.Equal(t, "PENDING", b.get(second.EntitlementID).Status)
}

func TestRefusalIsNotRemembered(t *testing.T) {
	t.Parallel()
	b := setup(t)
	body := migration("e", resaleapi.StatusACTIVE)
	body.ProductKey = "nova-fail-create"
	require.Equal(t, "NOT_AVAILABLE", b.create(body, "id-1").Code)
	b.faults(func(f *Faults) { f.Refusals = nil })
	require.Equal(t, "OK", b.create(body, "id-1").Code)
}

func TestForgottenIdentifierIsJudgedAnew(t *testing.T) {
	t.Parallel()
	b := setup(t)
	body := migration("e", resaleapi.StatusACTIVE)
	require.Equal(t, "OK", b.create(body, "id-1").Code)
	status, answer := b.admin(http.MethodPost, "forget", "")
	require.Equal(t, http.StatusOK, status)
	require.JSONEq(t, `{"forgotten":1}`, answer)
	require.Equal(t, "ALREADY_EXISTS", b.create(body, "id-1").Code)
}

// Thirty-two callers at once, one external id: one entitlement, and what the
// others are told depends on their identifiers.
func TestParallelCreatesOfOneEntitlement(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		identifier func(int) string
		others     string
	}{
		"own identifiers": {func(i int) string { return string(rune('A' + i)) }, "ALREADY_EXISTS"},
		"one identifier":  {func(int) string { return "same" }, "OK"},
	} {
		for _, db := range []string{"", "file"} {
			t.Run(name+" "+db, func(t *testing.T) {
				t.Parallel()
				const callers = 32
				b := setup(t, onDisk(t, db != ""))
				codes := make([]string, callers)
				var wg sync.WaitGroup
				for i := range callers {
					wg.Go(func() { codes[i] = b.create(migration("e", resaleapi.StatusACTIVE), c.identifier(i)).Code })
				}
				wg.Wait()
				count := map[string]int{}
				for _, code := range codes {
					count[code]++
				}
				want := map[string]int{"OK": 1}
				want[c.others] += callers - 1
				require.Equal(t, want, count)
				stats := b.stats()
				require.Equal(t, int64(1), stats.Effective["create"])
				require.Equal(t, int64(1), stats.Entitlements[entitlement.Pending])
				require.Equal(t, int64(callers-1), stats.Replayed+stats.Rejected)
			})
		}
	}
}
