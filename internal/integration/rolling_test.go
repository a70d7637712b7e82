package integration

import (
	"context"
	"encoding/json"
	"flag"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/migration"
)

var (
	rollingRecords  = flag.Int("rolling-records", 300, "records of the migration under which workers are restarted")
	rollingRestarts = flag.Int("rolling-restarts", 2, "how often both workers are restarted")
)

// Workers are replaced one after the other, as a rolling update does it, while
// a migration runs: no call is made twice.
func TestRollingRestartRepeatsNoCall(t *testing.T) {
	program := buildWorker(t)
	s := newStack(t)
	s.unhurried(t)
	s.slow(20)
	fleet := []*workerProcess{s.launch(program), s.launch(program)}
	records, restarts := *rollingRecords, *rollingRestarts
	run := s.start("rolling", inputFor(s.upload("rolling.json", activeRecords(t, s.bucket, records))))
	for n := range restarts {
		for i, old := range fleet {
			at := int64(records * (2*n + i + 1) / (2*restarts + 1))
			next := s.launch(program)
			require.Eventually(t, func() bool { return s.stats().Effective["activate"] >= at }, longWait, tick, s.last)
			require.Less(t, s.stats().Effective["activate"], int64(records), "in the middle of the run")
			asked := time.Now()
			old.terminate()
			old.drained()
			t.Logf("worker %d of restart %d drained in %s", i+1, n+1, time.Since(asked).Round(time.Millisecond))
			fleet[i] = next
		}
		t.Logf("restart %d: %d of %d records activated, %d calls repeated", n+1, s.stats().Effective["activate"], records, s.stats().Replayed)
	}
	sum := s.result(run)
	require.Equal(t, migration.Completed, sum.Result, "%+v", sum)
	require.Equal(t, records, sum.Outcomes.Migrated)
	s.clean(sum)
	books := s.stats()
	t.Logf("books: %+v", books)
	require.Zero(t, books.Replayed, "calls made twice")
	require.EqualValues(t, records, books.Calls["create"])
	require.EqualValues(t, records, books.Calls["activate"])
}

// unhurried gives a long test more time than others have.
func (s *stack) unhurried(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Minute)
	t.Cleanup(cancel)
	s.ctx = ctx
}

// A worker that drains says so at once, and goes on until the call that is
// under way is answered and written down.
func TestDrainingWorkerFinishesItsCalls(t *testing.T) {
	program := buildWorker(t)
	s := newStack(t)
	g := &gate{next: proxy(t, s.target)}
	s.target = serve(t, g)
	creates := g.holdAnswer(func(r *http.Request) bool {
		return r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/v1/entitlement")
	})
	t.Cleanup(creates.lift)
	worker := s.launch(program)
	run := s.start("draining", inputFor(s.upload("draining.json", activeRecords(t, s.bucket, 3))))
	creates.done(t)
	worker.terminate()
	require.Eventually(t, func() bool { return worker.get("/readyz") == http.StatusServiceUnavailable }, longWait, tick)
	require.Equal(t, http.StatusOK, worker.get("/livez"))
	status, body := worker.fetch("/metrics")
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, body, `ferry_target_calls_in_flight{route="acme-nova"} `)
	creates.lift()
	worker.drained()
	for _, line := range lines([]byte(worker.log.String())) {
		var entry map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &entry), line)
		for _, key := range []string{"time", "level", "msg"} {
			require.Contains(t, entry, key, line)
		}
	}
	s.launch(program)
	sum := s.result(run)
	require.Equal(t, migration.Completed, sum.Result, "%+v", sum)
	books := s.stats()
	require.Zero(t, books.Replayed)
	require.EqualValues(t, 3, books.Calls["create"])
}
