package entitlement

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// A field that isn't understood differs, unless any value would do.
func TestCompareFieldsThatAreNotUnderstood(t *testing.T) {
	t.Parallel()
	for _, field := range []string{
		FieldExternalEntitlementID, FieldEntitlementID, FieldDateCreated, FieldDateActivated,
		FieldDateSuspended, FieldDateResumed, FieldDateEnded, FieldPendingAction,
	} {
		r := record(t, Active)
		found := after(r, 2)
		require.True(t, Compare(r, found, now).Done(), field)
		found.Odd = []Oddity{{Field: field, Why: "is odd"}}
		require.Equal(t, []string{field}, Compare(r, found, now).Differences)
		require.Equal(t, field+" is odd", found.WhyOdd())
	}
	r := record(t, Active)
	found := after(r, 2)
	r.OfferKey, r.DateExpiry = "", nil
	found.OfferKey, found.DateExpiry = "", nil
	found.Odd = []Oddity{{Field: FieldOfferKey, Why: "is odd"}, {Field: FieldDateExpiry, Why: "is odd"}}
	require.True(t, Compare(r, found, now).Done(), "the record has none, so that any would do")
}
