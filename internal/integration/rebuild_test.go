package integration

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/f0a90b9a/ferry/internal/cli"
	"github.com/f0a90b9a/ferry/internal/cli/view"
	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/migrationfile"
	"github.com/f0a90b9a/ferry/internal/resale"
	"github.com/f0a90b9a/ferry/internal/sandbox"
	"github.com/f0a90b9a/ferry/workflows"
)

// ferry runs a command line against the stack.
func (s *stack) ferry(args ...string) (code int, stdout, stderr string) {
	s.t.Helper()
	var out, errs bytes.Buffer
	code = cli.Run(s.ctx, args, cli.Streams{In: bytes.NewReader(nil), Out: &out, Err: &errs, Env: []string{
		"FERRY_TEMPORAL_ADDRESS=" + shared.temporal.HostPort, "FERRY_TEMPORAL_TASK_QUEUE=" + s.queue,
		"FERRY_S3_ENDPOINT=" + shared.s3.Endpoint, "FERRY_S3_PATH_STYLE=true", "FERRY_S3_WORK_BUCKET=" + s.bucket,
		"FERRY_S3_ACCESS_KEY_ID=" + shared.s3.AccessKey, "FERRY_S3_SECRET_ACCESS_KEY=" + shared.s3.SecretKey,
	}})
	return code, out.String(), errs.String()
}

// settle is how long a rebuilding of these tests waits for what is under way:
// longer than a workflow task and, with a sandbox that answers at once, a call.
const settle = "6s"

// terminate ends a root by force and waits until its batches and records are
// ended too.
func (s *stack) terminate(id string) {
	s.t.Helper()
	require.NoError(s.t, s.client.TerminateWorkflow(s.ctx, s.id(id), "", "by hand"))
	require.Eventually(s.t, func() bool {
		left, err := s.client.CountWorkflow(s.ctx, &workflowservice.CountWorkflowExecutionsRequest{
			Query: fmt.Sprintf("RootWorkflowId = '%s' AND ExecutionStatus = 'Running'", s.id(id)),
		})
		return err == nil && left.GetCount() == 0
	}, longWait, tick)
}

// rebuild rebuilds a terminated migration's files and gives its summary, as
// `ferry status` shows it.
func (s *stack) rebuild(id string) workflows.Summary {
	s.t.Helper()
	code, _, stderr := s.ferry("reports", s.id(id), "--rebuild", "--settle", settle)
	require.Zero(s.t, code, stderr)
	code, stdout, stderr := s.ferry("status", s.id(id), "--json")
	require.Zero(s.t, code, stderr)
	var sum workflows.Summary
	require.NoError(s.t, json.Unmarshal([]byte(stdout), &sum))
	require.Equal(s.t, migration.Interrupted, sum.Result)
	require.Equal(s.t, migration.Done, sum.Phase)
	s.conserved(sum)
	return sum
}

// outcomes reads the outcomes of all batches, by record.
func (s *stack) outcomes(id string) map[int]migration.Outcome {
	s.t.Helper()
	var plan struct{ Batches int }
	require.NoError(s.t, json.Unmarshal(s.file(id, migration.FilePlan), &plan))
	out := map[int]migration.Outcome{}
	for n := range plan.Batches {
		body := bufio.NewScanner(bytes.NewReader(s.file(id, migration.OutcomesFile(n+1))))
		for body.Scan() {
			var o migration.Outcome
			require.NoError(s.t, json.Unmarshal(body.Bytes(), &o))
			require.NotContains(s.t, out, o.Record)
			out[o.Record] = o
		}
	}
	return out
}

// agrees holds every record's outcome to what the target has.
func (s *stack) agrees(id string, sum workflows.Summary) {
	s.t.Helper()
	staged, outcomes := s.staged(id), s.outcomes(id)
	require.Len(s.t, staged, sum.Records)
	require.Len(s.t, outcomes, sum.Records)
	held := s.held(staged)
	var counted migration.Outcomes
	for i := range staged {
		o := outcomes[i+1]
		counted.Add(o.Fate, 1)
		there, found := held[o.ExternalEntitlementID]
		c := entitlement.Compare(&staged[i], there, time.Now())
		switch o.Fate {
		case migration.Migrated, migration.AlreadyMigrated:
			require.True(s.t, found && c.Done(), "record %d is at the target as it should be: %+v", o.Record, there)
			require.Equal(s.t, there.EntitlementID, o.EntitlementID)
		case migration.Failed:
			require.True(s.t, found && c.Same() && len(c.Remaining) > 0, "record %d is half-way: %+v", o.Record, there)
			require.Equal(s.t, fault.CodeOperatorStopped, o.Code)
			require.Equal(s.t, there.EntitlementID, o.EntitlementID)
			require.Equal(s.t, c.Remaining[0], o.Step)
		case migration.NotAttempted:
			require.False(s.t, found, "record %d is not at the target", o.Record)
		}
	}
	require.Equal(s.t, counted, sum.Outcomes)
}

// staged decodes a migration's records, in file order.
func (s *stack) staged(id string) []entitlement.Record {
	s.t.Helper()
	var out []entitlement.Record
	for _, line := range lines(s.file(id, migration.FileRecords)) {
		r, err := migrationfile.Decode([]byte(line))
		require.NoError(s.t, err)
		out = append(out, r)
	}
	return out
}

