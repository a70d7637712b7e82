package pace

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/migration"
)

var start = time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)

// run shows a meter so many seconds of a migration, one look a second.
type run struct {
	Meter
	now time.Time
	s   migration.Summary
}

func newRun(records int) *run {
	return &run{now: start, s: migration.Summary{Phase: migration.Migrating, Records: records}}
}

func (r *run) work(seconds, perSecond int) *run {
	for range seconds {
		r.See(r.now, &r.s)
		r.now = r.now.Add(time.Second)
		r.s.Outcomes.Migrated += perSecond
	}
	r.See(r.now, &r.s)
	return r
}

func (r *run) rest(phase migration.Phase, d time.Duration) *run {
	r.s.Phase = phase
	for range int(d / time.Second) {
		r.now = r.now.Add(time.Second)
		r.See(r.now, &r.s)
	}
	r.s.Phase = migration.Migrating
	r.See(r.now, &r.s)
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
	r.See(r.now, &r.s)
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
	p := &Meter{}
	s := migration.Summary{Phase: migration.Migrating, Records: 1000}
	for i := range 4 {
		s.Outcomes.Migrated = 120 * i
		p.See(start.Add(time.Duration(12*i)*time.Second), &s)
	}
	require.Len(t, p.slots, 7)
	for _, rate := range p.slots {
		require.InDelta(t, 10, rate, 0.001)
	}
}

func TestReading(t *testing.T) {
	t.Parallel()
	var none Meter
	require.Equal(t, Reading{}, none.Read())
	r := newRun(1000).work(60, 10).Read()
	require.True(t, r.Measured)
	require.True(t, r.LeftKnown)
	require.InDelta(t, 10, r.PerSecond, 0.01)
	require.InDelta(t, 40, r.Longest.Seconds(), 0.1)
	require.Len(t, newRun(100_000).work(600, 7).Read().Slots, Kept)
}
