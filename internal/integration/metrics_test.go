package integration

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"github.com/f0a90b9a/ferry/internal/devstack"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/migrationfile"
	"github.com/f0a90b9a/ferry/internal/sandbox"
	"github.com/f0a90b9a/ferry/workflows"
)

// A worker that takes over a run from another one, loses its server for a while,
// meets a workflow that it doesn't know, a file that is rejected, one that a
// limit stops, and an outage of the target, shows every metric that
// docs/metrics.md explains, and all that the alerts and the board look at.
func TestScrapeDuringARunShowsEveryMetric(t *testing.T) {
	s := newStack(t)
	s.unhurried(t)
	server := s.ownTemporal()
	program := buildWorker(t)
	settings := []string{"FERRY_TEMPORAL_ADDRESS=" + server.HostPort, "FERRY_MIGRATION_HOLD_AFTER=1s"}
	first := s.launch(program, settings...)
	run := s.longRun(t)
	// Its cache is so small that workflows leave it and come back.
	worker := s.launch(program, append(settings, "FERRY_WORKER_STICKY_CACHE_SIZE=3")...)
	first.terminate()
	first.drained()

	s.misfortunes(t, worker, server)
	s.rejected(t)
	stopped := s.stopped(t)
	probes := s.stats().Calls["echo"]
	s.away(true)
	s.in("run", migration.Paused)
	require.Eventually(t, func() bool { return s.stats().Calls["echo"] > probes }, longWait, tick, "the target is probed in vain")
	s.away(false)
	s.in("run", migration.Migrating)

	documented := documentedMetrics(t)
	require.Greater(t, len(documented), 20)
	families := s.scraped(t, worker, documented)
	require.Empty(t, s.progress("run").Result, "that was in the middle of the run")
	s.boundedLabels(t, families)
	for _, file := range []string{"alerts.yaml", "dashboard.json"} {
		body, err := os.ReadFile(filepath.Join("..", "..", "deploy", "observability", file))
		require.NoError(t, err)
		used := metricName.FindAllString(string(body), -1)
		require.Greater(t, len(used), 10, file)
		require.Empty(t, missing(used, families), "%s looks at what no worker shows", file)
	}
	counted := families["ferry_records_total"]
	require.Equal(t, stopped.Failed, total(counted, "outcome", string(migration.Failed)))
	require.Equal(t, stopped.NotAttempted, total(counted, "outcome", string(migration.NotAttempted)))

	_, err := s.ask("run", workflows.UpdateSetConcurrency, workflows.SetConcurrencyInput{
		OperatorAction: kim("seen"), RequestsPerSecond: new(0.0),
	})
	require.NoError(t, err)
	sum := s.result(run)
	require.Equal(t, migration.Completed, sum.Result, "%+v", sum)
}

// scraped asks a worker until it shows some metrics.
func (s *stack) scraped(t *testing.T, worker *workerProcess, names []string) families {
	t.Helper()
	var absent []string
	var shown families
	for range time.Tick(10 * tick) {
		_, text := worker.fetch("/metrics")
		shown = scrape(t, text)
		if absent = missing(names, shown); len(absent) == 0 {
			break
		}
		require.NoError(t, s.ctx.Err(), "%v never came", absent)
		require.Empty(t, s.progress("run").Result, "the run is over, and has not shown %v", absent)
	}
	return shown
}

// longRun starts a migration that takes minutes if it is let.
func (s *stack) longRun(t *testing.T) client.WorkflowRun {
	t.Helper()
	in := inputFor(s.upload("run.json", activeRecords(t, s.bucket, 300)))
	in.Waves, in.RequestsPerSecond = new(false), new(4.0)
	in.Concurrency = &workflows.ConcurrencyInput{Batches: new(1), PerBatch: new(4)}
	run := s.start("run", in)
	require.Eventually(t, func() bool { return s.stats().Effective["create"] > 5 }, longWait, tick, s.last)
	return run
}

