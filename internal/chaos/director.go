package chaos

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/f0a90b9a/ferry/internal/entitlement"
)

const (
	// patience bounds every wait of a fault for progress, so that none outlives
	// what it waits for.
	patience = 30 * time.Second
	pollStep = 10 * time.Millisecond
)

// plant is what a director breaks.
type plant interface {
	KillWorkers()
	FreezeWorkers() (thaw func())
	DrainWorkers()
	KillTemporal()
	RestartTemporal(ctx context.Context) error
	KillStore()
	RestartStore(ctx context.Context) error
	Outage(on bool)
	Net(n Net) (mend func())
}

// director carries one list of faults out while a run goes on: the gates tell
// it what happens, and it tells them what to do about it. It is safe for
// concurrent use.
type director struct {
	plant  plant
	ctx    context.Context // ends with the run
	cancel context.CancelFunc
	acts   sync.WaitGroup

	mu      sync.Mutex
	armed   []*shot
	open    []*shot // windows that are hitting calls
	shots   []*shot
	writes  int
	steps   map[entitlement.Step]int
	objects map[string]int
	away    map[string]bool // identifiers under way
	probes  int
	refused int // requests of S3 while it was down
	trouble []error
}

// shot is one fault on its way.
type shot struct {
	Fault
	left int // calls to hit
	hits int
}

func newDirector(ctx context.Context, p plant, faults []Fault) *director {
	d := &director{plant: p, steps: map[entitlement.Step]int{}, objects: map[string]int{}, away: map[string]bool{}}
	d.ctx, d.cancel = context.WithCancel(ctx)
	for _, f := range faults {
		s := &shot{Fault: f, left: f.Amount}
		d.shots, d.armed = append(d.shots, s), append(d.armed, s)
	}
	return d
}

// close ends all faults, mends what is broken, and gives how often each was
// injected.
func (d *director) close() (map[Kind]int, error) {
	d.cancel()
	d.acts.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.armed, d.open = nil, nil
	injected := map[Kind]int{}
	for _, s := range d.shots {
		if s.hits > 0 {
			injected[s.Kind]++
		}
	}
	if len(d.trouble) > 0 {
		return injected, d.trouble[0]
	}
	return injected, nil
}

// treatment is what a gate does with one call.
type treatment struct {
	kind       Kind // empty: nothing
	retryAfter int  // seconds
	html       bool
	lasts      time.Duration // of what goes on after its caller was cut off
	conflict   bool          // its identifier is under way
}

// called is asked before a call of the target is served.
func (d *director) called(c apiCall) treatment {
	d.mu.Lock()
	defer d.mu.Unlock()
	if c.step == "echo" {
		d.probes++
		d.relent()
		return treatment{}
	}
	if d.away[c.request] {
		return treatment{kind: CreatesUnderWay, conflict: true}
	}
	t := d.either(treatment{}, d.catching(func(s *shot) bool {
		return (s.Kind == CreatesUnderWay && c.step == "create" && c.request != "") ||
			s.Kind == ErrorsBefore || s.Kind == Throttled || (s.Kind == WritesLate && c.write())
	}))
	if t.kind == CreatesUnderWay {
		d.away[c.request] = true
	}
	return t
}

// arrived is told that what was under way is done.
func (d *director) arrived(request string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.away, request)
}

// relent ends a burst that made the run hold itself: now only its probes come,
// seldom, and counting them would take an hour.
func (d *director) relent() {
	d.open = slices.DeleteFunc(d.open, func(s *shot) bool { return s.Kind == ErrorsBefore || s.Kind == Throttled })
}

// wrote is told of a write that has just taken effect, before its answer goes
// out.
func (d *director) wrote(step entitlement.Step) treatment {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.writes++
	d.steps[step]++
	open := d.catching(func(s *shot) bool {
		return s.Kind == AnswersLost || s.Kind == AnswersSlow || s.Kind == ErrorsAfter
	})
	own := d.fire(func(w When) bool {
		return w.Object == "" && ((w.Step == "" && w.Nth == d.writes) || (w.Step == step && w.Nth == d.steps[step]))
	})
	return d.either(own, open)
}

