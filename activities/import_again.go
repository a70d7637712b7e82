package activities

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
)

// importedBefore gives what an earlier run of this migration has imported; nil
// if none has come to a plan, which is written last. Of a run that was reset
// records are under way or done already, by the plan that there is: neither
// another content of the source nor other rules or settings may change it.
func (a *Activities) importedBefore(ctx context.Context, migrationID string) (*ImportFileResult, error) {
	loc := a.store.Work(migration.Key(migrationID, migration.FilePlan))
	body, _, err := a.store.Read(ctx, loc, planBytes)
	if f, ok := fault.As(err); ok && f.Code == fault.CodeFileNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var plan Plan
	if err := json.Unmarshal(body, &plan); err != nil || plan.Files == nil {
		return nil, &fault.Fault{Kind: fault.Final, Code: fault.CodeStoreFault, Cause: err, Message: fmt.Sprintf(
			"%s is not what was written (the file was changed)", loc)}
	}
	res := &ImportFileResult{
		SHA256: plan.SHA256, Records: plan.Records, Problems: plan.Warnings,
		Batches: plan.Batches, Waves: plan.Waves, PlanHash: plan.Hash, Files: plan.Files,
	}
	res.Files[migration.FilePlan] = *fileInfo(loc, body)
	for status, n := range plan.Statuses {
		res.Expected.Add(entitlement.StatusGroup(status), n)
	}
	for step, n := range plan.Steps {
		res.Steps.Of(step).Planned = n
	}
	return res, nil
}
