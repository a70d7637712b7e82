package chaos

import (
	"sync"

	"github.com/f0a90b9a/ferry/internal/entitlement"
)

// ledger is the runner's own book of what took effect at the target, kept from
// the target's answers before any of them is lost. It is safe for concurrent
// use.
type ledger struct {
	mu      sync.Mutex
	answers map[string]bool // request identifiers that were answered with success
	effects map[effect]int
}

// effect is a step of an entitlement.
type effect struct {
	External string
	Step     entitlement.Step
}

func newLedger() *ledger {
	return &ledger{answers: map[string]bool{}, effects: map[effect]int{}}
}

// success books an answered write, and tells whether it took effect: a
// repeated identifier is answered from memory.
func (l *ledger) success(request string, e effect) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if request != "" && l.answers[request] {
		return false
	}
	l.answers[request] = true
	l.effects[e]++
	return true
}

// forget is for a target that has forgotten its identifiers.
func (l *ledger) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.answers)
}

// counts gives how often each effect happened, and how many there were of each
// step.
func (l *ledger) counts() (effects map[effect]int, steps map[entitlement.Step]int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	effects, steps = make(map[effect]int, len(l.effects)), map[entitlement.Step]int{}
	for e, n := range l.effects {
		effects[e] = n
		steps[e.Step] += n
	}
	return effects, steps
}
