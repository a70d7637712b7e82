package integration

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/sdk/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/converter"

	"github.com/f0a90b9a/ferry/activities"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/migrationfile"
	"github.com/f0a90b9a/ferry/internal/temporalconn"
	"github.com/f0a90b9a/ferry/workflows"
)

// found lists the workflows of this test that a visibility query finds, by
// type, once there are as many as expected.
func (s *stack) found(query string, want map[string]int) {
	s.t.Helper()
	query = fmt.Sprintf("TaskQueue = '%s' AND %s", s.queue, query)
	var got map[string]int
	require.Eventually(s.t, func() bool {
		answer, err := s.client.ListWorkflow(s.ctx, &workflowservice.ListWorkflowExecutionsRequest{Query: query})
		if err != nil {
			return false
		}
		got = map[string]int{}
		for _, e := range answer.GetExecutions() {
			got[e.GetType().GetName()]++
		}
		return fmt.Sprint(got) == fmt.Sprint(want)
	}, longWait, tick, "%s: %v", query, &got)
}

// metadata is what the Temporal UI asks a workflow about itself.
func (s *stack) metadata(id string) *sdk.WorkflowMetadata {
	s.t.Helper()
	answer, err := s.client.QueryWorkflow(s.ctx, id, "", "__temporal_workflow_metadata")
	require.NoError(s.t, err)
	var m sdk.WorkflowMetadata
	require.NoError(s.t, answer.Get(&m))
	return &m
}

// summaryOf is the line that the Temporal UI shows for a workflow.
func (s *stack) summaryOf(id string) string {
	s.t.Helper()
	d, err := s.client.DescribeWorkflow(s.ctx, id, "")
	require.NoError(s.t, err)
	line, err := d.GetStaticSummary()
	require.NoError(s.t, err)
	return line
}

func TestWorkflowsAreFoundAndReadInTheTemporalUI(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	s.settings.ContinueAfterEvents = 40 // so that attributes have a new run to get over to
	s.startWorker()
	file := generate(t, migrationfile.GenOptions{Records: 60, Seed: 5, FailShare: 0.1, Prefix: s.bucket})
	in := inputFor(s.upload("ui.json", file))
	in.Limits = &workflows.LimitsInput{ErrorRate: new(0.9)}
	sum := s.migrate("ui", in)
	require.Equal(t, migration.CompletedWithFailures, sum.Result)
	id := s.id("ui")
	batches := map[string]int{workflows.MigrateFileName: 1, workflows.MigrateBatchName: 4, workflows.MigrateEntitlementName: 60}

	var runs int
	require.Eventually(t, func() bool {
		answer, err := s.client.ListWorkflow(s.ctx, &workflowservice.ListWorkflowExecutionsRequest{Query: "WorkflowId = '" + id + "'"})
		runs = len(answer.GetExecutions())
		return err == nil && runs > 1
	}, longWait, tick, "the root has gone on in a new run")
	batches[workflows.MigrateFileName] = runs
	s.found(fmt.Sprintf("FerryMigration = '%s'", id), batches)
	s.found(fmt.Sprintf("FerryMigration = '%s' AND ExecutionStatus = 'Failed'", id),
		map[string]int{workflows.MigrateEntitlementName: sum.Outcomes.Failed})
	s.found("FerryRoute = 'acme-nova' AND FerryResult = 'COMPLETED_WITH_FAILURES'", map[string]int{workflows.MigrateFileName: 1})

	root := s.metadata(id)
	details := root.GetCurrentDetails()
	require.Contains(t, details, "## COMPLETED_WITH_FAILURES")
	require.Contains(t, details, "**60 of 60 records** are over")
	require.Contains(t, details, "ferry reload "+id)
	require.Contains(t, details, "NOT_AVAILABLE")
	described := map[string]string{}
	for _, q := range root.GetDefinition().GetQueryDefinitions() {
		described[q.GetName()] = q.GetDescription()
	}
	for _, u := range root.GetDefinition().GetUpdateDefinitions() {
		described[u.GetName()] = u.GetDescription()
	}
	for _, name := range []string{
		workflows.QueryProgress, workflows.UpdatePause, workflows.UpdateResume, workflows.UpdateAbort,
		workflows.UpdateApprove, workflows.UpdateSetLimits, workflows.UpdateSetConcurrency,
	} {
		require.NotEmpty(t, described[name], name)
	}

	require.Equal(t, "records 1 to 3", s.summaryOf(workflows.BatchID(id, 1)))
	require.Contains(t, s.metadata(workflows.BatchID(id, 1)).GetCurrentDetails(), "**3 of 3 records** are over")
	first := decodeRecords(t, file)[0]
	require.Contains(t, s.summaryOf(workflows.EntitlementID("acme-nova", first["externalEntitlementId"].(string))), "record 1, ")
}

// A namespace that has none of Ferry's search attributes, or not all, migrates
// as any other.
func TestMissingSearchAttributesBlockNothing(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	has, err := temporalconn.KeywordAttributes(s.ctx, s.client, "default", append(workflows.SearchAttributes(), "FerryNothing"))
	require.NoError(t, err)
	require.Equal(t, workflows.SearchAttributes(), has)
	has, err = temporalconn.KeywordAttributes(s.ctx, s.client, "default", []string{"FerryNothing"})
	require.NoError(t, err)
	require.Empty(t, has)

	s.startWorker(func(o *activities.Options) { o.SearchAttributes = []string{workflows.AttributeRoute} })
	sum := s.migrate("bare", inputFor(s.upload("bare.json", activeRecords(t, s.bucket, 5))))
	require.Equal(t, migration.Completed, sum.Result)
	described, err := s.client.DescribeWorkflowExecution(s.ctx, s.id("bare"), "")
	require.NoError(t, err)
	fields := described.GetWorkflowExecutionInfo().GetSearchAttributes().GetIndexedFields()
	require.NotContains(t, fields, workflows.AttributeMigration)
	var route string
	require.NoError(t, converter.GetDefaultDataConverter().FromPayload(fields[workflows.AttributeRoute], &route))
	require.Equal(t, "acme-nova", route)
	require.Equal(t, enums.WORKFLOW_EXECUTION_STATUS_COMPLETED, described.GetWorkflowExecutionInfo().GetStatus())
}
