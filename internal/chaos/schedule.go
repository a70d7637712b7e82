package chaos

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/f0a90b9a/ferry/internal/entitlement"
)

// Retry budgets that a schedule chooses from. The short one makes records give
// up, so that reloads have something to finish that nobody refused.
const (
	longBudget  = 5 * time.Minute
	shortBudget = 3 * time.Second
)

// When is the moment at which a fault begins: the Nth write that takes effect
// (of a step, if one is named), or the Nth request to S3 for an object.
type When struct {
	Nth    int
	Step   entitlement.Step // empty: any
	Object string           // method and name, such as "PUT outcomes/"; empty: a write at the target
}

// String says it in words.
func (w When) String() string {
	switch {
	case w.Object != "":
		return fmt.Sprintf("S3 request %d for %s", w.Nth, w.Object)
	case w.Step != "":
		return fmt.Sprintf("effective %s %d", w.Step, w.Nth)
	}
	return fmt.Sprintf("effective write %d", w.Nth)
}

// Fault is one thing that goes wrong. Amount is how many calls, writes or
// requests it hits, or what must happen before it ends; For is how long it
// lasts where nothing else can tell. 0: at once.
type Fault struct {
	Kind   Kind
	When   When
	Amount int
	For    time.Duration
}

// String says what happens when.
func (f Fault) String() string {
	text := fmt.Sprintf("at %s: %s", f.When, f.Kind)
	if f.Amount > 0 {
		text += fmt.Sprintf(", × %d", f.Amount)
	}
	if f.For > 0 {
		text += ", for " + f.For.String()
	}
	return text
}

// Weather is what the target does wrong all the time; see sandbox.Faults.
type Weather struct {
	LatencyMs                             int
	ErrorRate, ThrottleRate, AcceptedRate float64
}

// Schedule is everything that goes wrong in one run and its reloads.
type Schedule struct {
	Seed        uint64
	Records     int
	RetryBudget time.Duration // of a record
	Weather     Weather
	Oddities    Oddities
	Run         []Fault
	// Between the run and the first reload.
	Forget    bool // identifiers expire
	NotUnique bool // the target no longer refuses a repeated external id
	Reload    []Fault
}

// NewSchedule makes the schedule of a seed for a file. It is a pure function
// of the seed and of what the file asks for.
func NewSchedule(seed uint64, f *File) Schedule {
	//nolint:gosec // made-up faults need no better chances, but the same ones each time
	d := draw{rng: rand.New(rand.NewPCG(seed, 0x6368616f73)), file: f}
	s := Schedule{Seed: seed, Records: len(f.Records), RetryBudget: longBudget}
	if d.one(8) {
		s.RetryBudget = shortBudget
	}
	s.Weather = d.weather()
	// The boundary of each step has its turn.
	turn := steps()[seed%uint64(len(steps()))]
	s.Run = append(s.Run, d.atStep(WorkerKilledInStep, turn, f.Effective))
	for range 3 + d.rng.IntN(4) {
		s.Run = append(s.Run, d.fault(f.Effective))
	}
	s.Forget, s.NotUnique = d.one(2), d.one(2)
	for range d.rng.IntN(3) {
		s.Reload = append(s.Reload, d.fault(f.Leftover))
	}
	var more []Fault
	s.Oddities, more = odd(seed, f)
	s.Run = append(s.Run, more...)
	return s
}

// String is the schedule for people, a line a fault.
func (s Schedule) String() string {
	var out strings.Builder
	fmt.Fprintf(&out, "seed %d: %d records, retry budget %s, weather %+v\n", s.Seed, s.Records, s.RetryBudget, s.Weather)
	out.WriteString(s.Oddities.String())
	for _, f := range s.Run {
		fmt.Fprintf(&out, "  run: %s\n", f)
	}
	if s.Forget {
		fmt.Fprintf(&out, "  then: %s\n", IdentifiersExpired)
	}
	if s.NotUnique {
		fmt.Fprintf(&out, "  then: %s\n", UniquenessOff)
	}
	for _, f := range s.Reload {
		fmt.Fprintf(&out, "  reload: %s\n", f)
	}
	return out.String()
}
