package limits

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestReadStopsAtTheRecordThatIsTooMuch(t *testing.T) {
	t.Parallel()
	rules := Rules{ErrorRate: 0.1, MinSample: 20, MaxFailures: 5}
	for name, c := range map[string]struct {
		from    Count
		order   string
		at      Count
		verdict Verdict
	}{
		"nothing":                  {Count{}, "", Count{}, Fine},
		"one below the rate":       {Count{1, 20}, strings.Repeat("p", 19), Count{1, 39}, Fine},
		"at the rate":              {Count{1, 18}, "pf", Count{2, 20}, TooHighARate},
		"below the sample":         {Count{2, 2}, strings.Repeat("p", 17), Count{2, 19}, Fine},
		"the sample fills up":      {Count{2, 18}, "ppp", Count{2, 20}, TooHighARate},
		"a peak that passes again": {Count{1, 18}, "pf" + strings.Repeat("p", 50), Count{2, 20}, TooHighARate},
		"the cap":                  {Count{4, 400}, "pfp", Count{5, 402}, TooManyFailures},
	} {
		at, verdict := rules.Read(c.from, c.order)
		require.Equal(t, c.at, at, name)
		require.Equal(t, c.verdict, verdict, name)
	}
}

func TestReadingInPartsSaysTheSame(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rules := Rules{
			ErrorRate:   rapid.Float64Range(0, 1).Draw(t, "rate"),
			MinSample:   rapid.IntRange(0, 50).Draw(t, "sample"),
			MaxFailures: rapid.IntRange(0, 20).Draw(t, "cap"),
		}
		order := rapid.StringMatching(`[pf]{0,120}`).Draw(t, "order")
		whole, verdict := rules.Read(Count{}, order)
		var c Count
		v := Fine
		for rest := order; rest != "" && v == Fine; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "part")
			c, v = rules.Read(c, rest[:n])
			rest = rest[n:]
		}
		require.Equal(t, verdict, v)
		require.Equal(t, whole, c)
	})
}

func TestUsedIsOneWhereARuleTrips(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rules := Rules{
			ErrorRate:   rapid.Float64Range(0.01, 1).Draw(t, "rate"),
			MinSample:   rapid.IntRange(0, 50).Draw(t, "sample"),
			MaxFailures: rapid.IntRange(0, 20).Draw(t, "cap"),
		}
		finished := rapid.IntRange(1, 500).Draw(t, "finished")
		c := Count{Failed: rapid.IntRange(0, finished).Draw(t, "failed"), Finished: finished}
		if rules.Judge(c) != Fine {
			require.GreaterOrEqual(t, rules.Used(c), 1-1e-6)
		} else if finished >= rules.MinSample {
			require.Less(t, rules.Used(c), 1+1e-6)
		}
	})
}

func TestNarrowHalvesStepByStepAndDoesNotFlutter(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		now  int
		used float64
		want int
	}{
		{0, 0.49, 0},
		{0, 0.5, 1},
		{0, 0.95, 3},
		{1, 0.45, 1},
		{1, 0.39, 0},
		{3, 0.85, 3},
		{3, 0.79, 2},
		{3, 0, 0},
	} {
		require.Equal(t, c.want, Narrow(c.now, c.used), "%+v", c)
	}
}
