package chaos

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/f0a90b9a/ferry/internal/cli"
	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/objectstore"
	"github.com/f0a90b9a/ferry/internal/operator"
	"github.com/f0a90b9a/ferry/internal/sandbox"
	"github.com/f0a90b9a/ferry/workflows"
)

const (
	// runLimit is when a migration that hasn't ended never will: longer than
	// Temporal takes to notice that a call without heartbeats is lost.
	runLimit = 8 * time.Minute
	// maxReloads is how many reloads may be needed until nothing is left: those
	// after the first meet no faults.
	maxReloads = 4
	askAgain   = 200 * time.Millisecond
)

// Report is what came of one seed.
type Report struct {
	Seed     uint64           `json:"seed"`
	Step     entitlement.Step `json:"step,omitempty"` // of a plan for its boundary
	Records  int              `json:"records"`
	Seconds  float64          `json:"seconds"`
	Results  []string         `json:"results"`  // of the run and its reloads, with the time it took
	Planned  map[Kind]int     `json:"planned"`  // faults of the schedule
	Injected map[Kind]int     `json:"injected"` // those whose moment came
	Writes   int              `json:"writes"`   // that took effect
	Findings []Finding        `json:"findings"` // empty: all is well
}

// Good reports whether nothing was lost, doubled or wrong, and all runs ended.
func (r *Report) Good() bool { return len(r.Findings) == 0 }

// trial is one seed on its way.
type trial struct {
	*Stack
	id       string
	file     *File
	schedule Schedule
	oneByOne bool
	target   *sandbox.Server
	ledger   *ledger
	report   *Report
}

// Run runs the migration of a plan with its reloads and checks everything. The
// error is trouble of the stack's own, which says nothing about Ferry; the
// stack is then worthless.
func (s *Stack) Run(ctx context.Context, p *Plan) (*Report, error) {
	t := &trial{
		Stack: s, file: p.File, schedule: p.Schedule, ledger: newLedger(), id: p.id(), oneByOne: p.Step != "",
		report: &Report{
			Seed: p.Schedule.Seed, Step: p.Step, Records: len(p.File.Records),
			Planned: map[Kind]int{}, Injected: map[Kind]int{},
		},
	}
	var err error
	if t.target, err = newTarget(t.schedule, t.file); err != nil {
		return nil, err
	}
	defer t.target.Close() //nolint:contextcheck // it saves its books, whatever has ended
	defer t.clear()
	start := time.Now()
	err = t.run(ctx)
	t.report.Seconds = time.Since(start).Seconds()
	for _, crash := range s.crew.report() {
		t.find(Wrong, 0, crash)
	}
	if errors.Is(err, errNotEnded) {
		t.find(NotEnded, 0, err.Error())
		err = nil
	}
	return t.report, err
}

// clear takes the target from behind the gates.
func (t *trial) clear() {
	t.crew.dismiss()
	t.gate.scene.Store(nil)
	t.storeGate.scene.Store(nil)
}

func (t *trial) find(kind Verdict, record int, what string) {
	t.report.Findings = append(t.report.Findings, Finding{Kind: kind, Record: record, What: what})
}

func (t *trial) run(ctx context.Context) error {
	if err := t.crew.hire(t.workerSettings(t.schedule.RetryBudget)); err != nil {
		return err
	}
	t.countStates()
	source := objectstore.Location{Bucket: inputBucket, Key: t.id + ".json"}
	if err := t.store.Put(ctx, source, t.file.Body, "application/json"); err != nil {
		return err
	}
	sum, err := t.migrate(ctx, t.schedule.Run, source, func(call context.Context) (string, error) {
		return t.startFile(call, source)
	})
	if err != nil {
		return err
	}
	left, err := t.audit(ctx, sum, t.file.Records, false)
	if err != nil {
		return err
	}
	return t.reloads(ctx, sum, left)
}

func (t *trial) startFile(ctx context.Context, source objectstore.Location) (string, error) {
	in := workflows.MigrateFileInput{File: source.String(), Route: route}
	if t.oneByOne {
		in.Concurrency = &workflows.ConcurrencyInput{Batches: new(1), PerBatch: new(1)}
	}
	_, err := t.operator.Start(ctx, t.id, in)
	return t.id, err
}

