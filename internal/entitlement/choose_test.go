package entitlement

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestChooseAmongThoseOfOneExternalID(t *testing.T) {
	t.Parallel()
	r := record(t, Suspended)
	ours, alike, other, another := after(r, 2), after(r, 1), after(r, 3), after(r, 3)
	ours.EntitlementID, alike.EntitlementID = "ours", "alike"
	other.EntitlementID, other.ProductKey = "other", "nova-family"
	another.EntitlementID, another.CustomerIdentifier = "another", "cust-2"
	for name, c := range map[string]struct {
		found []Entitlement
		want  string // "": nobody can tell
	}{
		"none":                     {nil, ""},
		"one":                      {[]Entitlement{ours}, "ours"},
		"one that differs":         {[]Entitlement{other}, "other"},
		"ours first":               {[]Entitlement{ours, other}, "ours"},
		"ours last":                {[]Entitlement{other, another, ours}, "ours"},
		"several that differ":      {[]Entitlement{other, another}, ""},
		"several that are alike":   {[]Entitlement{ours, alike}, ""},
		"alike, with one between ": {[]Entitlement{ours, other, alike}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, seen, ok := Choose(r, c.found, now)
			require.Equal(t, c.want, e.EntitlementID)
			require.Equal(t, c.want != "", ok)
			require.Equal(t, c.want == "ours", ok && seen.Same() && len(seen.Remaining) == 1)
		})
	}
}
