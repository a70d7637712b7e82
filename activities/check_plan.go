package activities

import (
	"bytes"
	"context"
	"encoding/json"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
)

// CheckPlanInput names a migration and its route.
type CheckPlanInput struct {
	Migration string `json:"migration"`
	Route     string `json:"route"`
}

// CheckPlan compares the rules that the target has for a route now with those
// that the plan was made by, before somebody's approval of the plan counts.
// Faults: PLAN_CHANGED (final), the target's, the store's.
func (a *Activities) CheckPlan(ctx context.Context, in CheckPlanInput) error {
	ctx, stopPulse := withPulse(ctx)
	defer stopPulse()
	return fault.Activity(a.checkPlan(ctx, in))
}

func (a *Activities) checkPlan(ctx context.Context, in CheckPlanInput) error {
	body, _, err := a.store.Read(ctx, a.store.Work(migration.Key(in.Migration, migration.FilePlan)), planBytes)
	if err != nil {
		return err
	}
	var plan Plan
	if err := json.Unmarshal(body, &plan); err != nil {
		return &fault.Fault{
			Kind: fault.Final, Code: fault.CodeStoreFault, Cause: err,
			Message: migration.FilePlan + " is not what was written (the file was changed)",
		}
	}
	now, err := a.target.Route(ctx, in.Route)
	if err != nil {
		return explainRoute(in.Route, err)
	}
	if !equalRules(plan.Rules, now) {
		return &fault.Fault{
			Kind: fault.Final, Code: fault.CodePlanChanged,
			Message: "the target's rules of route " + in.Route + " have changed since the file was checked against them (abort this migration, and start the file again under a new name)",
		}
	}
	return nil
}

// equalRules compares rules as plan.json holds them.
func equalRules(a, b entitlement.Route) bool {
	one, err := json.Marshal(a)
	other, errOther := json.Marshal(b)
	return err == nil && errOther == nil && bytes.Equal(one, other)
}
