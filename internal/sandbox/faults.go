package sandbox

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/routes"
)

// Faults are what the sandbox does wrong on purpose. Rates are probabilities
// from 0 to 1, judged anew for every call.
type Faults struct {
	// LatencyMs is added to every call, in milliseconds.
	LatencyMs int `json:"latencyMs"`
	// ErrorRate is the share of calls that do nothing and answer
	// INTERNAL_ERROR.
	ErrorRate float64 `json:"errorRate"`
	// ThrottleRate is the share of calls that do nothing and answer
	// TOO_MANY_REQUESTS.
	ThrottleRate float64 `json:"throttleRate"`
	// RetryAfterSeconds is the Retry-After of throttled calls and of an
	// outage; 0 is no header.
	RetryAfterSeconds int `json:"retryAfterSeconds"`
	// RetryAfterText is the whole header instead, whatever it says: a date, a
	// number of any length, or nonsense. Empty is RetryAfterSeconds.
	RetryAfterText string `json:"retryAfterText"`
	// LostAnswerRate is the share of writes that are done and whose connection
	// is then cut without an answer.
	LostAnswerRate float64 `json:"lostAnswerRate"`
	// AcceptedRate is the share of writes that are answered by 202 and done
	// SettleAfterMs milliseconds later.
	AcceptedRate  float64 `json:"acceptedRate"`
	SettleAfterMs int     `json:"settleAfterMs"`
	// HoldAnswers are steps whose writes are done and whose answers are then
	// held back, until the step is taken out of the list or the caller hangs
	// up. It is for tests that need a caller between a write and its answer.
	HoldAnswers []entitlement.Step `json:"holdAnswers"`
	// Outage makes every call of the API answer SERVICE_UNAVAILABLE.
	Outage bool `json:"outage"`
	// HTML gives outages, errors and throttling the face of a gateway: a page
	// of HTML instead of the API's envelope.
	HTML bool `json:"html"`
	// Unauthorized makes every call of the API answer UNAUTHORIZED.
	Unauthorized bool `json:"unauthorized"`
	// Refusals are, by step, the products that refuse it with NOT_AVAILABLE.
	Refusals map[entitlement.Step][]string `json:"refusals"`
	// Refuse are refusals of single calls; the first that matches answers.
	Refuse []RefuseRule `json:"refuse"`
	// WriteAnswers spoil the answers of writes that succeed; the first that
	// matches does.
	WriteAnswers []WriteAnswer `json:"writeAnswers"`
	// OddItems spoil entitlements in the answers of reads; the first that
	// matches does.
	OddItems []OddItem `json:"oddItems"`
	// UnderWayRate is the share of writes with an identifier whose connection
	// is cut at once and that are done UnderWayMs milliseconds later. Until
	// then the same identifier is answered CONFLICT.
	UnderWayRate float64 `json:"underWayRate"`
	UnderWayMs   int     `json:"underWayMs"`
	// TrimIDs takes white space at the ends off external ids, FoldIDs makes
	// them lower case, where they are stored and where they are asked for.
	TrimIDs bool `json:"trimIds"`
	FoldIDs bool `json:"foldIds"`
	// WholeSeconds stores dates without what is below a second.
	WholeSeconds bool `json:"wholeSeconds"`
	// UniqueExternalIDs makes a repeated external id ALREADY_EXISTS.
	UniqueExternalIDs bool `json:"uniqueExternalIds"`
	// Forgetful remembers no identifiers, as if each expired at once: a repeated
	// write is a new one.
	Forgetful bool `json:"forgetful"`
	// Seed begins the sequence of chances; a change begins it anew.
	Seed uint64 `json:"seed"`
}

// DefaultFaults has nothing switched on but the refusals of acme-nova's
// nova-fail-… products.
func DefaultFaults() Faults {
	f := Faults{
		RetryAfterSeconds: 1,
		SettleAfterMs:     1000,
		HoldAnswers:       []entitlement.Step{},
		Refuse:            []RefuseRule{},
		WriteAnswers:      []WriteAnswer{},
		OddItems:          []OddItem{},
		UnderWayMs:        1000,
		UniqueExternalIDs: true,
		Seed:              1,
		Refusals:          map[entitlement.Step][]string{},
	}
	for _, step := range everyStep {
		f.Refusals[step] = []string{routes.FailProduct(step)}
	}
	return f
}

// everyStep are the steps that a product can refuse and whose answers can be
// held back.
var everyStep = [...]entitlement.Step{
	entitlement.Create, entitlement.Activate, entitlement.Suspend, entitlement.Cancel, entitlement.Revoke,
}

func (f Faults) clone() Faults {
	f.HoldAnswers = append([]entitlement.Step{}, f.HoldAnswers...)
	f.Refuse = append([]RefuseRule{}, f.Refuse...)
	f.WriteAnswers = append([]WriteAnswer{}, f.WriteAnswers...)
	f.OddItems = append([]OddItem{}, f.OddItems...)
	f.Refusals = maps.Clone(f.Refusals)
	for step, products := range f.Refusals {
		f.Refusals[step] = append([]string{}, products...)
	}
	return f
}

func (f Faults) validate() error {
	var problems []error
	rate := func(name string, value float64) {
		if !(value >= 0 && value <= 1) {
			problems = append(problems, fmt.Errorf("%s: %v is not from 0 to 1", name, value))
		}
	}
	rate("errorRate", f.ErrorRate)
	rate("throttleRate", f.ThrottleRate)
	rate("lostAnswerRate", f.LostAnswerRate)
	rate("acceptedRate", f.AcceptedRate)
	rate("underWayRate", f.UnderWayRate)
	positive := func(name string, value int) {
		if value < 0 {
			problems = append(problems, fmt.Errorf("%s: %d is negative", name, value))
		}
	}
	positive("latencyMs", f.LatencyMs)
	positive("retryAfterSeconds", f.RetryAfterSeconds)
	positive("settleAfterMs", f.SettleAfterMs)
	positive("underWayMs", f.UnderWayMs)
	for step := range f.Refusals {
		if !slices.Contains(everyStep[:], step) {
			problems = append(problems, fmt.Errorf("refusals: there is no step %q", step))
		}
	}
	for _, step := range f.HoldAnswers {
		if !slices.Contains(everyStep[:], step) {
			problems = append(problems, fmt.Errorf("holdAnswers: there is no step %q", step))
		}
	}
	return errors.Join(append(problems, f.validateRules()...)...)
}

func (f Faults) validateRules() (problems []error) {
	add := func(list string, at int, err error) {
		if err != nil {
			problems = append(problems, fmt.Errorf("%s, no. %d: %w", list, at+1, err))
		}
	}
	for i, rule := range f.Refuse {
		add("refuse", i, rule.validate())
	}
	for i, rule := range f.WriteAnswers {
		add("writeAnswers", i, rule.validate())
	}
	for i, rule := range f.OddItems {
		add("oddItems", i, rule.validate())
	}
	return problems
}

func (f Faults) refuses(step entitlement.Step, product string) bool {
	return slices.Contains(f.Refusals[step], product)
}

func (f Faults) holds(k kind) bool { return slices.Contains(f.HoldAnswers, entitlement.Step(k)) }
