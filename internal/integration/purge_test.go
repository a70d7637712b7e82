package integration

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"github.com/f0a90b9a/ferry/config"
	"github.com/f0a90b9a/ferry/internal/cli"
	"github.com/f0a90b9a/ferry/internal/cli/view"
	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/migrationfile"
	"github.com/f0a90b9a/ferry/internal/objectstore"
	"github.com/f0a90b9a/ferry/internal/operator"
	"github.com/f0a90b9a/ferry/workflows"
)

// ferryAt runs a command line that reaches the store through a gate.
func (s *stack) ferryAt(gate *policyGate, args ...string) (code int, stdout, stderr string) {
	s.t.Helper()
	var out, errs bytes.Buffer
	code = cli.Run(s.ctx, args, cli.Streams{In: bytes.NewReader(nil), Out: &out, Err: &errs, Env: []string{
		"FERRY_TEMPORAL_ADDRESS=" + shared.temporal.HostPort, "FERRY_TEMPORAL_TASK_QUEUE=" + s.queue,
		"FERRY_S3_ENDPOINT=" + gate.url, "FERRY_S3_PATH_STYLE=true", "FERRY_S3_WORK_BUCKET=" + s.bucket,
		"FERRY_S3_ACCESS_KEY_ID=" + shared.s3.AccessKey, "FERRY_S3_SECRET_ACCESS_KEY=" + shared.s3.SecretKey,
	}})
	return code, out.String(), errs.String()
}

// objects reads the whole work bucket.
func (s *stack) objects() map[string]string {
	s.t.Helper()
	all := map[string]string{}
	for o, err := range s.store.List(s.ctx, s.bucket, "") {
		require.NoError(s.t, err)
		body, _, err := s.store.Read(s.ctx, o.Location, 64<<20)
		require.NoError(s.t, err)
		all[o.Location.Key] = string(body)
	}
	return all
}

// holders are the objects that hold one of the values.
func holders(objects map[string]string, values []string) []string {
	var found []string
	for key, body := range objects {
		for _, v := range values {
			if strings.Contains(body, v) {
				found = append(found, key)
				break
			}
		}
	}
	return found
}

// setupGated gives a stack whose worker may do what its policy allows.
func setupGated(t *testing.T) (*stack, *policyGate) {
	t.Helper()
	s := newStack(t)
	gate := s.gated("worker.json")
	options := storeOptions(s.bucket)
	options.Endpoint = gate.url
	plain := s.store
	var err error
	s.store, err = objectstore.New(s.ctx, options)
	require.NoError(t, err)
	s.startWorker()
	s.store = plain
	return s, gate
}

// TestLifeOfAMigrationUnderThePolicies runs everything with as few rights as
// docs/iam gives: the file is uploaded, migrated with failures, reloaded,
// reconciled, purged.
func TestLifeOfAMigrationUnderThePolicies(t *testing.T) {
	t.Parallel()
	s, worker := setupGated(t)
	operators, purgers := s.gated("operator.json"), s.gated("purge.json")
	file := generate(t, migrationfile.GenOptions{Records: 120, Seed: 7, FailShare: 0.1, Prefix: s.bucket})
	values := personal(t, file)
	require.Greater(t, len(values), 100)
	local := filepath.Join(t.TempDir(), "life.json")
	require.NoError(t, os.WriteFile(local, file, 0o600))

	id := s.id("life")
	code, _, stderr := s.ferryAt(operators, "start", "--upload", local, "--route", "acme-nova", "--id", id, "--wait", "--no-waves",
		"--error-rate", "0", "--consecutive", "0")
	require.Equal(t, 1, code, stderr)
	code, _, stderr = s.ferryAt(operators, "reload", id, "--wait", "--no-waves", "--error-rate", "0", "--consecutive", "0")
	require.Equal(t, 1, code, stderr)
	code, _, stderr = s.ferryAt(operators, "reconcile", id)
	require.Zero(t, code, stderr)
	for _, args := range [][]string{{"list"}, {"status", id}, {"reports", id, "--dir", t.TempDir(), "--all"}} {
		code, _, stderr = s.ferryAt(operators, args...)
		require.Zero(t, code, stderr)
	}
	require.Empty(t, operators.refusals())
	s.refused("none", "s3://"+s.bucket+"-in/none.json", fault.CodeFileNotFound)
	clean := s.upload("clean.json", activeRecords(t, s.bucket+"-clean", 5))
	require.Equal(t, migration.Completed, s.migrate("clean", inputFor(clean)).Result)
	s.refused("again", clean, fault.CodeFileNameUsed)
	code, _, stderr = s.ferry("purge", s.id("clean"), "--yes")
	require.Zero(t, code, stderr)

	held := s.objects()
	require.Contains(t, holders(held, values), "input/life.json")
	require.Contains(t, holders(held, values), migration.Key(id, migration.FileRecords))
	code, _, stderr = s.ferryAt(operators, "purge", id, "--yes")
	require.Equal(t, 6, code, "who may operate may not delete")
	require.Contains(t, stderr, "denies access")
	require.Equal(t, held, s.objects())

	s.purgeParent(purgers, id, held, values)
	s.purgeReload(purgers, id+"-reload-1", values)
	require.Empty(t, purgers.refusals())
	require.Empty(t, worker.refusals())
	// s3:ListBucket isn't called for: it is what makes S3 say of an object that is
	// not there that it isn't, rather than that nobody may know.
	for _, action := range []string{"s3:GetObject", "s3:PutObject", "s3:DeleteObject"} {
		require.True(t, worker.uses(action), action)
	}
}

