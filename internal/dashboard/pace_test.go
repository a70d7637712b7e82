package dashboard

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/migration"
)

// run shows a pace so many seconds of a migration, one look a second.
type run struct {
	pace
	now time.Time
	s   migration.Summary
}

func newRun(records int) *run {
	return &run{now: began, s: migration.Summary{Phase: migration.Migrating, Records: records}}
}

func (r *run) work(seconds, perSecond int) *run {
	for range seconds {
		r.see(r.now, &r.s)
		r.now = r.now.Add(time.Second)
		r.s.Outcomes.Migrated += perSecond
	}
	r.see(r.now, &r.s)
	return r
}

func (r *run) rest(phase migration.Phase, d time.Duration) *run {
	r.s.Phase = phase
	for range int(d / time.Second) {
		r.now = r.now.Add(time.Second)
		r.see(r.now, &r.s)
	}
	r.s.Phase = migration.Migrating
	r.see(r.now, &r.s)
	return r
}

func TestTimeLeftIsHiddenUntilThereIsEnough(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]*run{
		"not begun":     newRun(1000),
		"too early":     newRun(1000).work(25, 10),
		"too few":       newRun(1000).work(60, 0),
		"stood still":   newRun(1000).work(60, 10).work(20, 0),
		"nothing left":  newRun(400).work(40, 10),
		"paused by now": newRun(1000).work(60, 10).pausedAtEnd(),
	} {
		_, _, ok := r.timeLeft()
		require.False(t, ok, name)
	}
}

func (r *run) pausedAtEnd() *run {
	r.s.Phase = migration.Paused
	r.now = r.now.Add(time.Second)
	r.see(r.now, &r.s)
	return r
}

func TestTimeLeftIsARange(t *testing.T) {
	t.Parallel()
	r := newRun(1000).work(60, 10)
	shortest, longest, ok := r.timeLeft()
	require.True(t, ok)
	require.InDelta(t, 40, shortest.Seconds(), 0.1)
	require.InDelta(t, 40, longest.Seconds(), 0.1)
	r.work(30, 5)
	shortest, longest, ok = r.timeLeft()
	require.True(t, ok)
	require.InDelta(t, 25, shortest.Seconds(), 0.1)
	require.InDelta(t, 50, longest.Seconds(), 0.1)
	rate, ok := r.rate()
	require.True(t, ok)
	require.InDelta(t, 5, rate, 0.01)
}

func TestPausedAndHeldTimeDoesNotCount(t *testing.T) {
	t.Parallel()
	steady := newRun(1000).work(60, 10)
	broken := newRun(1000).work(30, 10).rest(migration.Paused, 10*time.Minute).work(30, 10)
	require.Equal(t, steady.slots, broken.slots)
	a, b, ok := broken.timeLeft()
	require.True(t, ok)
	require.InDelta(t, 40, a.Seconds(), 0.1)
	require.InDelta(t, 40, b.Seconds(), 0.1)

	// So it is with time in which nobody looked.
	unseen := newRun(1000).work(30, 10)
	unseen.now = unseen.now.Add(time.Hour)
	unseen.s.Outcomes.Migrated += 7
	unseen.work(30, 10)
	require.Len(t, unseen.slots, 12)
	require.InDelta(t, 10, mean(unseen.slots), 0.001)
}

func TestSlowLooksSpreadTheirRecords(t *testing.T) {
	t.Parallel()
	p := &pace{}
	s := migration.Summary{Phase: migration.Migrating, Records: 1000}
	for i := range 4 {
		s.Outcomes.Migrated = 120 * i
		p.see(began.Add(time.Duration(12*i)*time.Second), &s)
	}
	require.Len(t, p.slots, 7)
	for _, rate := range p.slots {
		require.InDelta(t, 10, rate, 0.001)
	}
}

func TestChartKeepsToItsBounds(t *testing.T) {
	t.Parallel()
	r := newRun(100_000).work(600, 7)
	require.Len(t, r.slots, shownSlots)
	c := chartOf(r.slots)
	require.Len(t, c.Columns, shownSlots)
	for _, column := range c.Columns {
		require.GreaterOrEqual(t, column.X, 0.0)
		require.LessOrEqual(t, column.X+column.W, barWidth)
		require.InDelta(t, chartHeight, column.Y+column.H, 0.001)
	}
	require.Empty(t, chartOf(nil).Columns)
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
	require.Equal(t, "1,234,567", number(1234567))
	require.Equal(t, "-999", number(-999))
	require.Equal(t, "-1,000", number(-1000))
	require.Equal(t, "99 %", percent(9999, 10000))
	require.Equal(t, "1 %", percent(1, 10000))
	require.Equal(t, "100 %", percent(5, 5))
	require.Equal(t, "0 %", percent(0, 0))
	require.Equal(t, "18 to 44 seconds", spanRange(18*time.Second, 44*time.Second))
	require.Equal(t, "40 seconds to 2 minutes", spanRange(40*time.Second, 2*time.Minute))
	require.Equal(t, "about 3 minutes", spanRange(175*time.Second, 185*time.Second))
	require.Equal(t, "1 second", span(time.Second))
	require.Equal(t, "1.5 hours", span(91*time.Minute))
	require.Equal(t, "3.0 days", span(72*time.Hour))
	require.Equal(t, "1.5 KiB", size(1536))
	for p := range phases {
		require.NotEmpty(t, stateOf(&migration.Summary{Phase: p}).Says)
	}
	for r := range results {
		require.NotEmpty(t, stateOf(&migration.Summary{Result: r}).Says)
	}
	require.Equal(t, "NEW_PHASE", stateOf(&migration.Summary{Phase: "NEW_PHASE"}).Word)
}