// held asks the target what it has of some records, by external id.
func (s *stack) held(records []entitlement.Record) map[string]entitlement.Entitlement {
	s.t.Helper()
	target, err := resale.NewClient(resale.Options{
		BaseURL: s.target, Username: sandbox.DefaultUser, Password: sandbox.DefaultPassword, Timeout: time.Minute,
	})
	require.NoError(s.t, err)
	defer target.Close()
	out := map[string]entitlement.Entitlement{}
	for page := range slices.Chunk(records, 15) {
		var ids []string
		for _, r := range page {
			ids = append(ids, r.ExternalEntitlementID)
		}
		found, err := target.Find(s.ctx, page[0].MerchantAccountKey, ids)
		require.NoError(s.t, err)
		for _, e := range found {
			out[e.ExternalEntitlementID] = e
		}
	}
	return out
}

func TestTerminatedMigrationIsRebuiltAndReloaded(t *testing.T) {
	t.Parallel()
	const records = 300
	s := setup(t)
	s.slow(20)
	in := inputFor(s.upload("forced.json", generate(t, migrationfile.GenOptions{Records: records, Seed: 11, Prefix: s.bucket})))
	in.Concurrency = &workflows.ConcurrencyInput{Batches: new(3), PerBatch: new(8)}
	s.start("forced", in)
	require.Eventually(t, func() bool { return s.stats().Effective["create"] > records/3 }, longWait, tick)
	_, err := s.ask("forced", workflows.UpdateSetLimits, workflows.SetLimitsInput{
		OperatorAction: kim("canary was fine"), Limits: workflows.LimitsInput{Consecutive: new(20)},
	})
	require.NoError(t, err)

	code, _, stderr := s.ferry("reports", s.id("forced"), "--rebuild")
	require.Equal(t, 7, code, stderr)
	require.Contains(t, stderr, "still running")
	s.terminate("forced")
	code, _, stderr = s.ferry("reports", s.id("forced"))
	require.Equal(t, 7, code, stderr)
	require.Contains(t, stderr, "--rebuild")

	sum := s.rebuild("forced")
	t.Logf("rebuilt: %+v, %d half-way", sum.Outcomes, sum.Partial)
	require.Equal(t, records, sum.Records)
	require.Positive(t, sum.Outcomes.Migrated)
	require.Positive(t, sum.Outcomes.NotAttempted)
	require.Contains(t, sum.Reason, "terminated at ")
	require.NotEmpty(t, sum.Audit, sum.Reason)
	require.Equal(t, "kim", sum.Audit[0].By, "what operators did is not lost")
	require.Equal(t, 20, sum.Limits.Consecutive)
	require.Equal(t, sum.Outcomes.Migrated, *sum.Statuses.Pending.Found+*sum.Statuses.Active.Found+*sum.Statuses.Suspended.Found+*sum.Statuses.Terminated.Found)
	s.agrees("forced", sum)
	s.clean(sum)
	reload := decodeRecords(t, s.file("forced", migration.FileReload))
	require.Len(t, reload, records-sum.Outcomes.Migrated)
	require.Equal(t, sum.Partial, s.checkErrors("forced", reload))
	s.summarised("forced", sum)

	s.completes("forced", records, len(reload))
}

// completes reloads what is left of a migration, at a target that has
// forgotten every call and takes an external id twice.
func (s *stack) completes(id string, records, left int) {
	s.t.Helper()
	_, err := s.books.Forget()
	require.NoError(s.t, err)
	require.NoError(s.t, s.books.ChangeFaults(func(f *sandbox.Faults) error {
		f.LatencyMs, f.UniqueExternalIDs = 0, false
		return nil
	}))
	code, stdout, stderr := s.ferry("reload", s.id(id), "--wait", "--json")
	require.Zero(s.t, code, "%s\n%s", stderr, stdout)
	var sum workflows.Summary
	require.NoError(s.t, json.Unmarshal([]byte(stdout), &sum))
	require.Equal(s.t, migration.Completed, sum.Result)
	require.Equal(s.t, left, sum.Outcomes.Migrated+sum.Outcomes.AlreadyMigrated)
	require.Equal(s.t, s.id(id), sum.Parent)
	staged := s.staged(id)
	held := s.held(staged)
	for i := range staged {
		c := entitlement.Compare(&staged[i], held[staged[i].ExternalEntitlementID], time.Now())
		require.True(s.t, c.Done(), "record %d: %+v", i+1, c)
	}
	stats := s.stats()
	require.EqualValues(s.t, records, stats.Effective["create"])
	require.Zero(s.t, stats.DuplicateExternalIDs)
}

// summarised holds a summary's files to what is there, and `ferry list` to the
// summary.
func (s *stack) summarised(id string, sum workflows.Summary) {
	s.t.Helper()
	for _, name := range []string{
		migration.FileClaim, migration.FilePlan, migration.FileRecords, migration.FileBatches,
		migration.FileReload, migration.FileErrors, migration.FileCorrelation,
	} {
		require.Contains(s.t, sum.Files, name)
	}
	for name, info := range sum.Files {
		body := s.file(id, name)
		require.Len(s.t, body, int(info.Bytes), name)
		require.Equal(s.t, fmt.Sprintf("%x", sha256.Sum256(body)), info.SHA256, name)
	}
	code, stdout, stderr := s.ferry("list", "--json", "--limit", "1000")
	require.Zero(s.t, code, stderr)
	var entries []view.Entry
	require.NoError(s.t, json.Unmarshal([]byte(stdout), &entries))
	at := slices.IndexFunc(entries, func(e view.Entry) bool { return e.Migration == sum.Migration })
	require.GreaterOrEqual(s.t, at, 0)
	require.Equal(s.t, string(migration.Interrupted), entries[at].State)
	require.Equal(s.t, sum.Outcomes, entries[at].Outcomes)
}
