package dashboard

import (
	"fmt"
	"slices"

	"github.com/f0a90b9a/ferry/internal/figures"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/pace"
)

// Charts are drawn in a space of so many units; the page scales them.
const (
	barWidth    = 1000.0
	chartHeight = 100.0
	// fewestSlots is how many a chart has room for at least.
	fewestSlots = 24
)

// segment is a part of the progress bar.
type segment struct {
	Name     string
	Class    string
	Count    int
	At, Wide float64 // of barWidth
}

func barOf(s *migration.Summary) []segment {
	o := s.Outcomes
	parts := []segment{
		{Name: "migrated", Class: "migrated", Count: o.Migrated},
		{Name: "already there", Class: "already", Count: o.AlreadyMigrated},
		{Name: "failed", Class: "failed", Count: o.Failed},
		{Name: "not attempted", Class: "unattempted", Count: o.NotAttempted},
	}
	at := 0.0
	for i := range parts {
		parts[i].At = at
		if s.Records > 0 {
			parts[i].Wide = barWidth * float64(parts[i].Count) / float64(s.Records)
		}
		at += parts[i].Wide
	}
	return parts
}

// chart is the rate over time, a column for each slot that counted.
type chart struct {
	Columns []column
	Top     string // records per second at the top
	Latest  string
	Seconds int // that it covers
}

type column struct{ X, Y, W, H float64 }

func chartOf(slots []float64) chart {
	if len(slots) < 2 {
		return chart{}
	}
	top := max(slices.Max(slots), 0.1)
	room := max(len(slots), fewestSlots)
	width := barWidth / float64(room)
	c := chart{Top: perSecond(top), Latest: perSecond(slots[len(slots)-1]), Seconds: len(slots) * int(pace.Slot.Seconds())}
	first := room - len(slots) // the latest stands at the right
	for i, v := range slots {
		h := chartHeight * v / top
		c.Columns = append(c.Columns, column{X: float64(first+i)*width + 1, Y: chartHeight - h, W: width - 2, H: h})
	}
	return c
}

func perSecond(rate float64) string {
	if rate >= 10 {
		return fmt.Sprintf("%.0f per second", rate)
	}
	return fmt.Sprintf("%.1f per second", rate)
}

// gauge shows how near a run is to a limit.
type gauge struct {
	Name      string
	Value     string
	Threshold string
	Note      string
	Off       bool
	Tripped   bool
	Tone      tone
	Fill      float64 // of barWidth; the threshold stands at thresholdAt
}

// thresholdAt is where a gauge's threshold stands, so that there is room to
// show that it was passed.
const thresholdAt = 0.8 * barWidth

func gaugesOf(s *migration.Summary) []gauge {
	l, o := s.Limits, s.Outcomes
	rate := 0.0
	if o.Finished() > 0 {
		rate = float64(o.Failed) / float64(o.Finished())
	}
	gauges := []gauge{
		newGauge("Failures in a row", float64(l.LongestRun), float64(l.Consecutive), figures.Number(l.LongestRun), "stops at "+figures.Number(l.Consecutive)),
		newGauge("Error rate", rate, l.ErrorRate, fmt.Sprintf("%.1f %%", 100*rate), fmt.Sprintf("stops at %.3g %%", 100*l.ErrorRate)),
		newGauge("Failures in all", float64(o.Failed), float64(l.MaxFailures), figures.Number(o.Failed), "stops at "+figures.Number(l.MaxFailures)),
	}
	gauges[0].Note = "neighbours in the file"
	if l.ErrorRate > 0 && o.Finished() < l.MinSample {
		gauges[1].Note = fmt.Sprintf("counts once %s have finished", figures.Number(l.MinSample))
		gauges[1].Tone = waiting
	} else {
		gauges[1].Note = "of the finished records"
	}
	gauges[2].Note = "of all records"
	if l.Tripped != nil {
		for i, rule := range []string{migration.RuleConsecutive, migration.RuleErrorRate, migration.RuleMaxFailures} {
			gauges[i].Tripped = l.Tripped.Rule == rule
			if gauges[i].Tripped {
				gauges[i].Tone = bad
			}
		}
	}
	return gauges
}

func newGauge(name string, value, limit float64, shown, threshold string) gauge {
	g := gauge{Name: name, Value: shown, Threshold: threshold, Tone: good}
	if limit <= 0 {
		g.Off, g.Threshold, g.Tone = true, "no limit", waiting
		return g
	}
	share := value / limit
	g.Fill = min(barWidth, thresholdAt*share)
	switch {
	case share >= 1:
		g.Tone = bad
	case share >= 0.5:
		g.Tone = doubt
	}
	return g
}
