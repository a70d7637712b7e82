package integration

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"

	"github.com/f0a90b9a/ferry/internal/devstack"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/migrationfile"
	"github.com/f0a90b9a/ferry/internal/objectstore"
	"github.com/f0a90b9a/ferry/internal/sandbox"
	"github.com/f0a90b9a/ferry/workflows"
)

// ownTemporal gives a stack a Temporal server of its own, which keeps its data
// in a file.
func (s *stack) ownTemporal() *devstack.Temporal {
	s.t.Helper()
	cli, err := devstack.FindTemporalCLI(s.ctx, func(string) {})
	require.NoError(s.t, err)
	server, err := devstack.StartTemporal(s.ctx, devstack.TemporalOptions{
		CLIPath: cli, DBFile: filepath.Join(s.t.TempDir(), "temporal.db"),
		SearchAttributes: devstack.Keywords(workflows.SearchAttributes()),
		// Waiting for the disk in every transaction guards against the machine's
		// end, not the server's.
		Args: []string{"--sqlite-pragma", "journal_mode=wal", "--sqlite-pragma", "synchronous=normal"},
	})
	require.NoError(s.t, err)
	s.t.Cleanup(server.Stop)
	s.client, err = client.Dial(client.Options{
		HostPort: server.HostPort, Identity: "client", Logger: sdklog.NewStructuredLogger(testLog()),
	})
	require.NoError(s.t, err)
	s.t.Cleanup(s.client.Close)
	s.t.Cleanup(s.stopWorker) // before the server it polls
	return server
}

func TestTemporalKilledAndRestartedLosesAndDoublesNothing(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	server := s.ownTemporal()
	s.startWorker()
	s.slow(20)
	const records = 120
	in := inputFor(s.upload("killed.json", activeRecords(t, s.bucket, records)))
	in.Concurrency = &workflows.ConcurrencyInput{Batches: new(2), PerBatch: new(10)}
	run := s.start("killed", in)
	for _, done := range []int64{records / 4, records / 2} {
		require.Eventually(t, func() bool { return s.stats().Effective["activate"] > done }, longWait, tick)
		server.Kill()
		require.Less(t, s.stats().Effective["activate"], int64(records), "the server was killed in the middle")
		require.NoError(t, server.Restart(s.ctx))
	}
	sum := s.result(run)
	require.Equal(t, migration.Completed, sum.Result, "%+v", sum)
	require.Equal(t, records, sum.Outcomes.Migrated)
	s.clean(sum)
	require.EqualValues(t, records, s.stats().Effective["activate"])
}

// ownStore gives a stack an S3 server of its own behind a gate. Missed counts
// the calls that found it away.
func (s *stack) ownStore() (server *devstack.S3, g *gate, missed *atomic.Int64) {
	s.t.Helper()
	server, err := devstack.StartS3(s.ctx, devstack.S3Options{Dir: s.t.TempDir()})
	require.NoError(s.t, err)
	s.t.Cleanup(server.Stop)
	missed = new(atomic.Int64)
	there := proxy(s.t, server.Endpoint)
	g = &gate{next: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !server.Running() {
			missed.Add(1)
		}
		there.ServeHTTP(w, r)
	})}
	s.store, err = objectstore.New(s.ctx, objectstore.Options{
		Region: "us-east-1", Endpoint: serve(s.t, g), PathStyle: true,
		AccessKeyID: server.AccessKey, SecretAccessKey: server.SecretKey, WorkBucket: s.bucket,
	})
	require.NoError(s.t, err)
	require.NoError(s.t, s.store.EnsureBucket(s.ctx, s.bucket))
	require.NoError(s.t, s.store.EnsureBucket(s.ctx, s.bucket+"-in"))
	return server, g, missed
}

