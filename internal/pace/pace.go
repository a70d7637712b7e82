// Package pace measures how fast a migration's records finish, and judges how
// long the rest will take. The dashboard and the CLI's progress call it. It
// reads no clock and asks nobody: it is shown how the migration stands.
package pace

import (
	"slices"
	"time"

	"github.com/f0a90b9a/ferry/internal/migration"
)

const (
	// Slot is how long one measurement of the rate takes.
	Slot = 5 * time.Second
	// Kept is how many measurements are kept.
	Kept = 60
	// judgedSlots is how many the time left is judged by.
	judgedSlots = 24
	// enoughSlots and enoughRecords are what it takes to say anything about the
	// time left.
	enoughSlots   = 6
	enoughRecords = 20
	// smoothing is how many slots the rate is averaged over.
	smoothing = 3
	// gap is how far apart two looks may be for the time between them to count.
	gap = 15 * time.Second
)

// Meter measures how fast records finish. Time in which the run is paused, held
// or not looked at doesn't count. It is for one goroutine.
type Meter struct {
	at      time.Time // of the last look
	done    int       // records decided by then
	moving  bool      // it was migrating then
	active  time.Duration
	current float64   // records in the slot that is being measured
	slots   []float64 // records per second, the latest last
	left    int
}

// See takes a look in.
func (m *Meter) See(now time.Time, s *migration.Summary) {
	moving, done := s.Phase == migration.Migrating, s.Outcomes.Total()
	if elapsed := now.Sub(m.at); m.moving && moving && elapsed > 0 && elapsed <= gap {
		m.spend(elapsed, float64(max(0, done-m.done)))
	}
	m.at, m.done, m.moving, m.left = now, done, moving, max(0, s.Records-done)
}

// spend spreads records evenly over the time in which they finished.
func (m *Meter) spend(elapsed time.Duration, records float64) {
	for elapsed > 0 {
		part := min(elapsed, Slot-m.active)
		share := records * float64(part) / float64(elapsed)
		m.active += part
		m.current += share
		elapsed -= part
		records -= share
		if m.active == Slot {
			m.slots = append(m.slots, m.current/Slot.Seconds())
			m.slots = m.slots[max(0, len(m.slots)-Kept):]
			m.active, m.current = 0, 0
		}
	}
}

// Reading is what a meter shows.
type Reading struct {
	Measured  bool    // PerSecond is known: a slot is full
	PerSecond float64 // records, over the last few slots
	// LeftKnown says that there is enough to go by for the time left: some
	// thirty seconds with some twenty records, and records still to do.
	LeftKnown bool
	// Shortest and Longest are the range in which the rest will take, going by
	// the fastest and the slowest quarter of a minute of the last two.
	Shortest, Longest time.Duration
	Slots             []float64 // records per second in each, the latest last
}

// Read gives what was measured so far.
func (m *Meter) Read() Reading {
	var r Reading
	r.PerSecond, r.Measured = m.rate()
	r.Shortest, r.Longest, r.LeftKnown = m.timeLeft()
	r.Slots = append(r.Slots, m.slots...)
	return r
}

// rate is records per second over the last slots; ok is false before the first
// is full.
func (m *Meter) rate() (perSecond float64, ok bool) {
	if len(m.slots) == 0 {
		return 0, false
	}
	return mean(m.slots[max(0, len(m.slots)-smoothing):]), true
}

// timeLeft gives the range in which the rest will take, going by the slowest
// and the fastest quarter of a minute of the last two. Ok is false until there
// is enough to go by.
func (m *Meter) timeLeft() (shortest, longest time.Duration, ok bool) {
	slots := m.slots[max(0, len(m.slots)-judgedSlots):]
	if !m.moving || m.left == 0 || len(slots) < enoughSlots || mean(slots)*Slot.Seconds()*float64(len(slots)) < enoughRecords {
		return 0, 0, false
	}
	var rates []float64
	for i := range len(slots) - smoothing + 1 {
		rates = append(rates, mean(slots[i:i+smoothing]))
	}
	slow, fast := slices.Min(rates), slices.Max(rates)
	if slow <= 0 {
		return 0, 0, false
	}
	seconds := func(rate float64) time.Duration { return time.Duration(float64(m.left) / rate * float64(time.Second)) }
	return seconds(fast), seconds(slow), true
}

func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}
