package telemetry

import (
	"context"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/f0a90b9a/ferry/activities"
	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/throttle"
)

// Meter counts what activities do. docs/metrics.md explains each number.
type Meter struct {
	records    metric.Int64Counter
	migrations metric.Int64Counter
	trips      metric.Int64Counter
	retries    metric.Int64Counter
	lookUps    metric.Int64Counter
	probes     metric.Int64Counter
	trouble    metric.Int64Counter
	imported   metric.Int64Counter
	bytes      metric.Int64Counter
	problems   metric.Int64Counter

	steps metric.Float64Histogram
	calls metric.Float64Histogram
	waits metric.Float64Histogram
	holds metric.Float64Histogram

	routes *routes
}

var _ activities.Meter = (*Meter)(nil)

func newMeter(m metric.Meter, buildID string) (*Meter, error) {
	var c made
	x := &Meter{
		records:    c.counter(m, "ferry_records", "Records whose fate was written down"),
		migrations: c.counter(m, "ferry_migrations", "Migrations whose summary was written"),
		trips:      c.counter(m, "ferry_limit_trips", "Migrations that an error limit stopped"),
		retries:    c.counter(m, "ferry_step_retries", "Attempts of a step after its first"),
		lookUps:    c.counter(m, "ferry_look_ups", "Looks at the target before a create"),
		probes:     c.counter(m, "ferry_probes", "Looks whether a target is back for which a migration is held"),
		trouble:    c.counter(m, "ferry_target_trouble", "Calls to the target that failed for no record's fault"),
		imported:   c.counter(m, "ferry_import_records", "Records of files that were read to their end"),
		bytes:      c.sized(m, "ferry_import", "Size of files that were read to their end, as stored"),
		problems:   c.counter(m, "ferry_import_problems", "Problems found in files"),

		steps: c.histogram(m, "ferry_step_duration", "One attempt of a step, with its looks and waits"),
		calls: c.histogram(m, "ferry_target_call_duration", "One call to the target"),
		waits: c.histogram(m, "ferry_wait_duration", "What a call waited before it was made"),
		holds: c.histogram(m, "ferry_hold_duration", "What a migration was held because the target was away"),
	}
	if c.err != nil {
		return nil, fmt.Errorf("metrics: %w", c.err)
	}
	if err := observeBuild(m, buildID); err != nil {
		return nil, err
	}
	var err error
	if x.routes, err = observeRoutes(m); err != nil {
		return nil, err
	}
	x.begin()
	return x, nil
}

// made makes instruments and keeps the first error.
type made struct{ err error }

func (c *made) keep(err error) {
	if c.err == nil {
		c.err = err
	}
}

func (c *made) counter(m metric.Meter, name, help string) metric.Int64Counter {
	i, err := m.Int64Counter(name, metric.WithDescription(help))
	c.keep(err)
	return i
}

func (c *made) sized(m metric.Meter, name, help string) metric.Int64Counter {
	i, err := m.Int64Counter(name, metric.WithDescription(help), metric.WithUnit("By"))
	c.keep(err)
	return i
}

func (c *made) histogram(m metric.Meter, name, help string) metric.Float64Histogram {
	i, err := m.Float64Histogram(name, metric.WithDescription(help), metric.WithUnit("s"))
	c.keep(err)
	return i
}

// begin shows at zero what alerts look at: a series that first appears with a
// one in it has not increased.
func (x *Meter) begin() {
	for _, fate := range []migration.Fate{migration.Migrated, migration.AlreadyMigrated, migration.Failed, migration.NotAttempted} {
		add(x.records, 0, "outcome", string(fate), "code", "")
	}
	for result := range results {
		add(x.migrations, 0, "result", string(result))
	}
	for rule := range rules {
		add(x.trips, 0, "rule", rule)
	}
	for _, step := range entitlement.AllSteps() {
		add(x.retries, 0, "step", string(step))
	}
	for _, answer := range []string{"found", "none", "error"} {
		add(x.lookUps, 0, "answer", answer)
	}
	for _, answer := range []string{answerOK, answerOther} {
		add(x.probes, 0, "answer", answer)
	}
	for code := range troubles {
		add(x.trouble, 0, "answer", code)
	}
	add(x.imported, 0)
	add(x.bytes, 0)
}

func add(c metric.Int64Counter, n int64, labels ...string) {
	c.Add(context.Background(), n, metric.WithAttributeSet(set(labels...)))
}

func record(h metric.Float64Histogram, d time.Duration, labels ...string) {
	h.Record(context.Background(), d.Seconds(), metric.WithAttributeSet(set(labels...)))
}

// set pairs names and values.
func set(labels ...string) attribute.Set {
	var kv []attribute.KeyValue
	for i := 0; i+1 < len(labels); i += 2 {
		kv = append(kv, attribute.String(labels[i], labels[i+1]))
	}
	return attribute.NewSet(kv...)
}

// Call implements activities.Meter.
func (x *Meter) Call(call string, took time.Duration, err error) {
	said := answer(err)
	record(x.calls, took, "call", call, "answer", said)
	if troubles[said] {
		add(x.trouble, 1, "answer", said)
	}
}

// Waited implements activities.Meter.
func (x *Meter) Waited(reason activities.WaitReason, took time.Duration) {
	record(x.waits, took, "reason", string(reason))
}

// LookUp implements activities.Meter.
func (x *Meter) LookUp(known bool, err error) {
	switch {
	case err != nil:
		add(x.lookUps, 1, "answer", "error")
	case known:
		add(x.lookUps, 1, "answer", "found")
	default:
		add(x.lookUps, 1, "answer", "none")
	}
}

// Step implements activities.Meter.
func (x *Meter) Step(a activities.StepAttempt) {
	said := answer(a.Err)
	if a.Found {
		said = "FOUND"
	}
	record(x.steps, a.Took, "step", string(a.Step), "answer", said)
	if a.Again {
		add(x.retries, 1, "step", string(a.Step))
	}
}

// Probe implements activities.Meter.
func (x *Meter) Probe(since time.Time, err error) {
	add(x.probes, 1, "answer", answer(err))
	if err == nil {
		record(x.holds, time.Since(since))
	}
}

// Imported implements activities.Meter.
func (x *Meter) Imported(records int, bytes int64, problems map[string]int) {
	add(x.imported, int64(records))
	add(x.bytes, bytes)
	for code, n := range problems {
		add(x.problems, int64(n), "code", code)
	}
}

// Outcomes implements activities.Meter. Records that were not attempted are
// counted when their migration is over: most of them never came to a batch.
func (x *Meter) Outcomes(outcomes []migration.Outcome) {
	type kind struct{ fate, code string }
	counts := map[kind]int64{}
	for i := range outcomes {
		if outcomes[i].Fate == migration.NotAttempted {
			continue // see Finished
		}
		counts[kind{string(outcomes[i].Fate), known(outcomes[i].Code)}]++
	}
	for k, n := range counts {
		add(x.records, n, "outcome", k.fate, "code", k.code)
	}
}

// Finished implements activities.Meter.
func (x *Meter) Finished(s migration.Summary) {
	if results[s.Result] {
		add(x.migrations, 1, "result", string(s.Result))
	}
	if s.Result != migration.Rejected && s.Result != migration.DryRun {
		add(x.records, int64(s.Outcomes.NotAttempted), "outcome", string(migration.NotAttempted), "code", "")
	}
	if t := s.Limits.Tripped; t != nil && rules[t.Rule] {
		add(x.trips, 1, "rule", t.Rule)
	}
}

// Route implements activities.Meter.
func (x *Meter) Route(route string, state func() throttle.State) { x.routes.add(route, state) }
