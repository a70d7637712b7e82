package chaos

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/f0a90b9a/ferry/internal/entitlement"
)

// The objects at whose requests a fault may begin, by part of a run.
var (
	stagingObjects = []string{
		"GET source", "PUT claim.json", "PUT ledger/", "PUT records.ndjson", "PUT batches.json", "PUT plan.json",
	}
	outcomeObjects = []string{"PUT outcomes/", "GET outcomes/", "GET records.ndjson"}
	reportObjects  = []string{"PUT reload.json", "PUT errors.csv", "PUT correlation.csv", "PUT summary.json"}
)

// draw makes faults from a sequence of chances.
type draw struct {
	rng  *rand.Rand
	file *File
}

// one is true once in n.
func (d *draw) one(n int) bool { return d.rng.IntN(n) == 0 }

func (d *draw) between(low, high int) int { return low + d.rng.IntN(high-low+1) }

func (d *draw) milliseconds(low, high int) time.Duration {
	return time.Duration(d.between(low, high)) * time.Millisecond
}

func (d *draw) weather() Weather {
	var w Weather
	if d.one(3) {
		w.LatencyMs = d.between(1, 15)
	}
	if d.one(4) {
		w.ErrorRate = 0.02
	}
	if d.one(4) {
		w.ThrottleRate = 0.02
	}
	if d.one(4) {
		w.AcceptedRate = 0.05
	}
	return w
}

// kind draws one by weight.
func (d *draw) kind() Kind {
	total := 0
	for _, k := range kinds {
		total += k.weight
	}
	at := d.rng.IntN(total)
	for _, k := range kinds {
		if at -= k.weight; at < 0 {
			return k.kind
		}
	}
	return kinds[0].kind
}

// fault draws one for a run that has so many effective writes by step.
func (d *draw) fault(writes map[entitlement.Step]int) Fault {
	f := Fault{Kind: d.kind()}
	switch f.Kind {
	case WorkerKilledInStep:
		steps := stepsOf(writes)
		return d.atStep(f.Kind, steps[d.rng.IntN(len(steps))], writes)
	case WorkerKilledInStore, StoreStopped, StoreErrors, StoreLost:
		f.When = d.object(f.Kind)
	default:
		f.When = When{Nth: 1 + d.rng.IntN(max(1, total(writes)*9/10))}
	}
	d.measure(&f)
	return f
}

// measure gives a fault its size.
func (d *draw) measure(f *Fault) {
	switch f.Kind {
	case WorkerFrozen:
		f.Amount = d.between(1, 20) // writes of others, then it thaws
	case TemporalCut, TargetReset, StoreReset:
		f.For = d.milliseconds(200, 2500)
	case AnswersCut:
		f.For = d.milliseconds(200, 1500)
	case AnswersLost, ErrorsAfter:
		f.Amount = d.between(1, 30)
	case AnswersSlow, WritesLate:
		f.Amount = d.between(1, 8)
	case ErrorsBefore, Throttled:
		f.Amount = d.between(5, 60)
	case Outage:
		f.Amount = d.between(1, 2) // probes of the run, then it is back
	case StoreStopped:
		f.Amount = d.between(1, 10) // requests refused, then it is back
	case StoreErrors, StoreLost:
		f.Amount = d.between(1, 10)
	default: // killed once and that is it
	}
}

// object draws a request to S3. The import and the reports are noticed as lost
// only when they report no more, so a worker is killed there less often.
func (d *draw) object(k Kind) When {
	groups := [][]string{stagingObjects, outcomeObjects, reportObjects}
	names := groups[d.rng.IntN(len(groups))]
	w := When{Nth: 1, Object: names[d.rng.IntN(len(names))]}
	if w.Object == "PUT outcomes/" {
		w.Nth = d.between(1, 3)
	}
	if k == StoreLost && w.Object[:3] == "GET" {
		w.Object = "PUT outcomes/"
	}
	return w
}

// atStep is a fault at an effective write of a step; of another one if the
// file has none of it.
func (d *draw) atStep(k Kind, step entitlement.Step, writes map[entitlement.Step]int) Fault {
	if writes[step] == 0 {
		step = stepsOf(writes)[0]
	}
	return Fault{Kind: k, When: When{Step: step, Nth: 1 + d.rng.IntN(max(1, writes[step]))}}
}

// stepsOf lists the steps that there are, create first.
func stepsOf(writes map[entitlement.Step]int) []entitlement.Step {
	some := slices.DeleteFunc(steps(), func(s entitlement.Step) bool { return writes[s] == 0 })
	if len(some) == 0 {
		return []entitlement.Step{entitlement.Create}
	}
	return some
}

func total(writes map[entitlement.Step]int) int {
	n := 0
	for _, count := range writes {
		n += count
	}
	return n
}
