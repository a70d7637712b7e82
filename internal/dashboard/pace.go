package dashboard

import (
	"slices"
	"time"

	"github.com/f0a90b9a/ferry/internal/migration"
)

const (
	// slot is how long one measurement of the rate takes.
	slot = 5 * time.Second
	// shownSlots is how many measurements the chart shows.
	shownSlots = 60
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

// pace measures how fast records finish. Time in which the run is paused, held
// or not looked at doesn't count.
type pace struct {
	at      time.Time // of the last look
	done    int       // records decided by then
	moving  bool      // it was migrating then
	active  time.Duration
	current float64   // records in the slot that is being measured
	slots   []float64 // records per second, the latest last
	left    int
}

// see takes a look in.
func (p *pace) see(now time.Time, s *migration.Summary) {
	moving, done := s.Phase == migration.Migrating, s.Outcomes.Total()
	if elapsed := now.Sub(p.at); p.moving && moving && elapsed > 0 && elapsed <= gap {
		p.spend(elapsed, float64(max(0, done-p.done)))
	}
	p.at, p.done, p.moving, p.left = now, done, moving, max(0, s.Records-done)
}

// spend spreads records evenly over the time in which they finished.
func (p *pace) spend(elapsed time.Duration, records float64) {
	for elapsed > 0 {
		part := min(elapsed, slot-p.active)
		share := records * float64(part) / float64(elapsed)
		p.active += part
		p.current += share
		elapsed -= part
		records -= share
		if p.active == slot {
			p.slots = append(p.slots, p.current/slot.Seconds())
			p.slots = p.slots[max(0, len(p.slots)-shownSlots):]
			p.active, p.current = 0, 0
		}
	}
}

// rate is records per second over the last slots; ok is false before the first
// is full.
func (p *pace) rate() (perSecond float64, ok bool) {
	if len(p.slots) == 0 {
		return 0, false
	}
	return mean(p.slots[max(0, len(p.slots)-smoothing):]), true
}

// timeLeft gives the range in which the rest will take, going by the slowest
// and the fastest quarter of a minute of the last two. Ok is false until there
// is enough to go by.
func (p *pace) timeLeft() (shortest, longest time.Duration, ok bool) {
	slots := p.slots[max(0, len(p.slots)-judgedSlots):]
	if !p.moving || p.left == 0 || len(slots) < enoughSlots || mean(slots)*slot.Seconds()*float64(len(slots)) < enoughRecords {
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
	seconds := func(rate float64) time.Duration { return time.Duration(float64(p.left) / rate * float64(time.Second)) }
	return seconds(fast), seconds(slow), true
}

func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}
