package resale

import (
	"fmt"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migrator"
	"github.com/f0a90b9a/ferry/internal/routes"
	"github.com/f0a90b9a/ferry/internal/sandbox"
)

func withSandbox(t *testing.T) (*Client, *sandbox.Server) {
	t.Helper()
	box, err := sandbox.New(sandbox.Options{User: "acme", Password: "pass-word-1"})
	require.NoError(t, err)
	server := httptest.NewServer(box.Handler())
	t.Cleanup(func() { server.Close(); require.NoError(t, box.Close()) })
	return client(t, server.URL), box
}

func TestEveryStatusReachesTheSandbox(t *testing.T) {
	t.Parallel()
	c, box := withSandbox(t)
	ctx := t.Context()
	require.NoError(t, c.Echo(ctx))
	rules, err := c.Route(ctx, routes.AcmeNovaName)
	require.NoError(t, err)
	require.Equal(t, routes.AcmeNova(), rules)
	future := time.Now().Add(time.Hour)
	for status, finish := range map[entitlement.Status]func(id string) (entitlement.Entitlement, error){
		entitlement.Active: func(id string) (entitlement.Entitlement, error) { return c.Get(ctx, id) },
		entitlement.Suspended: func(id string) (entitlement.Entitlement, error) {
			return c.Suspend(ctx, id+"s", id, day)
		},
		entitlement.ActiveEnding: func(id string) (entitlement.Entitlement, error) {
			return c.Cancel(ctx, id+"c", id, migrator.Ending{At: future})
		},
		entitlement.Cancelled: func(id string) (entitlement.Entitlement, error) {
			return c.Cancel(ctx, id+"c", id, migrator.Ending{At: day, ReasonCategory: "CUSTOMER_CANCELLED", ReasonCode: "OTHER"})
		},
		entitlement.Revoked: func(id string) (entitlement.Entitlement, error) {
			return c.Revoke(ctx, id+"r", id, migrator.Ending{At: day})
		},
	} {
		r := record()
		r.ExternalEntitlementID, r.CustomerIdentifier = "ext-"+string(status), "c-"+string(status)
		made, err := c.Create(ctx, r.ExternalEntitlementID, r)
		require.NoError(t, err)
		require.Equal(t, entitlement.Pending, made.Status)
		require.True(t, made.DateActivated.Equal(day))
		_, err = c.Activate(ctx, made.EntitlementID+"a", made.EntitlementID, day)
		require.NoError(t, err)
		got, err := finish(made.EntitlementID)
		require.NoError(t, err)
		require.Equal(t, status, got.Status)
		read, err := c.Get(ctx, made.EntitlementID)
		require.NoError(t, err)
		require.Equal(t, got, read)
	}
	stats, err := box.Stats(ctx)
	require.NoError(t, err)
	require.Equal(t, int64(5), stats.Effective["activate"])
}

func TestFindReadsByExternalIDs(t *testing.T) {
	t.Parallel()
	c, box := withSandbox(t)
	require.NoError(t, box.ChangeFaults(func(f *sandbox.Faults) error { f.UniqueExternalIDs = false; return nil }))
	var ids []string
	for i := range findLimit {
		r := record()
		r.ExternalEntitlementID = fmt.Sprintf("ext-%d", i)
		for copies := range 2 {
			r.CustomerIdentifier = fmt.Sprintf("c-%d-%d", i, copies)
			_, err := c.Create(t.Context(), r.CustomerIdentifier, r)
			require.NoError(t, err)
		}
		ids = append(ids, r.ExternalEntitlementID)
	}
	found, err := c.Find(t.Context(), "nova-music", ids)
	require.NoError(t, err)
	require.Len(t, found, 2*findLimit, "duplicates, on two pages")
	some, err := c.Find(t.Context(), "nova-music", []string{"ext-7", "unknown"})
	require.NoError(t, err)
	require.Len(t, some, 2)
	require.Equal(t, "ext-7", some[0].ExternalEntitlementID)
	none, err := c.Find(t.Context(), "nova-music", nil)
	require.NoError(t, err)
	require.Empty(t, none)
	other, err := c.Find(t.Context(), "other-merchant", ids)
	require.NoError(t, err)
	require.Empty(t, other)
	_, err = c.Find(t.Context(), "nova-music", append(ids, "one more"))
	require.Equal(t, fault.CodeBadRequest, faultOf(t, err).Code)
}

// A target that doesn't heed the filter must not make Ferry take another's
// entitlement for its own.
func TestFindKeepsOnlyWhatWasAsked(t *testing.T) {
	t.Parallel()
	body := `{"responseCode":"OK","responseMessage":"","nextPage":null,"entitlements":[` + good + `]}`
	c := setup(t, says(200, body))
	found, err := c.Find(t.Context(), "nova-music", []string{"ext-1"})
	require.NoError(t, err)
	require.Len(t, found, 1)
	for _, question := range [][2]string{{"nova-music", "ext-2"}, {"other", "ext-1"}} {
		found, err := c.Find(t.Context(), question[0], []string{question[1]})
		require.NoError(t, err)
		require.Empty(t, found)
	}
	endless := setup(t, says(200, `{"responseCode":"OK","responseMessage":"","nextPage":1,"entitlements":[]}`))
	_, err = endless.Find(t.Context(), "nova-music", []string{"ext-1"})
	require.Equal(t, fault.CodeUnexpected, faultOf(t, err).Code)
}

func TestSandboxRefusalsAreFaults(t *testing.T) {
	t.Parallel()
	c, box := withSandbox(t)
	made, err := c.Create(t.Context(), "1", record())
	require.NoError(t, err)
	again := record()
	again.CustomerIdentifier = "another"
	_, err = c.Create(t.Context(), "2", again)
	require.Equal(t, fault.CodeAlreadyExists, faultOf(t, err).Code)
	require.Equal(t, made.EntitlementID, faultOf(t, err).EntitlementID)
	again = record()
	again.ExternalEntitlementID = "ext-2"
	_, err = c.Create(t.Context(), "3", again)
	require.Equal(t, fault.CodeCustomerLimit, faultOf(t, err).Code)
	_, err = c.Get(t.Context(), "unknown")
	require.Equal(t, fault.CodeNotFound, faultOf(t, err).Code)
	_, err = c.Suspend(t.Context(), "4", made.EntitlementID, day)
	require.Equal(t, fault.CodeConflict, faultOf(t, err).Code)
	require.NoError(t, box.ChangeFaults(func(f *sandbox.Faults) error { f.LostAnswerRate = 1; return nil }))
	_, err = c.Activate(t.Context(), "5", made.EntitlementID, day)
	require.Equal(t, verdict{fault.Retryable, fault.CodeConnection, true, 0}, judged(t, err))
	require.NoError(t, box.SetFaults(sandbox.DefaultFaults()))
	got, err := c.Activate(t.Context(), "5", made.EntitlementID, day)
	require.NoError(t, err)
	require.Equal(t, entitlement.Active, got.Status)
}
