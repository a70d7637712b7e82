package integration

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"

	"github.com/f0a90b9a/ferry/internal/objectstore"
)

// workerChildVar makes this test binary a worker, in a process of its own that
// a test can kill.
const workerChildVar = "FERRY_TEST_WORKER"

type workerChild struct {
	Temporal string
	Queue    string
	Target   string
	Store    objectstore.Options
}

func runWorkerChild() {
	spec := os.Getenv(workerChildVar)
	if spec == "" {
		return
	}
	if err := serveWorker(spec); err != nil {
		fmt.Fprintln(os.Stderr, "worker child:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func serveWorker(spec string) error {
	var o workerChild
	if err := json.Unmarshal([]byte(spec), &o); err != nil {
		return err
	}
	c, err := client.Dial(client.Options{HostPort: o.Temporal, Logger: sdklog.NewStructuredLogger(testLog())})
	if err != nil {
		return err
	}
	store, err := objectstore.New(context.Background(), o.Store)
	if err != nil {
		return err
	}
	w, err := newWorker(c, o.Queue, store, o.Target, defaults())
	if err != nil {
		return err
	}
	return w.Run(worker.InterruptCh())
}

// spawnWorker starts a worker process for the stack's queue. It ends with the
// test at the latest.
func (s *stack) spawnWorker() *exec.Cmd {
	s.t.Helper()
	spec, err := json.Marshal(workerChild{
		Temporal: shared.temporal.HostPort, Queue: s.queue, Target: s.target, Store: storeOptions(s.bucket),
	})
	require.NoError(s.t, err)
	cmd := exec.CommandContext(s.ctx, os.Args[0])
	cmd.Env = append(os.Environ(), workerChildVar+"="+string(spec))
	cmd.Stderr = os.Stderr
	require.NoError(s.t, cmd.Start())
	s.t.Cleanup(func() { s.kill(cmd) })
	return cmd
}

// kill ends a worker process as a crash would.
func (s *stack) kill(cmd *exec.Cmd) {
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}

func TestKilledWorkerLosesAndDoublesNothing(t *testing.T) {
	s := newStack(t)
	const records = 300
	first := s.spawnWorker()
	uri := s.upload("killed.json", activeRecords(t, s.bucket, records))
	run := s.start("killed", inputFor(uri))
	require.Eventually(t, func() bool { return s.stats().Effective["activate"] > records/4 }, longWait, tick)
	s.kill(first)
	require.Less(t, s.stats().Effective["activate"], int64(records), "the worker was killed in the middle")
	s.spawnWorker()
	sum := s.result(run)
	require.EqualValues(t, "COMPLETED", sum.Result, "%+v", sum)
	require.Equal(t, records, sum.Outcomes.Migrated)
	s.clean(sum)
	require.EqualValues(t, records, s.stats().Effective["activate"])
}
