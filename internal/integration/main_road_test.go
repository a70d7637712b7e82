package integration

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/migrationfile"
	"github.com/f0a90b9a/ferry/internal/objectstore"
	"github.com/f0a90b9a/ferry/internal/sandbox"
	"github.com/f0a90b9a/ferry/workflows"
)

const (
	longWait = 5 * time.Minute
	tick     = 20 * time.Millisecond
)

func inputFor(uri string) workflows.MigrateFileInput { return workflows.MigrateFileInput{File: uri} }

// result waits for a migration and holds it to the conservation law.
func (s *stack) result(run client.WorkflowRun) workflows.Summary {
	s.t.Helper()
	var sum workflows.Summary
	if err := run.Get(s.ctx, &sum); err != nil {
		s.t.Fatalf("%v; last seen: %s", err, s.last())
	}
	s.conserved(sum)
	return sum
}

func TestCleanFileCompletes(t *testing.T) {
	t.Parallel()
	s := setup(t)
	sum := s.migrate("clean", inputFor(s.upload("clean.json", activeRecords(t, s.bucket, 60))))
	require.Equal(t, migration.Completed, sum.Result, "%+v", sum)
	require.Equal(t, 60, sum.Outcomes.Migrated)
	require.Equal(t, 60, sum.Statuses.Active.Expected)
	require.Equal(t, 60, sum.Statuses.Active.Migrated)
	require.Equal(t, 60, *sum.Statuses.Active.Found)
	require.NotContains(t, sum.Files, migration.FileReload)
	require.Len(t, lines(s.file("clean", migration.FileCorrelation)), 61)
	s.clean(sum)
}

func TestReloadAfterRepairCompletesWithoutASecondCreate(t *testing.T) {
	t.Parallel()
	s := setup(t)
	file := generate(t, migrationfile.GenOptions{Records: 60, Seed: 3, FailShare: 0.15, Prefix: s.bucket})
	in := inputFor(s.upload("mixed.json", file))
	in.Waves, in.Limits = new(false), &workflows.LimitsInput{ErrorRate: new(0.0), Consecutive: new(0)}
	sum := s.migrate("mixed", in)
	require.Equal(t, migration.CompletedWithFailures, sum.Result, "%+v", sum)
	require.Equal(t, 9, sum.Outcomes.Failed, "15 %% of 60")
	require.Positive(t, sum.Partial)
	require.Less(t, sum.Partial, sum.Outcomes.Failed)
	s.clean(sum)
	creates := s.stats().Effective["create"]

	reload := decodeRecords(t, s.file("mixed", migration.FileReload))
	require.Len(t, reload, 9)
	require.Equal(t, sum.Partial, s.checkErrors("mixed", reload))
	s.repair(reload)
	again := s.migrate("mixed-2", inputFor(s.upload("mixed-2.json", encodeRecords(t, reload))))
	require.Equal(t, migration.Completed, again.Result, "%+v", again)
	require.Equal(t, 9, again.Outcomes.Migrated)
	require.Equal(t, creates+int64(9-sum.Partial), s.stats().Effective["create"], "partial records go on at their next step")
	require.Zero(t, s.stats().DuplicateExternalIDs)
}

// checkErrors holds errors.csv to the reload file, and counts the partial
// records.
func (s *stack) checkErrors(id string, reload []map[string]any) (partial int) {
	s.t.Helper()
	rows, err := csv.NewReader(strings.NewReader(string(s.file(id, migration.FileErrors)))).ReadAll()
	require.NoError(s.t, err)
	require.Len(s.t, rows, len(reload)+1)
	column := func(name string) int { return slices.Index(rows[0], name) }
	for i, record := range reload {
		row := rows[i+1]
		require.Equal(s.t, record["externalEntitlementId"], row[column("externalEntitlementId")])
		require.NotEmpty(s.t, row[column("code")])
		require.NotEmpty(s.t, row[column("hint")])
		id, _ := record["entitlementId"].(string)
		require.Equal(s.t, id, row[column("entitlementId")])
		require.Equal(s.t, id != "", row[column("partial")] == "true")
		if id != "" {
			partial++
		}
	}
	return partial
}

// repair removes the causes: refusals are switched off at the sandbox, and
// the product of records that were never created is corrected.
func (s *stack) repair(reload []map[string]any) {
	s.t.Helper()
	require.NoError(s.t, s.books.ChangeFaults(func(f *sandbox.Faults) error {
		f.Refusals = map[entitlement.Step][]string{entitlement.Create: f.Refusals[entitlement.Create]}
		return nil
	}))
	for _, record := range reload {
		if record["productKey"] == "nova-fail-create" {
			record["productKey"] = "nova-basic"
		}
	}
}

//go:fix inline

func TestFileNameIsGoodOnce(t *testing.T) {
	t.Parallel()
	s := setup(t)
	body := activeRecords(t, s.bucket, 3)
	uri := s.upload("once.json", body)
	sum := s.migrate("once", inputFor(uri))
	require.Equal(t, migration.Completed, sum.Result)

	s.refused("other", uri, fault.CodeFileNameUsed)
	s.refused("once", uri, fault.CodeMigrationIDUsed)

	elsewhere := objectstore.Location{Bucket: s.bucket + "-two", Key: "once.json"}
	require.NoError(t, s.store.EnsureBucket(s.ctx, elsewhere.Bucket))
	require.NoError(t, s.store.Put(s.ctx, elsewhere, body, "application/json"))
	require.NotEqual(t, migration.IDFor(uri), migration.IDFor(elsewhere.String()))
	again := s.migrate("other", inputFor(elsewhere.String()))
	require.Equal(t, migration.Completed, again.Result, "the id of a refused start is free again; another bucket is another name")
	require.Equal(t, 3, again.Outcomes.AlreadyMigrated)
	s.clean(sum)
}

