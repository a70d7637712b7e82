package sandbox

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/resale/resaleapi"
)

func TestEditAndRemove(t *testing.T) {
	t.Parallel()
	s, err := New(Options{})
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Close() })
	require.ErrorIs(t, s.Edit("nobody", func(*resaleapi.Entitlement) {}), ErrNoEntitlement)
	require.ErrorIs(t, s.Remove("nobody"), ErrNoEntitlement)

	status, migration := resaleapi.Status("ACTIVE"), true
	given, err := s.perform(write{kind: kindCreate, load: s.fresh(&resaleapi.CreateRequest{
		CustomerIdentifier: "c", MerchantAccountKey: "nova-music", ProductKey: "nova-basic", Status: &status, Migration: &migration,
		ExternalEntitlementID: new("ext"), DateCreated: new(s.now()),
	})})
	require.NoError(t, err)
	require.Equal(t, 200, given.status)
	before, err := s.Stats(t.Context())
	require.NoError(t, err)
	made, err := s.store.find(t.Context(), filter{externals: []string{"ext"}, limit: 9})
	require.NoError(t, err)
	require.Len(t, made, 1)
	id := made[0].now.EntitlementID

	require.NoError(t, s.Edit(id, func(e *resaleapi.Entitlement) {
		e.EntitlementID, e.ExternalEntitlementID, e.CustomerIdentifier, e.ProductKey = "other", new("ext-2"), "d", "nova-family"
	}))
	found, err := s.store.find(t.Context(), filter{externals: []string{"ext-2"}, customer: "d", product: "nova-family", limit: 9})
	require.NoError(t, err)
	require.Len(t, found, 1)
	require.Equal(t, id, found[0].now.EntitlementID)
	gone, err := s.store.find(t.Context(), filter{externals: []string{"ext"}, limit: 9})
	require.NoError(t, err)
	require.Empty(t, gone)

	after, err := s.Stats(t.Context())
	require.NoError(t, err)
	require.Equal(t, before, after, "the books are of calls alone")
	require.NoError(t, s.Remove(id))
	require.ErrorIs(t, s.Remove(id), ErrNoEntitlement)
}