// The store goes away while the file is staged, while outcomes are written and
// while the reports are: the run waits for it and goes on by itself.
func TestStoreKilledAndRestartedInEachPhase(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	server, g, missed := s.ownStore()
	s.startWorker()
	writing := func(name string) *stop {
		at := g.hold(func(r *http.Request) bool {
			return r.Method != http.MethodGet && strings.Contains(r.URL.Path, "/"+name)
		})
		t.Cleanup(at.lift)
		return at
	}
	phases := []*stop{
		writing(migration.FileRecords), writing(migration.OutcomesFile(1)), writing(migration.FileReload),
		writing(migration.FileCorrelation), writing(migration.FileSummary),
	}
	const records = 60
	file := generate(t, migrationfile.GenOptions{Records: records, Seed: 3, FailShare: 0.15, Prefix: s.bucket})
	in := inputFor(s.upload("away.json", file))
	in.Waves, in.Limits = new(false), &workflows.LimitsInput{ErrorRate: new(0.0), Consecutive: new(0)}
	run := s.start("away", in)
	for _, at := range phases {
		at.caught(t)
		server.Kill()
		before := missed.Load()
		at.lift()
		require.Eventually(t, func() bool { return missed.Load() > before+1 }, longWait, tick, "nothing is called")
		require.NoError(t, server.Restart(s.ctx))
	}
	sum := s.result(run)
	require.Equal(t, migration.CompletedWithFailures, sum.Result, "%+v", sum)
	require.Equal(t, migration.Outcomes{Migrated: 51, Failed: 9}, sum.Outcomes, "the store's absence fails no record")
	reload := decodeRecords(t, s.file("away", migration.FileReload))
	require.Len(t, reload, 9)
	require.Equal(t, sum.Partial, s.checkErrors("away", reload))
	require.Len(t, lines(s.file("away", migration.FileCorrelation)), 51+1)
	for name, info := range sum.Files {
		hash := sha256.Sum256(s.file("away", name))
		require.Equal(t, info.SHA256, hex.EncodeToString(hash[:]), name)
	}
	s.clean(sum)
}

// However long the target is away, a run that holds itself adds nothing to its
// histories.
func TestHeldRunAddsNoEvents(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	s.settings.HoldAfterSeconds = 1
	s.startWorker()
	s.slow(10)
	const records = 20
	file := activeRecords(t, s.bucket, records)
	in := inputFor(s.upload("held.json", file))
	in.Waves, in.Concurrency = new(false), &workflows.ConcurrencyInput{PerBatch: new(4)}
	run := s.start("held", in)
	require.Eventually(t, func() bool { return s.stats().Effective["create"] > 5 }, longWait, tick)
	outage := func(on bool) {
		require.NoError(t, s.books.ChangeFaults(func(f *sandbox.Faults) error { f.Outage, f.RetryAfterSeconds = on, 2; return nil }))
	}
	outage(true)
	s.in("held", migration.Paused)
	probes := func(more int64) {
		from := s.stats().Calls["echo"]
		require.Eventually(t, func() bool { return s.stats().Calls["echo"] >= from+more }, longWait, tick)
	}
	probes(4) // two seconds apart: every wait that had begun is over
	ids := []string{s.id("held"), workflows.BatchID(s.id("held"), 1)}
	for _, r := range decodeRecords(t, file) {
		ids = append(ids, workflows.EntitlementID("acme-nova", r["externalEntitlementId"].(string)))
	}
	var before, after map[string]int64
	for range 5 { // a message may be late where the machine is busy, but they come to an end
		calls := s.stats().Calls["create"] + s.stats().Calls["activate"]
		before = s.lengths(ids)
		probes(3)
		require.Equal(t, calls, s.stats().Calls["create"]+s.stats().Calls["activate"])
		if after = s.lengths(ids); maps.Equal(before, after) {
			break
		}
	}
	require.Equal(t, before, after)
	require.Greater(t, len(before), 2, "some records are under way or over")
	require.Less(t, len(before), len(ids), "some are not begun")
	outage(false)
	sum := s.result(run)
	require.Equal(t, migration.Completed, sum.Result, "%+v", sum)
	require.Equal(t, records, sum.Outcomes.Migrated)
	s.clean(sum)
}

// lengths are how many events the workflows have that there are.
func (s *stack) lengths(ids []string) map[string]int64 {
	s.t.Helper()
	lengths := map[string]int64{}
	for _, id := range ids {
		if got, err := s.client.DescribeWorkflowExecution(s.ctx, id, ""); err == nil {
			lengths[id] = got.GetWorkflowExecutionInfo().GetHistoryLength()
		}
	}
	return lengths
}