// catching is the first open window of some kinds; nil if there is none.
func (d *director) catching(of func(*shot) bool) *shot {
	for _, s := range d.open {
		if of(s) {
			return s
		}
	}
	return nil
}

// either is what a call's own fault does to it, else what a window does that
// was open before.
func (d *director) either(own treatment, open *shot) treatment {
	if own.kind != "" || open == nil {
		return own
	}
	return d.hit(open)
}

// stored is asked before a request to S3 is passed on.
func (d *director) stored(object string) treatment {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.objects[object]++
	open := d.catching(func(s *shot) bool {
		return (s.Kind == StoreErrors || s.Kind == StoreLost) && matches(s.When.Object, object)
	})
	own := d.fire(func(w When) bool { return matches(w.Object, object) && d.count(w.Object) == w.Nth })
	return d.either(own, open)
}

// count is how often an object, or one of a folder, was asked for.
func (d *director) count(name string) int {
	n := 0
	for object, times := range d.objects {
		if matches(name, object) {
			n += times
		}
	}
	return n
}

// matches reports whether an object is the one named, or in the folder named.
func matches(name, object string) bool {
	return name == object || (strings.HasSuffix(name, "/") && strings.HasPrefix(object, name))
}

// hit counts a call that a window catches; the last one closes it.
func (d *director) hit(s *shot) treatment {
	s.hits++
	if s.left--; s.left <= 0 {
		for i := range d.open {
			if d.open[i] == s {
				d.open = append(d.open[:i], d.open[i+1:]...)
				break
			}
		}
	}
	return treatment{kind: s.Kind, lasts: s.For, retryAfter: 1 + s.hits%2, html: s.Amount%2 == 0}
}

// fire begins the armed faults whose moment has come; what the call itself
// must suffer is given back.
func (d *director) fire(now func(When) bool) treatment {
	var t treatment
	kept := d.armed[:0]
	for _, s := range d.armed {
		if !now(s.When) {
			kept = append(kept, s)
			continue
		}
		if own := d.begin(s); own.kind != "" {
			t = own
		}
	}
	d.armed = kept
	return t
}

// begin starts one fault.
func (d *director) begin(s *shot) treatment {
	switch s.Kind {
	case AnswersLost, AnswersSlow, WritesLate, ErrorsBefore, ErrorsAfter, Throttled, CreatesUnderWay:
		d.open = append(d.open, s)
		return treatment{}
	case StoreErrors, StoreLost:
		d.open = append(d.open, s)
		return d.hit(s)
	case WorkerKilledInStep, WorkerKilledInStore:
		s.hits++
		return treatment{kind: s.Kind}
	case StoreStopped:
		s.hits++
		d.refused = 0
		d.act(func() error { return d.stopStore(s) })
		return treatment{kind: s.Kind}
	default:
		s.hits++
		d.act(func() error { return d.perform(s) })
		return treatment{}
	}
}

func (d *director) act(do func() error) {
	d.acts.Go(func() {
		if err := do(); err != nil {
			d.mu.Lock()
			d.trouble = append(d.trouble, err)
			d.mu.Unlock()
		}
	})
}

// await waits until something has come about, the run is over, or patience is.
func (d *director) await(done func() bool) {
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	tick := time.NewTicker(pollStep)
	defer tick.Stop()
	for {
		d.mu.Lock()
		over := done()
		d.mu.Unlock()
		if over {
			return
		}
		select {
		case <-d.ctx.Done():
			return
		case <-deadline.C:
			return
		case <-tick.C:
		}
	}
}

// storeRefused counts a request that found no S3.
func (d *director) storeRefused() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.refused++
}
