package migration

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWhoAsksAndWhyHaveBounds(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"kim", "Kim Ångström", strings.Repeat("å", MaxBy), "שלום"} {
		require.NoError(t, CheckBy(good))
		require.NoError(t, CheckReason(good))
	}
	require.NoError(t, CheckReason(""))
	require.NoError(t, CheckReason(strings.Repeat("日", MaxReason)))
	require.ErrorContains(t, CheckBy(" "), `"by" is missing`)
	require.ErrorContains(t, CheckBy(strings.Repeat("a", MaxBy+1)), `"by" has 101 characters: use at most 100`)
	require.ErrorContains(t, CheckReason(strings.Repeat("a", 120_000)), `"reason" has 120000 characters: use at most 500`)
	for _, bad := range []string{"a\nb", "a\x1b[2J", "a\u202eb", "a\u2066b", "a\u2028b", "a\x00", "a\x7f", "a\u0085"} {
		require.ErrorContains(t, CheckReason(bad), "at character 2: use plain text")
		require.Error(t, CheckBy(bad))
	}
	require.ErrorContains(t, CheckReason("\xff"), "not UTF-8")
}
