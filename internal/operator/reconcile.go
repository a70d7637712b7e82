package operator

import (
	"context"
	"fmt"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/workflows"
)

// Reconcile starts the workflow that compares a past migration with the target
// again, and gives that workflow's id. If it runs already, that one is it. That
// the migration is over is the caller's to know: Temporal may have forgotten it.
func (c *Client) Reconcile(ctx context.Context, id string) (string, error) {
	_, err := c.temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID:                       workflows.ReconcileID(id),
		TaskQueue:                c.queue,
		WorkflowTaskTimeout:      c.taskTimeout,
		WorkflowIDReusePolicy:    enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		StaticSummary:            "compares " + id + " with the target again",
	}, workflows.ReconcileMigrationName, workflows.ReconcileMigrationInput{Migration: id})
	if err != nil {
		return "", fmt.Errorf("migration %s: reconcile: %w", id, err)
	}
	return workflows.ReconcileID(id), nil
}

// ReconcileProgress asks a reconciliation, by its workflow's id, how far it is;
// see Progress.
func (c *Client) ReconcileProgress(ctx context.Context, workflowID string) (migration.Reconciliation, error) {
	var r migration.Reconciliation
	answer, err := c.temporal.QueryWorkflow(ctx, workflowID, "", workflows.QueryProgress)
	if err != nil {
		return r, c.explain(ctx, workflowID, "progress", err)
	}
	if err := answer.Get(&r); err != nil {
		return r, fmt.Errorf("migration %s: progress: %w", workflowID, err)
	}
	return r, nil
}

// ReconcileResult waits for a reconciliation to end; see Result.
func (c *Client) ReconcileResult(ctx context.Context, workflowID string) (migration.Reconciliation, error) {
	var r migration.Reconciliation
	err := c.result(ctx, workflowID, &r)
	return r, err
}
