package operator_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/mocks"
	"go.temporal.io/sdk/temporal"

	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/objectstore"
	"github.com/f0a90b9a/ferry/internal/operator"
	"github.com/f0a90b9a/ferry/workflows"
)

func TestReconcileJoinsOneThatRuns(t *testing.T) {
	t.Parallel()
	c, service := setup(t)
	var options client.StartWorkflowOptions
	service.On("ExecuteWorkflow", mock.Anything, mock.Anything, workflows.ReconcileMigrationName, workflows.ReconcileMigrationInput{Migration: "acme-1"}).
		Run(func(args mock.Arguments) { options = args.Get(1).(client.StartWorkflowOptions) }).Return(nil, nil).Once()
	id, err := c.Reconcile(t.Context(), "acme-1")
	require.NoError(t, err)
	require.Equal(t, "acme-1/reconcile", id)
	require.Equal(t, id, options.ID)
	require.Equal(t, "ferry", options.TaskQueue)
	require.Equal(t, enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING, options.WorkflowIDConflictPolicy)
	require.Equal(t, enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE, options.WorkflowIDReusePolicy)

	service.On("ExecuteWorkflow", mock.Anything, mock.Anything, mock.Anything, mock.Anything).Return(nil, errors.New("no connection"))
	_, err = c.Reconcile(t.Context(), "acme-1")
	require.ErrorContains(t, err, "migration acme-1: reconcile: no connection")
}

func TestReconcileProgressAndResult(t *testing.T) {
	t.Parallel()
	c, service := setup(t)
	payloads, err := converter.GetDefaultDataConverter().ToPayloads(migration.Reconciliation{Looked: 7})
	require.NoError(t, err)
	service.On("QueryWorkflow", mock.Anything, "a/reconcile", "", workflows.QueryProgress).Return(client.NewValue(payloads), nil).Once()
	r, err := c.ReconcileProgress(t.Context(), "a/reconcile")
	require.NoError(t, err)
	require.Equal(t, 7, r.Looked)
	service.On("QueryWorkflow", mock.Anything, "a/reconcile", "", workflows.QueryProgress).Return(nil, serviceerror.NewNotFound(""))
	_, err = c.ReconcileProgress(t.Context(), "a/reconcile")
	require.ErrorIs(t, err, operator.ErrUnknown)

	run := mocks.NewWorkflowRun(t)
	service.On("GetWorkflow", mock.Anything, "a/reconcile", "").Return(run)
	run.On("Get", mock.Anything, mock.Anything).Run(func(args mock.Arguments) {
		args.Get(1).(*migration.Reconciliation).Looked = 9
	}).Return(nil).Once()
	r, err = c.ReconcileResult(t.Context(), "a/reconcile")
	require.NoError(t, err)
	require.Equal(t, 9, r.Looked)
	run.On("Get", mock.Anything, mock.Anything).Return(temporal.NewNonRetryableApplicationError("no", fault.CodeBadInput, nil))
	_, err = c.ReconcileResult(t.Context(), "a/reconcile")
	var failed *operator.FailedError
	require.ErrorAs(t, err, &failed)
	require.Equal(t, fault.CodeBadInput, failed.Code)
}

// shelf is a store of objects by key.
type shelf map[string]string

func (s shelf) Work(key string) objectstore.Location { return objectstore.Location{Key: key} }

func (s shelf) Open(_ context.Context, loc objectstore.Location, _ string) (io.ReadCloser, error) {
	content, there := s[strings.TrimPrefix(loc.Key, "migrations/a/")]
	if !there {
		return nil, &fault.Fault{Kind: fault.Final, Code: fault.CodeFileNotFound, Message: loc.Key}
	}
	return io.NopCloser(strings.NewReader(content)), nil
}

// left is what a migration of four records leaves, the last of which was never
// begun.
func left() shelf {
	var records string
	var ends []int
	for n := range 4 {
		records += fmt.Sprintf(`{"externalEntitlementId":"ext-%d","customerIdentifier":"private","status":"PENDING"}`, n+1) + "\n"
		ends = append(ends, len(records))
	}
	outcome := func(n int, fate migration.Fate) string {
		return fmt.Sprintf(`{"record":%d,"externalEntitlementId":"ext-%d","outcome":%q,"entitlementId":"id-%d"}`, n, n, fate, n) + "\n"
	}
	return shelf{
		migration.FileRecords: records,
		migration.FileBatches: fmt.Sprintf(`{"batches":[{"number":1,"first":1,"count":3,"offset":0,"length":%d},{"number":2,"first":4,"count":1,"offset":%d,"length":%d}],`+
			`"waves":[{"number":1,"firstBatch":1,"lastBatch":2,"records":4}]}`, ends[2], ends[2], ends[3]-ends[2]),
		migration.OutcomesFile(1): outcome(1, migration.Migrated) + outcome(2, migration.Failed) + outcome(3, migration.AlreadyMigrated),
	}
}

func read(t *testing.T, s shelf) ([]string, error) {
	t.Helper()
	var ids []string
	for m, err := range operator.Migrated(t.Context(), s, "a") {
		if err != nil {
			return ids, err
		}
		require.Equal(t, m.Record.ExternalEntitlementID, m.Outcome.ExternalEntitlementID)
		ids = append(ids, m.Outcome.EntitlementID)
	}
	return ids, nil
}

func TestMigratedRecordsAreReadBack(t *testing.T) {
	t.Parallel()
	ids, err := read(t, left())
	require.NoError(t, err)
	require.Equal(t, []string{"id-1", "id-3"}, ids)
	for _, err := range operator.Migrated(t.Context(), left(), "a") {
		require.NoError(t, err)
		break // a caller that has had enough is not given more
	}
	for name, spoil := range map[string]func(shelf){
		"no plan":            func(s shelf) { delete(s, migration.FileBatches) },
		"no records":         func(s shelf) { delete(s, migration.FileRecords) },
		"another plan":       func(s shelf) { s[migration.FileBatches] = "{}}" },
		"half an outcome":    func(s shelf) { s[migration.OutcomesFile(1)] = s[migration.OutcomesFile(1)][:20] },
		"an unknown outcome": func(s shelf) { s[migration.OutcomesFile(1)] = `{"record":1,"outcome":"FINE"}` },
		"too few records":    func(s shelf) { s[migration.FileRecords] = s[migration.FileRecords][:100] },
		"another record": func(s shelf) {
			s[migration.FileRecords] = strings.Replace(s[migration.FileRecords], "ext-1", "ext-7", 1)
		},
		"a record that is none": func(s shelf) { s[migration.FileRecords] = "{\"private\"\n{}\n{}\n{}\n" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := left()
			spoil(s)
			_, err := read(t, s)
			require.ErrorContains(t, err, "migration a: ")
			_, known := fault.As(err)
			require.True(t, known)
			require.NotContains(t, err.Error(), "private")
		})
	}
}
