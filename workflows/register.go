package workflows

import (
	"go.temporal.io/sdk/workflow"

	"github.com/f0a90b9a/ferry/activities"
)

// Registry is the part of a worker, a test environment or a replayer that
// takes workflows.
type Registry interface {
	RegisterWorkflowWithOptions(w any, options workflow.RegisterOptions)
}

// Register registers the three workflows by their names.
func Register(r Registry) {
	r.RegisterWorkflowWithOptions(MigrateFile, workflow.RegisterOptions{Name: MigrateFileName})
	r.RegisterWorkflowWithOptions(MigrateBatch, workflow.RegisterOptions{Name: MigrateBatchName})
	r.RegisterWorkflowWithOptions(MigrateEntitlement, workflow.RegisterOptions{Name: MigrateEntitlementName})
}

// RegisterAll registers what a worker runs: the workflows and the activities
// they call.
func RegisterAll(r interface {
	Registry
	activities.Registry
}, a *activities.Activities) {
	Register(r)
	a.Register(r)
}
