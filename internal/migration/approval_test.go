package migration

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAwaitedPlanIsReadBack(t *testing.T) {
	t.Parallel()
	require.Equal(t, "0def99", AwaitedPlan(AwaitsPlan("0def99")))
	require.Equal(t, "0def99", AwaitedPlan("wave 1 is done; "+AwaitsPlan("0def99")))
	require.Empty(t, AwaitedPlan("paused by kim"))
	require.Empty(t, AwaitedPlan(AwaitsPlan("0def99")+" no longer"))
}
