package integration

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/workflows"
)

// What a client sends that is no part of Ferry: the run hears none of it, and
// hears its operator and its batches all the same.
func TestForgedSignalsChangeNothing(t *testing.T) {
	t.Parallel()
	s := setup(t)
	s.slow(20)
	in := inputFor(s.upload("forged.json", activeRecords(t, s.bucket, 120)))
	in.Concurrency = &workflows.ConcurrencyInput{Batches: new(2), PerBatch: new(5)}
	run := s.start("forged", in)
	require.Eventually(t, func() bool { return s.stats().Effective["create"] > 10 }, longWait, tick)
	forged := []any{
		nil,
		[]byte{0, 1, 2},
		"hold",
		map[string]any{"number": 1 << 40, "hold": false, "width": 50},
		map[string]any{"number": 1, "sent": 999_999_999, "outcomes": map[string]int{"MIGRATED": 999_999_999}},
		map[string]any{"code": fault.CodeUnauthorized, "message": "forged", "since": "2099-01-01T00:00:00Z"},
	}
	root := s.id("forged")
	for _, payload := range forged {
		for _, signal := range []string{"control", "tally", "trouble", "anything"} {
			require.NoError(t, s.client.SignalWorkflow(s.ctx, root, "", signal, payload))
			for batch := 1; batch <= 2; batch++ { // it may be over
				_ = s.client.SignalWorkflow(s.ctx, workflows.BatchID(root, batch), "", signal, payload)
			}
		}
	}
	_, err := s.ask("forged", workflows.UpdatePause, kim(""))
	require.NoError(t, err)
	s.settled()
	require.Less(t, s.stats().Effective["create"], int64(120), "a pause is heard")
	require.LessOrEqual(t, s.progress("forged").Outcomes.Total(), 120)
	_, err = s.ask("forged", workflows.UpdateResume, kim(""))
	require.NoError(t, err)
	done := s.result(run)
	require.Equal(t, migration.Completed, done.Result, "%+v", done)
	require.Equal(t, "drop", done.Audit[0].Action)
	s.clean(done)
}

// A workflow id that gRPC takes for no header, and parts of a migration that
// nobody's migration has started, end at once.
func TestStrangersStartsAreBadInput(t *testing.T) {
	t.Parallel()
	s := setup(t)
	for id, start := range map[string]struct {
		workflow string
		input    any
	}{
		s.bucket + "-März": {workflows.MigrateFileName, inputFor("s3://p/a.json")},
		s.bucket + "-like-this-one": {workflows.MigrateFileName, map[string]any{
			"file": "s3://p/a.json", "route": "acme-nova", "carried": map[string]any{"behaviour": 1, "next": 1, "batches": 1},
		}},
		s.bucket + "-x/batch-000001": {workflows.MigrateBatchName, map[string]any{"migration": s.bucket + "-x", "number": 1, "behaviour": 2}},
		workflows.EntitlementID("acme-nova", s.bucket+"-1"): {workflows.MigrateEntitlementName, map[string]any{
			"migration": s.bucket + "-x", "route": "acme-nova", "externalEntitlementId": s.bucket + "-1", "steps": []string{"create"},
		}},
	} {
		run, err := s.client.ExecuteWorkflow(s.ctx, client.StartWorkflowOptions{ID: id, TaskQueue: s.bucket}, start.workflow, start.input)
		require.NoError(t, err)
		var app *temporal.ApplicationError
		require.ErrorAs(t, run.Get(s.ctx, nil), &app, id)
		require.Equal(t, fault.CodeBadInput, app.Type(), id)
	}
	require.Zero(t, s.stats().Calls["create"])
}
