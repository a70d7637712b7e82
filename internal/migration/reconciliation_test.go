package migration

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCorrelationTells(t *testing.T) {
	t.Parallel()
	var c Correlation
	require.Empty(t, c.Says())
	c.Checked, c.Differing, c.Extra = 200, 120, 1
	for n := range 120 {
		c.Tell(Difference{ExternalEntitlementID: fmt.Sprintf("ext-%d", n), Result: "Error: Status is different"})
	}
	c.Tell(Difference{ExternalEntitlementID: "ext-x", Result: "Error: Extra Entitlement detected in Bango system"})
	c.Sort()
	require.Equal(t, 121, c.Different())
	require.Len(t, c.Differences, MaxListed)
	require.Len(t, c.Kinds[0].Examples, MaxErrorExamples)
	require.Equal(t, "120 of 200 migrated records differ at the target from the file; the target has 1 more under the file's ids than were migrated; "+
		"120 × Status is different (ext-0, ext-1), 1 × Extra Entitlement detected in Bango system (ext-x)", c.Says())
	require.Equal(t, "3 that were not migrated are there all the same", (&Correlation{Since: 3}).Says())

	sum := Correlation{Checked: 1, Expected: ByGroup{Active: 1}, Found: ByGroup{Active: 1}}
	sum.Plus(Correlation{Checked: 2, Expected: ByGroup{Pending: 2}, Found: ByGroup{Suspended: 2}})
	require.Equal(t, Correlation{Checked: 3, Expected: ByGroup{Pending: 2, Active: 1}, Found: ByGroup{Active: 1, Suspended: 2}}, sum)
}

func TestKindsAreInOrder(t *testing.T) {
	t.Parallel()
	var c Correlation
	c.Sort()
	require.NotNil(t, c.Kinds, "JSON has a list, and no null")
	require.NotNil(t, c.Differences)
	for _, result := range []string{"b", "c", "a", "c"} {
		c.Tell(Difference{Result: result})
	}
	c.Sort()
	require.Equal(t, []string{"c", "a", "b"}, []string{c.Kinds[0].Result, c.Kinds[1].Result, c.Kinds[2].Result})
}

func TestReconciliationFile(t *testing.T) {
	t.Parallel()
	require.Equal(t, "reconciliations/20261121T100000.000Z.csv", ReconciliationFile(at, ".csv"))
}