// misfortunes are what a worker's metrics show of a server that was away, and of
// a workflow that its build doesn't know.
func (s *stack) misfortunes(t *testing.T, worker *workerProcess, server *devstack.Temporal) {
	t.Helper()
	shows := func(name string) {
		require.Eventually(t, func() bool {
			_, text := worker.fetch("/metrics")
			return strings.Contains(text, "\n"+name+"{")
		}, longWait, tick, name)
	}
	server.Kill()
	require.Equal(t, http.StatusServiceUnavailable, worker.get("/readyz"))
	require.Equal(t, http.StatusOK, worker.get("/livez"), "a server that is away is no reason to restart")
	shows("temporal_request_failure_total")
	shows("temporal_long_request_failure_total")
	require.NoError(t, server.Restart(s.ctx))
	stranger, err := s.client.ExecuteWorkflow(s.ctx, client.StartWorkflowOptions{ID: s.id("stranger"), TaskQueue: s.queue}, "Stranger")
	require.NoError(t, err)
	shows("temporal_workflow_task_execution_failed_total")
	require.NoError(t, s.client.TerminateWorkflow(s.ctx, stranger.GetID(), "", "nobody knows it"))
}

// rejected runs a file that can't be migrated.
func (s *stack) rejected(t *testing.T) {
	t.Helper()
	records := decodeRecords(t, activeRecords(t, s.bucket+"-bad", 3))
	delete(records[1], "dateActivated")
	sum := s.migrate("bad", inputFor(s.upload("bad.json", encodeRecords(t, records))))
	require.Equal(t, migration.Rejected, sum.Result)
}

// stopped runs a file that an error limit stops.
func (s *stack) stopped(t *testing.T) migration.Outcomes {
	t.Helper()
	file := generate(t, migrationfile.GenOptions{Records: 60, Seed: 3, FailShare: 0.5, Prefix: s.bucket + "-failing"})
	in := inputFor(s.upload("failing.json", file))
	in.Waves, in.Limits = new(false), &workflows.LimitsInput{ErrorRate: new(0.2), MinSample: new(10), Consecutive: new(0)}
	in.Concurrency = &workflows.ConcurrencyInput{Batches: new(1), PerBatch: new(5)}
	sum := s.migrate("failing", in)
	require.Equal(t, migration.StoppedByLimit, sum.Result)
	return sum.Outcomes
}

func (s *stack) away(on bool) {
	s.t.Helper()
	require.NoError(s.t, s.books.ChangeFaults(func(f *sandbox.Faults) error { f.Outage = on; return nil }))
}

type families map[string]*dto.MetricFamily

// scrape reads what /metrics serves. A histogram is there under the names of
// its series, as expressions use them.
func scrape(t *testing.T, text string) families {
	t.Helper()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	found, err := parser.TextToMetricFamilies(bytes.NewReader([]byte(text)))
	require.NoError(t, err)
	out := families{}
	for name, f := range found {
		out[name] = f
		if f.GetType() == dto.MetricType_HISTOGRAM {
			for _, series := range []string{"_bucket", "_sum", "_count"} {
				out[name+series] = f
			}
		}
	}
	return out
}

func missing(names []string, in families) []string {
	var out []string
	for _, name := range names {
		if in[name] == nil {
			out = append(out, name)
		}
	}
	return out
}

var (
	metricName    = regexp.MustCompile(`\b(?:ferry|temporal|go|process)_[a-z0-9_]+\b`) // in an expression
	documentedRow = regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\|")
)

// documentedMetrics are all that the page explains, the SDK's included.
func documentedMetrics(t *testing.T) []string {
	t.Helper()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "metrics.md"))
	require.NoError(t, err)
	var names []string
	for _, row := range documentedRow.FindAllStringSubmatch(string(page), -1) {
		names = append(names, row[1])
	}
	return names
}

// boundedLabels holds every label to values that no file and no start makes up.
func (s *stack) boundedLabels(t *testing.T, in families) {
	t.Helper()
	for name, f := range in {
		require.Less(t, len(f.GetMetric()), 400, "series of %s", name)
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if l.GetName() == "task_queue" {
					continue // the test's own, and a sticky one is named by its worker
				}
				require.NotContains(t, l.GetValue(), s.bucket+"-", "%s{%s}", name, l.GetName())
			}
		}
	}
}

// total adds up a counter's series with a label.
func total(f *dto.MetricFamily, label, value string) int {
	sum := 0
	for _, m := range f.GetMetric() {
		for _, l := range m.GetLabel() {
			if l.GetName() == label && l.GetValue() == value {
				sum += int(m.GetCounter().GetValue())
			}
		}
	}
	return sum
}
