package workflows

import (
	"fmt"
	"strings"

	"go.temporal.io/sdk/workflow"

	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
)

// Whoever reaches the namespace can start any workflow with any input, and the
// Temporal UI offers to start one "like this one". So each of a migration's
// workflows looks where it comes from before it does anything.

// runOf names a run of a root that continues as new.
type runOf struct {
	Run   string `json:"run,omitempty"`
	First string `json:"first,omitempty"`
}

// badInput fails a workflow that nothing is to come of.
func badInput(format string, args ...any) error {
	return fault.Run(&fault.Fault{Code: fault.CodeBadInput, Message: fmt.Sprintf(format, args...)})
}

// checkCarried refuses a run's state from anybody but the run that continues.
// A cron schedule repeats the input of a run that is over, so the state names
// the run it is of; only a retry of the server's begins where the run before it
// began.
func checkCarried(info *workflow.Info, carried *Carried) error {
	continues := info.ContinuedExecutionRunID != ""
	if continues && carried.Behaviour >= behaviourWary {
		continues = carried.Of.First == firstRun(info) &&
			(carried.Of.Run == info.ContinuedExecutionRunID || info.Attempt > 1)
	}
	if continues {
		return nil
	}
	return badInput(`"carried" is the state of a migration under way, and this is none that goes on: ` +
		`give {"file":"s3://bucket/key","route":"name"} to start one, under a new workflow id ('ferry reload ID' takes up what a migration has left)`)
}

// inputProblem is why a start can't be used, before anything is asked of
// anybody; empty if it can. Runs of the first behaviour leave the id to the
// check of the start.
func (r *fileRun) inputProblem() string {
	switch {
	case r.in.problem != "":
		return r.in.problem
	case r.Behaviour < behaviourWary:
		return ""
	case r.surplus: // it would be passed over, whatever it asks for
		return "several inputs were given, and a migration takes one: put all into one JSON object"
	case !migration.ValidID(r.id):
		return unusableID(r.id)
	case r.in.Parent != "" && !migration.ValidID(r.in.Parent):
		return fmt.Sprintf("parent %.100q is no migration's id: name the migration that this one reloads, or leave it out", r.in.Parent)
	}
	if err := r.in.checkTexts(); err != nil {
		return strings.ReplaceAll(err.Error(), "\n", "; ")
	}
	return ""
}

func unusableID(id string) string {
	return fmt.Sprintf("workflow id %.100q can't name a migration: use 1 to %d letters (A to Z), digits, '.', '_' and '-', "+
		"starting with a letter or digit, and start it again under such an id", id, migration.MaxIDLength)
}

// checkBatchParent refuses a batch that is no child of its migration.
func checkBatchParent(info *workflow.Info, in MigrateBatchInput) error {
	parent := info.ParentWorkflowExecution
	if parent != nil && parent.ID == in.Migration && migration.ValidID(in.Migration) &&
		info.WorkflowExecution.ID == BatchID(in.Migration, in.Number) {
		return nil
	}
	return notByHand(info, MigrateBatchName)
}

// checkRecordParent refuses a record that is no child of a batch of its
// migration.
func checkRecordParent(info *workflow.Info, in MigrateEntitlementInput) error {
	parent := info.ParentWorkflowExecution
	if parent != nil && strings.HasPrefix(parent.ID, in.Migration+"/batch-") && migration.ValidID(in.Migration) &&
		info.WorkflowExecution.ID == EntitlementID(in.Route, in.ExternalEntitlementID) {
		return nil
	}
	return notByHand(info, MigrateEntitlementName)
}

func notByHand(info *workflow.Info, name string) error {
	return badInput("%s %.300q was not started by the migration that its input names: it is a part of one and can't be started by hand. "+
		"Nothing was sent to the target; start %s with a file and a route", name, info.WorkflowExecution.ID, MigrateFileName)
}