// refused starts a migration that must fail with a code.
func (s *stack) refused(id, uri, code string) {
	s.t.Helper()
	err := s.start(id, inputFor(uri)).Get(s.ctx, nil)
	require.ErrorContains(s.t, err, "type: "+code)
}

func TestBadInputIsRefusedByName(t *testing.T) {
	t.Parallel()
	s := setup(t)
	uri := s.upload("there.json", activeRecords(t, s.bucket, 1))
	for name, c := range map[string]struct {
		id, file, route, code string
	}{
		"missing":   {"a", "s3://" + s.bucket + "-in/none.json", "acme-nova", fault.CodeFileNotFound},
		"bucket":    {"b", "s3://no-such-bucket-here/none.json", "acme-nova", fault.CodeFileNotFound},
		"scheme":    {"c", "https://x/y.json", "acme-nova", fault.CodeBadInput},
		"route":     {"d", uri, "nobody", fault.CodeRouteUnknown},
		"bad name!": {"e !", uri, "acme-nova", fault.CodeBadInput},
	} {
		in := inputFor(c.file)
		in.Route = c.route
		err := s.start(c.id, in).Get(s.ctx, nil)
		require.ErrorContains(t, err, "type: "+c.code, name)
	}
	run, err := s.client.ExecuteWorkflow(s.ctx, client.StartWorkflowOptions{ID: s.id("typo"), TaskQueue: s.queue},
		workflows.MigrateFileName, map[string]any{"file": uri, "route": "acme-nova", "dry_run": true})
	require.NoError(t, err)
	require.ErrorContains(t, run.Get(s.ctx, nil), "dry_run")
	require.Zero(t, s.stats().Effective["create"])
}

func TestOneBadRecordRejectsTheFile(t *testing.T) {
	t.Parallel()
	s := setup(t)
	records := decodeRecords(t, activeRecords(t, s.bucket, 1000))
	delete(records[616], "dateActivated")
	sum := s.migrate("bad", inputFor(s.upload("bad.json", encodeRecords(t, records))))
	require.Equal(t, migration.Rejected, sum.Result)
	require.Equal(t, 1000, sum.Outcomes.NotAttempted)
	require.Contains(t, sum.Reason, "record 617")
	require.Contains(t, string(s.file("bad", migration.FileValidation)), `"record": 617`)
	require.NotContains(t, sum.Files, migration.FileReload)
	for call, n := range s.stats().Calls {
		require.True(t, n == 0 || call == "echo" || call == "route", "%s was called %d times", call, n)
	}
}

func TestDryRunWritesThePlanAndNothingElse(t *testing.T) {
	t.Parallel()
	s := setup(t)
	uri := s.upload("dry.json", activeRecords(t, s.bucket, 30))
	in := inputFor(uri)
	in.DryRun = true
	sum := s.migrate("dry", in)
	require.Equal(t, migration.DryRun, sum.Result)
	require.Equal(t, 30, sum.Outcomes.NotAttempted)
	require.Contains(t, string(s.file("dry", migration.FilePlan)), `"activate": 30`)
	require.Zero(t, s.stats().Calls["create"])
	sum = s.migrate("real", inputFor(uri))
	require.Equal(t, migration.Completed, sum.Result, "a dry run claims only its id")
}

func TestHopelessFileStopsEarly(t *testing.T) {
	t.Parallel()
	for name, waves := range map[string]bool{"canary": true, "consecutive": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := setup(t)
			file := generate(t, migrationfile.GenOptions{
				Records: 400, Seed: 5, Product: "nova-fail-create", OnlyStatus: entitlement.Active, Prefix: s.bucket,
			})
			in := inputFor(s.upload("hopeless.json", file))
			in.Waves = &waves
			in.Concurrency = &workflows.ConcurrencyInput{Batches: new(2), PerBatch: new(20)}
			sum := s.migrate("hopeless", in)
			require.Equal(t, migration.StoppedByLimit, sum.Result, "%+v", sum)
			require.Equal(t, name, sum.Limits.Tripped.Rule)
			require.Greater(t, sum.Outcomes.NotAttempted, 300)
			require.Len(t, decodeRecords(t, s.file("hopeless", migration.FileReload)), 400)
			require.Zero(t, s.stats().Effective["create"])
		})
	}
}

// last tells where a migration that did not end stands: its state, and the
// stacks of its workflows that are open.
func (s *stack) last() string {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	var out strings.Builder
	open, err := s.client.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
		Query: fmt.Sprintf("ExecutionStatus = 'Running' AND TaskQueue = '%s'", s.queue),
	})
	if err != nil {
		return err.Error()
	}
	for _, e := range open.GetExecutions() {
		fmt.Fprintf(&out, "\n%s", e.GetExecution().GetWorkflowId())
		value, err := s.client.QueryWorkflow(ctx, e.GetExecution().GetWorkflowId(), "", client.QueryTypeStackTrace)
		if err != nil {
			fmt.Fprintf(&out, ": %v", err)
			continue
		}
		var stack string
		_ = value.Get(&stack)
		out.WriteString("\n" + stack)
		s.lastEvents(ctx, &out, e.GetExecution().GetWorkflowId())
	}
	return out.String()
}

func (s *stack) lastEvents(ctx context.Context, out io.Writer, id string) {
	iter := s.client.GetWorkflowHistory(ctx, id, "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for iter.HasNext() {
		ev, err := iter.Next()
		if err != nil {
			fmt.Fprintln(out, err)
			return
		}
		fmt.Fprintf(out, "%d %s %s\n", ev.GetEventId(), ev.GetEventTime().AsTime().Format(time.TimeOnly), ev.GetEventType())
	}
}
