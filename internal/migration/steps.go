package migration

import "github.com/f0a90b9a/ferry/internal/entitlement"

// StepCounts tells for each step how far the records have come. A step that no
// record needs is left out of the JSON.
type StepCounts struct {
	Create   StepCount `json:"create,omitzero"`
	Activate StepCount `json:"activate,omitzero"`
	Suspend  StepCount `json:"suspend,omitzero"`
	Cancel   StepCount `json:"cancel,omitzero"`
	Revoke   StepCount `json:"revoke,omitzero"`
}

// StepCount counts records by what became of one step. What is neither done nor
// failed is still to come, or was not attempted.
type StepCount struct {
	Planned int `json:"planned"` // records that need it
	Done    int `json:"done"`    // at the target, by this run or before
	Failed  int `json:"failed"`  // records that failed at it
}

// Of gives the count of a step; an unknown step has one of its own, which
// counts nowhere.
func (c *StepCounts) Of(s entitlement.Step) *StepCount {
	switch s {
	case entitlement.Create:
		return &c.Create
	case entitlement.Activate:
		return &c.Activate
	case entitlement.Suspend:
		return &c.Suspend
	case entitlement.Cancel:
		return &c.Cancel
	case entitlement.Revoke:
		return &c.Revoke
	}
	return &StepCount{}
}

// Add counts what a record has done, and where it failed.
func (c *StepCounts) Add(o Outcome) {
	for _, s := range o.StepsDone {
		c.Of(s).Done++
	}
	if o.Fate == Failed {
		c.Of(o.Step).Failed++
	}
}

// Plus is the sum of both.
func (c StepCounts) Plus(d StepCounts) StepCounts {
	return StepCounts{
		Create: c.Create.plus(d.Create), Activate: c.Activate.plus(d.Activate),
		Suspend: c.Suspend.plus(d.Suspend), Cancel: c.Cancel.plus(d.Cancel), Revoke: c.Revoke.plus(d.Revoke),
	}
}

func (c StepCount) plus(d StepCount) StepCount {
	return StepCount{Planned: c.Planned + d.Planned, Done: c.Done + d.Done, Failed: c.Failed + d.Failed}
}
