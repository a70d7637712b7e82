package dashboard

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/pace"
)

func TestChartKeepsToItsBounds(t *testing.T) {
	t.Parallel()
	for _, n := range []int{2, fewestSlots, pace.Kept} {
		c := chartOf(slices.Repeat([]float64{7}, n))
		require.Len(t, c.Columns, n)
		requireInside(t, c)
	}
	require.Empty(t, chartOf(nil).Columns)
}

func requireInside(t *testing.T, c chart) {
	t.Helper()
	for _, column := range c.Columns {
		require.GreaterOrEqual(t, column.X, 0.0)
		require.LessOrEqual(t, column.X+column.W, barWidth)
		require.InDelta(t, chartHeight, column.Y+column.H, 0.001)
	}
}

func TestGauges(t *testing.T) {
	t.Parallel()
	s := migration.Summary{
		Outcomes: migration.Outcomes{Migrated: 40, Failed: 10},
		Limits: migration.LimitsState{
			Limits:     migration.Limits{ErrorRate: 0.1, MinSample: 100, Consecutive: 10},
			LongestRun: 5, Tripped: &migration.Tripped{Rule: migration.RuleConsecutive, First: 1, Last: 10},
		},
	}
	g := gaugesOf(&s)
	require.InDelta(t, thresholdAt/2, g[0].Fill, 0.001)
	require.True(t, g[0].Tripped)
	require.Equal(t, bad, g[0].Tone)
	require.InDelta(t, barWidth, g[1].Fill, 0.001)
	require.Equal(t, "counts once 100 have finished", g[1].Note)
	require.Equal(t, waiting, g[1].Tone, "it doesn't count yet")
	require.True(t, g[2].Off)
	s.Outcomes.Migrated = 190
	require.Equal(t, "5.0 %", gaugesOf(&s)[1].Value)
	require.Equal(t, doubt, gaugesOf(&s)[1].Tone)
}

func TestWords(t *testing.T) {
	t.Parallel()
	require.Equal(t, "99 %", percent(9999, 10000))
	require.Equal(t, "1 %", percent(1, 10000))
	require.Equal(t, "100 %", percent(5, 5))
	require.Equal(t, "0 %", percent(0, 0))
	for p := range phases {
		require.NotEmpty(t, stateOf(&migration.Summary{Phase: p}).Says)
	}
	for r := range results {
		require.NotEmpty(t, stateOf(&migration.Summary{Result: r}).Says)
	}
	require.Equal(t, "NEW_PHASE", stateOf(&migration.Summary{Phase: "NEW_PHASE"}).Word)
}
