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
// that a replay needs. Where workers have versions, a root that lasts for days
// goes on with each build that becomes current, and its changes must be
// versioned in code; what is short ends on the build it began with.
func RegisterWorkflows(r WorkflowRegistry) {
	register(r, MigrateFile, MigrateFileName, workflow.VersioningBehaviorAutoUpgrade)
	register(r, NotifyCompletion, NotifyCompletionName, workflow.VersioningBehaviorAutoUpgrade) // may wait for a day
	for name, w := range map[string]any{
		MigrateBatchName:       MigrateBatch,
		MigrateEntitlementName: MigrateEntitlement,
		RebuildReportsName:     RebuildReports,
		ReconcileMigrationName: ReconcileMigration,
	} {
		register(r, w, name, workflow.VersioningBehaviorPinned)
	}
}

func register(r WorkflowRegistry, w any, name string, behaviour workflow.VersioningBehavior) {
	r.RegisterWorkflowWithOptions(w, workflow.RegisterOptions{Name: name, VersioningBehavior: behaviour})
}