// purgeParent purges the migration that was reloaded, and finds its reload
// unharmed.
func (s *stack) purgeParent(gate *policyGate, id string, held map[string]string, values []string) {
	s.t.Helper()
	code, stdout, stderr := s.ferryAt(gate, "purge", id, "--yes", "--by", "kim", "--reason", "90 days", "--json")
	require.Zero(s.t, code, stderr)
	var said view.Purge
	require.NoError(s.t, json.Unmarshal([]byte(stdout), &said))
	left := s.objects()
	folder, reload := migration.Key(id, ""), migration.Key(id+"-reload-1", "")
	for key, body := range held {
		switch name, own := strings.CutPrefix(key, folder); {
		case own && !migration.OutlastsPurge(name), key == "input/life.json":
			require.NotContains(s.t, left, key)
		default:
			require.Equal(s.t, body, left[key], "%s is not the purge's", key)
		}
	}
	for _, key := range holders(left, values) {
		require.True(s.t, strings.HasPrefix(key, reload) || key == "input/"+id+"-reload-1.json", "%s holds personal data", key)
	}
	require.Equal(s.t, "90 days", said.Purged.Reason)
	require.Len(s.t, said.Deleted, len(held)+1-len(left), "purged.json is new")
}

func (s *stack) purgeReload(gate *policyGate, id string, values []string) {
	s.t.Helper()
	code, _, stderr := s.ferryAt(gate, "purge", id, "--yes")
	require.Zero(s.t, code, stderr)
	require.Empty(s.t, holders(s.objects(), values), "nothing of anybody is left in the bucket")
}

func TestPurgedNamesStayUsed(t *testing.T) {
	t.Parallel()
	s := setup(t)
	body := activeRecords(t, s.bucket, 5)
	uri := s.upload("once.json", body)
	require.Equal(t, migration.Completed, s.migrate("once", inputFor(uri)).Result)
	code, stdout, stderr := s.ferry("purge", s.id("once"), "--yes", "--by", "kim")
	require.Zero(t, code, stderr)
	require.Contains(t, stdout, "source kept")
	_, err := s.store.Head(s.ctx, objectstore.Location{Bucket: s.bucket + "-in", Key: "once.json"})
	require.NoError(t, err, "what the partner put there is the partner's")
	s.refused("once", uri, fault.CodeMigrationIDUsed)
	s.refused("other", uri, fault.CodeFileNameUsed)

	code, stdout, _ = s.ferry("status", s.id("once"), "--json")
	require.Zero(t, code)
	var sum workflows.Summary
	require.NoError(t, json.Unmarshal([]byte(stdout), &sum))
	require.Equal(t, 5, sum.Outcomes.Migrated)
	require.Equal(t, "kim", sum.Purged.By)
}

// TestWorkersKnowOfAPurge starts what a command would have refused to start.
func TestWorkersKnowOfAPurge(t *testing.T) {
	t.Parallel()
	s := setup(t)
	require.Equal(t, migration.Completed, s.migrate("gone", inputFor(s.upload("gone.json", activeRecords(t, s.bucket, 5)))).Result)
	code, _, stderr := s.ferry("purge", s.id("gone"), "--yes", "--by", "kim")
	require.Zero(t, code, stderr)
	reconciling, err := s.operator().Reconcile(s.ctx, s.id("gone"))
	require.NoError(t, err)
	require.ErrorContains(t, s.client.GetWorkflow(s.ctx, reconciling, "").Get(s.ctx, nil), "it was purged on")
	rebuilding, err := s.client.ExecuteWorkflow(s.ctx, client.StartWorkflowOptions{
		ID: workflows.RebuildID(s.id("gone")), TaskQueue: s.queue,
	}, workflows.RebuildReportsName, workflows.RebuildReportsInput{Migration: s.id("gone"), How: "terminated", ClosedAt: time.Now()})
	require.NoError(t, err)
	require.ErrorContains(t, rebuilding.Get(s.ctx, nil), "it was purged on")
}

// operator gives a client that starts and asks on the stack's queue.
func (s *stack) operator() *operator.Client {
	return operator.New(s.client, config.Temporal{TaskQueue: s.queue, WorkflowTaskTimeout: 5 * time.Second})
}

func TestRunningMigrationIsNotPurged(t *testing.T) {
	t.Parallel()
	s := setup(t)
	in := inputFor(s.upload("open.json", activeRecords(t, s.bucket, 5)))
	in.RequireApproval = new(true)
	run := s.start("open", in)
	require.Eventually(t, func() bool {
		sum, err := s.operator().Progress(s.ctx, s.id("open"))
		return err == nil && sum.Phase == migration.AwaitingApproval
	}, longWait, tick)
	held := s.objects()
	code, _, stderr := s.ferry("purge", s.id("open"), "--yes")
	require.Equal(t, 7, code, stderr)
	require.Contains(t, stderr, "still running")
	require.Equal(t, held, s.objects())
	require.NoError(t, s.client.TerminateWorkflow(s.ctx, s.id("open"), "", "by hand"))
	require.Error(t, run.Get(s.ctx, nil))
	code, _, stderr = s.ferry("purge", s.id("open"), "--yes")
	require.Equal(t, 7, code, "its worker may not have heard of the end")
	require.Contains(t, stderr, "may be under way until")
}
