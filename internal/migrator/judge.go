package migrator

import (
	"slices"
	"strings"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
)

// judge compares what the target has with the record: the same further back is
// continued from there, anything else is TARGET_DIFFERS and never overwritten.
func (m *Migrator) judge(t Task, found entitlement.Entitlement) (Result, error) {
	now := m.now()
	c := entitlement.Compare(t.Record, found, now)
	if len(c.Differences) > 0 {
		return Result{}, &fault.Fault{
			Kind: fault.Final, Code: fault.CodeTargetDiffers, EntitlementID: found.EntitlementID,
			Message: "the target has this entitlement with another " + strings.Join(c.Differences, ", "),
		}
	}
	steps := entitlement.Steps(t.Record, now)
	return Result{
		EntitlementID: found.EntitlementID,
		Done:          without(steps, c.Remaining),
		Remaining:     c.Remaining,
		Found:         true,
	}, nil
}

func without(steps, remaining []entitlement.Step) []entitlement.Step {
	var done []entitlement.Step
	for _, s := range steps {
		if !contains(remaining, s) {
			done = append(done, s)
		}
	}
	return done
}

func contains(steps []entitlement.Step, s entitlement.Step) bool { return slices.Contains(steps, s) }
