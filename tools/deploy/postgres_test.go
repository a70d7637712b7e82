package deploy

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var withPostgres = flag.Bool("postgres", false, "run the stack of docker-compose.yml as processes, with PostgreSQL")

const migrateLimit = 10 * time.Minute

// summary is what `ferry start --wait --json` prints.
type summary struct {
	Migration, Result string
	Records, Partial  int
	Outcomes          struct {
		Migrated        int `json:"MIGRATED"`
		AlreadyMigrated int `json:"ALREADY_MIGRATED"`
		Failed          int `json:"FAILED"`
		NotAttempted    int `json:"NOT_ATTEMPTED"`
	}
	Statuses map[string]struct{ Expected, Migrated, Found int }
}

// migrate runs the command line's container with the arguments of start.
func (s *stack) migrate(stdin []byte, args ...string) (summary, int) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), migrateLimit)
	defer cancel()
	line := slices.Concat(s.project.Services["ferry"].Entrypoint, []string{"start"}, args, []string{"--route", "acme-nova", "--wait", "--json"})
	command := s.command(line)
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env = append(s.env("ferry"), "HOME="+s.dir)
	cmd.Stdin = bytes.NewReader(stdin)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, _ := cmd.Output()
	require.NoError(s.t, ctx.Err(), said.String())
	var sum summary
	require.NoError(s.t, json.Unmarshal(out, &sum), "%s%s", out, said.String())
	o := sum.Outcomes
	require.Equal(s.t, sum.Records, o.Migrated+o.AlreadyMigrated+o.Failed+o.NotAttempted, "the conservation law: %+v", sum)
	s.t.Logf("%s: %s, %+v, partial %d; books: %+v", sum.Migration, sum.Result, o, sum.Partial, s.books())
	return sum, cmd.ProcessState.ExitCode()
}

// The two migrations share one stack, whose start takes longer than they do.
func TestPostgresCarriesMigrations(t *testing.T) { //nolint:paralleltest // it has the machine's two cores to itself
	if !*withPostgres {
		t.Skip("runs with -postgres alone: it needs PostgreSQL and builds a Temporal server (make test-postgres)")
	}
	s := setup(t)
	creates := s.mainJob()
	s.found(`WorkflowType = "MigrateFile" AND FerryRoute = "acme-nova" AND FerryResult = "COMPLETED_WITH_FAILURES"`, 1)
	s.found(`WorkflowType = "MigrateEntitlement" AND ExecutionStatus = "Failed"`, 10)
	s.longIDs(creates)
	s.drain()
}

// found counts workflows in Temporal's lists, which PostgreSQL keeps too. They
// come a moment after the workflows.
func (s *stack) found(query string, n int) {
	s.t.Helper()
	line := s.temporal("workflow", "count", "--query", query, "--output", "json")
	eventually(s.t, query, func() error {
		said, err := output(s.t, nil, line...)
		var answer struct{ Count string }
		if err == nil && (json.Unmarshal(said, &answer) != nil || answer.Count != strconv.Itoa(n)) {
			err = errors.New("another count")
		}
		if err != nil {
			return fmt.Errorf("%w: %s", err, said)
		}
		return nil
	})
}

// drain stops the worker as Docker does.
func (s *stack) drain() {
	s.t.Helper()
	worker := s.running["worker"]
	worker.end(syscall.SIGTERM)
	require.Zero(s.t, worker.cmd.ProcessState.ExitCode(), "it ends in good order: %s", worker.said())
}

// mainJob migrates the example of 200 records, of which ten are meant to fail.
func (s *stack) mainJob() (creates int) {
	s.t.Helper()
	file, err := filepath.Abs(repo("examples", "acme-200.json"))
	require.NoError(s.t, err)
	sum, code := s.migrate(nil, "--upload", file)
	require.Equal(s.t, 1, code, "it ends with failures")
	require.Equal(s.t, "COMPLETED_WITH_FAILURES", sum.Result)
	require.Equal(s.t, 200, sum.Records)
	require.Equal(s.t, 190, sum.Outcomes.Migrated)
	require.Equal(s.t, 10, sum.Outcomes.Failed)
	for status, n := range sum.Statuses {
		require.Equal(s.t, n.Migrated, n.Found, "%s is found again", status)
	}
	b := s.books()
	require.Equal(s.t, sum.Outcomes.Migrated+sum.Partial, b.Effective["create"])
	require.Zero(s.t, b.DuplicateExternalIDs)
	require.Zero(s.t, b.Replayed, "no call was made twice")
	return b.Effective["create"]
}

// longIDs migrates records whose ids are as long as they may be. PostgreSQL
// keeps 255 bytes of a workflow's id.
func (s *stack) longIDs(creates int) {
	s.t.Helper()
	var printable strings.Builder
	for i := range 255 {
		printable.WriteByte(byte('!' + i%('~'-'!'+1)))
	}
	ids := []string{
		printable.String()[:200], // the longest that a workflow's id carries as it is
		printable.String()[:201],
		printable.String(),
		strings.Repeat("é", 255),
		strings.Repeat("鍵", 254) + "x",
		strings.Repeat("🎵", 255),
	}
	// As the README of deploy/k8s uploads through a pod.
	sum, code := s.migrate(records(s.t, ids), "s3://partner/long-ids.json", "--upload", "/dev/stdin")
	require.Zero(s.t, code)
	require.Equal(s.t, "COMPLETED", sum.Result)
	require.Equal(s.t, len(ids), sum.Outcomes.Migrated)
	require.Equal(s.t, len(ids), sum.Statuses["ACTIVE"].Found, "each is read back")
	b := s.books()
	require.Equal(s.t, creates+len(ids), b.Effective["create"])
	require.Zero(s.t, b.DuplicateExternalIDs)
	for i, id := range ids {
		if i > 0 {
			digest := sha256.Sum256([]byte(id))
			id = "sha256-" + hex.EncodeToString(digest[:])
		}
		out, err := output(s.t, nil, s.temporal("workflow", "describe", "--workflow-id", "entitlement/acme-nova/"+id, "--output", "json")...)
		require.NoError(s.t, err, "%s", out)
		require.Contains(s.t, string(out), "WORKFLOW_EXECUTION_STATUS_COMPLETED")
	}
}

// records makes a migration file of one customer's ACTIVE record for each id.
func records(t *testing.T, ids []string) []byte {
	t.Helper()
	var all []map[string]string
	for i, id := range ids {
		all = append(all, map[string]string{
			"externalEntitlementId": id, "customerIdentifier": "long-id-customer-" + string(rune('a'+i)),
			"merchantAccountKey": "nova-music", "productKey": "nova-basic", "offerKey": "bundle", "status": "ACTIVE",
			"dateCreated": "2025-01-02T03:04:05Z", "dateActivated": "2025-01-02T03:04:06Z",
		})
	}
	body, err := json.Marshal(all)
	require.NoError(t, err)
	return body
}
