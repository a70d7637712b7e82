package activities

import (
	"sync"
	"time"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/throttle"
)

// Meter is told what the activities of one worker do, as numbers. Its methods
// are called from many goroutines and must not wait. What is counted here is
// for graphs and alerts: an activity whose answer is lost is run again, and
// counted again. The truth about a migration is in its summary.
type Meter interface {
	// Call is one call to the target, such as create or report, without the
	// waits before it. A nil error is a success.
	Call(call string, took time.Duration, err error)
	// Waited is what a call waited for its turn.
	Waited(reason WaitReason, took time.Duration)
	// LookUp is a record's own look at the target before its create; known is
	// what it found. One report call may serve several.
	LookUp(known bool, err error)
	// Step is one attempt of a record's step with all its calls and waits.
	Step(a StepAttempt)
	// Probe is one look whether a target is back for which a run is held. since
	// is when the run began to be held.
	Probe(since time.Time, err error)
	// Imported is a file that was read to its end; problems by code.
	Imported(records int, bytes int64, problems map[string]int)
	// Outcomes are the records of a batch whose fate is written down.
	Outcomes(outcomes []migration.Outcome)
	// Finished is a migration whose summary is written.
	Finished(s migration.Summary)
	// Route makes a route's calls in flight known; called once a route.
	Route(route string, state func() throttle.State)
}

// WaitReason says what a call waits for.
type WaitReason string

// What a call may wait for.
const (
	WaitPace  WaitReason = "pace"  // the run's requestsPerSecond
	WaitPlace WaitReason = "place" // a place among the route's calls in flight
)

// StepAttempt is one attempt of a record's step.
type StepAttempt struct {
	Step  entitlement.Step
	Took  time.Duration
	Again bool // not the first one
	Found bool // the target had it before
	Err   error
}

// onceEach remembers which batches this worker has counted: a batch writes its
// outcomes again when a signal came between and its task is repeated, which is
// usual where a run is stopped. It is safe for concurrent use.
type onceEach struct {
	mu   sync.Mutex
	seen map[batchKey]bool
}

type batchKey struct {
	migration string
	number    int
}

// rememberedBatches bounds the memory; beyond it all is forgotten.
const rememberedBatches = 50_000

// first reports whether a batch comes for the first time.
func (o *onceEach) first(migrationID string, number int) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	key := batchKey{migrationID, number}
	if o.seen[key] {
		return false
	}
	if o.seen == nil || len(o.seen) >= rememberedBatches {
		o.seen = map[batchKey]bool{}
	}
	o.seen[key] = true
	return true
}

// noMeter is for activities that nobody measures.
type noMeter struct{}

func (noMeter) Call(string, time.Duration, error)   {}
func (noMeter) Waited(WaitReason, time.Duration)    {}
func (noMeter) LookUp(bool, error)                  {}
func (noMeter) Step(StepAttempt)                    {}
func (noMeter) Probe(time.Time, error)              {}
func (noMeter) Imported(int, int64, map[string]int) {}
func (noMeter) Outcomes([]migration.Outcome)        {}
func (noMeter) Finished(migration.Summary)          {}
func (noMeter) Route(string, func() throttle.State) {}
