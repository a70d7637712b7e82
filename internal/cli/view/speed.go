package view

import (
	"fmt"
	"time"

	"github.com/f0a90b9a/ferry/internal/migration"
)

// speedWindow is how far back the speed looks, so that it follows a change
// and doesn't jump.
const speedWindow = 15 * time.Second

// speed measures finished records over the last seconds.
type speed struct {
	points []point
	left   int
}

type point struct {
	at       time.Time
	finished int
}

// see takes a state in. Only time spent migrating counts.
func (v *speed) see(now time.Time, s migration.Summary) {
	if s.Phase != migration.Migrating {
		v.points = nil
		return
	}
	v.left = s.Records - s.Outcomes.Finished()
	v.points = append(v.points, point{now, s.Outcomes.Finished()})
	for len(v.points) > 2 && now.Sub(v.points[0].at) > speedWindow {
		v.points = v.points[1:]
	}
}

// perSecond is records per second; 0 before it can be known.
func (v *speed) perSecond() float64 {
	if len(v.points) < 2 {
		return 0
	}
	first, last := v.points[0], v.points[len(v.points)-1]
	elapsed := last.at.Sub(first.at).Seconds()
	if elapsed <= 0 {
		return 0
	}
	return float64(last.finished-first.finished) / elapsed
}

// String gives records per second and the time left; empty before they can be
// known.
func (v speed) String() string {
	rate := v.perSecond()
	if rate <= 0 {
		return ""
	}
	left := time.Duration(float64(v.left) / rate * float64(time.Second))
	return fmt.Sprintf("%.0f/s, %s left", rate, Duration(left))
}
