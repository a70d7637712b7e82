package migrator

import (
	"fmt"
	"slices"
	"strings"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
)

// takeUp goes on with an entitlement that was there before: the record's one
// among what the target holds under its external id. One that the target is at
// work on is waited for.
func (m *Migrator) takeUp(t Task, found []entitlement.Entitlement) (Result, error) {
	ours, c, ok := entitlement.Choose(t.Record, found, m.now())
	if !ok {
		return Result{}, inOwnWords(&fault.Fault{
			Kind: fault.Final, Code: fault.CodeTargetDiffers,
			Message: WhyUnclear(len(found)),
		})
	}
	res, err := m.result(t, ours, c)
	if err == nil && !ours.Settled {
		return Result{}, stillPending(ours.EntitlementID)
	}
	return res, err
}

// judge compares what the target has with the record: the same further back is
// continued from there, anything else is TARGET_DIFFERS and never overwritten.
func (m *Migrator) judge(t Task, found entitlement.Entitlement) (Result, error) {
	return m.result(t, found, entitlement.Compare(t.Record, found, m.now()))
}

func (m *Migrator) result(t Task, found entitlement.Entitlement, c entitlement.Comparison) (Result, error) {
	if !c.Same() {
		return Result{}, inOwnWords(&fault.Fault{
			Kind: fault.Final, Code: fault.CodeTargetDiffers, EntitlementID: found.EntitlementID,
			Message: WhyDiffers(found, c),
		})
	}
	return Result{
		EntitlementID: found.EntitlementID,
		Done:          without(entitlement.Steps(t.Record, m.now()), c.Remaining),
		Remaining:     c.Remaining,
		Found:         true,
	}, nil
}

// WhyUnclear says that none of several entitlements under a record's id is
// known to be the record's.
func WhyUnclear(found int) string {
	return fmt.Sprintf("the target has %d entitlements under this externalEntitlementId, and which one is the record's can't be told", found)
}

// WhyDiffers says what keeps an entitlement of the target's from being the
// record's. It names fields, and no value of the customer's.
func WhyDiffers(found entitlement.Entitlement, c entitlement.Comparison) string {
	why := "the target has this entitlement with another " + strings.Join(c.Differences, ", ")
	if odd := found.WhyOdd(); odd != "" {
		why += "; not understood of its answer: " + odd
	}
	return why
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