// reloads repairs the target, and reloads until nothing is left.
func (t *trial) reloads(ctx context.Context, sum migration.Summary, left []Record) error {
	if err := t.between(); err != nil { //nolint:contextcheck // as Close
		return err
	}
	faults := t.schedule.Reload
	for n := 1; len(left) > 0; n++ {
		if n > maxReloads {
			t.find(Lost, left[0].Number, fmt.Sprintf("%d records are left after %d reloads", len(left), maxReloads))
			break
		}
		parent := sum.Migration
		var err error
		sum, err = t.migrate(ctx, faults, objectstore.Location{}, func(call context.Context) (string, error) {
			return t.startReload(call, parent)
		})
		if err != nil {
			return err
		}
		if left, err = t.audit(ctx, sum, left, true); err != nil {
			return err
		}
		faults = nil
	}
	return t.auditEnd(ctx)
}

// between is what happens to the target before a reload: what was refused is
// repaired, and some schedules have it forget.
func (t *trial) between() error {
	if t.schedule.Forget {
		if _, err := t.target.Forget(); err != nil {
			return err
		}
		t.ledger.forget()
		t.count(IdentifiersExpired)
	}
	if t.schedule.NotUnique {
		t.count(UniquenessOff)
	}
	return t.target.ChangeFaults(func(f *sandbox.Faults) error {
		f.Refusals, f.Refuse, f.UniqueExternalIDs = nil, nil, !t.schedule.NotUnique
		return nil
	})
}

// countStates counts what goes wrong for the whole run.
func (t *trial) countStates() {
	s := t.schedule
	for k, on := range map[Kind]bool{
		SomeErrors: s.Weather.ErrorRate > 0, SomeThrottled: s.Weather.ThrottleRate > 0,
		SomeAccepted: s.Weather.AcceptedRate > 0, ShortBudget: s.RetryBudget == shortBudget,
	} {
		if on {
			t.count(k)
		}
	}
	for _, k := range s.Oddities.kinds() {
		t.count(k)
	}
}

func (t *trial) count(k Kind) {
	t.report.Planned[k]++
	t.report.Injected[k]++
}

// startReload is the user's own command.
func (t *trial) startReload(ctx context.Context, parent string) (string, error) {
	var out, errs bytes.Buffer
	code := cli.Run(ctx, []string{"reload", parent, "--json"}, cli.Streams{
		In: &bytes.Buffer{}, Out: &out, Err: &errs,
		Env: t.settings(t.temporal.HostPort, trimScheme(t.s3.Endpoint)),
	})
	if code != 0 {
		return "", fmt.Errorf("ferry reload %s: exit code %d: %s", parent, code, errs.String())
	}
	return decodeStarted(out.Bytes())
}

// migrate starts a migration, lets the faults loose on it, and waits for its
// end.
func (t *trial) migrate(
	ctx context.Context, faults []Fault, source objectstore.Location,
	start func(context.Context) (string, error),
) (migration.Summary, error) {
	ctx, cancel := context.WithTimeout(ctx, runLimit)
	defer cancel()
	for _, f := range faults {
		t.report.Planned[f.Kind]++
	}
	d := newDirector(ctx, broken{t.Stack, t.target}, faults)
	t.gate.scene.Store(&targetScene{api: t.target.Handler(), ledger: t.ledger, director: d, kill: t.crew.kill, externalOf: t.externalOf})
	t.storeGate.scene.Store(&storeScene{director: d, kill: t.crew.kill, source: "/" + source.Bucket + "/" + source.Key})
	begun := time.Now()
	id, err := start(ctx)
	var sum migration.Summary
	if err == nil {
		sum, err = t.await(ctx, id)
	}
	injected, trouble := d.close()
	for kind, n := range injected {
		t.report.Injected[kind] += n
	}
	if err != nil {
		return sum, err
	}
	t.report.Results = append(t.report.Results, fmt.Sprintf("%s %.0fs", sum.Result, time.Since(begun).Seconds()))
	return sum, trouble
}

// externalOf is the external id of an entitlement, for answers that don't tell
// it.
func (t *trial) externalOf(ctx context.Context, id string) string {
	for e, err := range t.target.Entitlements(ctx, "") {
		if err == nil && e.EntitlementID == id && e.ExternalEntitlementID != nil {
			return *e.ExternalEntitlementID
		}
	}
	return ""
}

// await waits for a migration's end over every restart of Temporal. A root
// that failed or was closed is an end that should not have been.
func (t *trial) await(ctx context.Context, id string) (migration.Summary, error) {
	for {
		sum, err := t.operator.Result(ctx, id)
		var failed *operator.FailedError
		var closed *operator.InterruptedError
		switch {
		case err == nil:
			return sum, nil
		case ctx.Err() != nil:
			return sum, fmt.Errorf("migration %s: %w", id, errNotEnded)
		case errors.As(err, &failed), errors.As(err, &closed):
			return sum, fmt.Errorf("%w: %w", errNotEnded, err)
		}
		timer := time.NewTimer(askAgain)
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
	}
}
