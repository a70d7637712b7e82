package workflows

import (
	"go.temporal.io/sdk/workflow"

	"github.com/f0a90b9a/ferry/activities"
)

// WorkflowRegistry is the part of a worker, a test environment or a replayer
// that takes workflows.
type WorkflowRegistry interface {
	RegisterWorkflowWithOptions(w any, options workflow.RegisterOptions)
}

// Registry takes workflows and activities, as a worker does.
type Registry interface {
	WorkflowRegistry
	activities.Registry
}

// Register registers all that a worker runs: the workflows and the activities
// they call.
func Register(r Registry, a *activities.Activities) {
	RegisterWorkflows(r)
	a.Register(r)
}

// RegisterWorkflows registers the workflows by their names, which is all
// that a replay needs.
func RegisterWorkflows(r WorkflowRegistry) {
	r.RegisterWorkflowWithOptions(MigrateFile, workflow.RegisterOptions{Name: MigrateFileName})
	r.RegisterWorkflowWithOptions(MigrateBatch, workflow.RegisterOptions{Name: MigrateBatchName})
	r.RegisterWorkflowWithOptions(MigrateEntitlement, workflow.RegisterOptions{Name: MigrateEntitlementName})
	r.RegisterWorkflowWithOptions(RebuildReports, workflow.RegisterOptions{Name: RebuildReportsName})
	r.RegisterWorkflowWithOptions(ReconcileMigration, workflow.RegisterOptions{Name: ReconcileMigrationName})
}
