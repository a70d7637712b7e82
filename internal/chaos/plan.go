package chaos

import (
	"fmt"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/migrationfile"
)

// Plan is a file and what goes wrong while it is migrated.
type Plan struct {
	File     *File
	Schedule Schedule
	// Step is set in a plan for one step's boundary: its records are migrated
	// one by one.
	Step entitlement.Step
}

// Seeded is the plan of a seed.
func Seeded(seed uint64, records int) (*Plan, error) {
	f, err := NewFile(seed, records)
	if err != nil {
		return nil, err
	}
	return &Plan{File: f, Schedule: NewSchedule(seed, f)}, nil
}

// stepStatus is a status that the step leads to.
var stepStatus = map[entitlement.Step]entitlement.Status{
	entitlement.Create: entitlement.Pending, entitlement.Activate: entitlement.Active,
	entitlement.Suspend: entitlement.Suspended, entitlement.Cancel: entitlement.ActiveEnding,
	entitlement.Revoke: entitlement.Revoked,
}

// AtBoundary is the plan that kills the worker between the write and the answer
// of a step, for every record anew.
func AtBoundary(step entitlement.Step, records int) (*Plan, error) {
	f, err := generate(migrationfile.GenOptions{
		Records: records, Seed: 1, OnlyStatus: stepStatus[step], Product: "nova-basic", Prefix: "chaos-" + string(step),
	})
	if err != nil {
		return nil, err
	}
	p := &Plan{File: f, Step: step, Schedule: Schedule{Records: records, RetryBudget: longBudget}}
	for n := range f.Effective[step] {
		p.Schedule.Run = append(p.Schedule.Run, Fault{Kind: WorkerKilledInStep, When: When{Step: step, Nth: n + 1}})
	}
	return p, nil
}

// Boundaries are the plans for the boundaries of all steps.
func Boundaries(records int) ([]*Plan, error) {
	var all []*Plan
	for _, step := range steps() {
		p, err := AtBoundary(step, records)
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

func steps() []entitlement.Step {
	return []entitlement.Step{
		entitlement.Create, entitlement.Activate, entitlement.Suspend, entitlement.Cancel, entitlement.Revoke,
	}
}

// Name tells the plan from others.
func (p *Plan) Name() string { return name(p.Schedule.Seed, p.Step, len(p.File.Records)) }

// Name is the plan's.
func (r *Report) Name() string { return name(r.Seed, r.Step, r.Records) }

// Repeat is the command that runs the plan again.
func (r *Report) Repeat() string {
	if r.Step != "" {
		return "make test-faults SEEDS=0 FRESH=1"
	}
	return fmt.Sprintf("make test-faults SEED=%d SEEDS=1 RECORDS=%d BOUNDARY=0 FRESH=1", r.Seed, r.Records)
}

func name(seed uint64, step entitlement.Step, records int) string {
	if step != "" {
		return fmt.Sprintf("%s × %d", step, records)
	}
	return fmt.Sprintf("seed %d × %d", seed, records)
}

// id is the migration's.
func (p *Plan) id() string {
	if p.Step != "" {
		return "chaos-" + string(p.Step)
	}
	return fmt.Sprintf("chaos-%d", p.Schedule.Seed)
}
