package integration

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/sandbox"
	"github.com/f0a90b9a/ferry/workflows"
)

func TestRunHoldsItselfThroughAnOutage(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	s.settings.HoldAfterSeconds = 2
	s.startWorker()
	in := inputFor(s.upload("outage.json", activeRecords(t, s.bucket, 80)))
	in.Concurrency = &workflows.ConcurrencyInput{Batches: new(2), PerBatch: new(8)}
	run := s.start("outage", in)
	require.Eventually(t, func() bool { return s.stats().Effective["create"] > 20 }, longWait, tick)
	outage := func(on bool) {
		require.NoError(t, s.books.ChangeFaults(func(f *sandbox.Faults) error { f.Outage, f.HTML = on, true; return nil }))
	}
	outage(true)
	require.Eventually(t, func() bool { return s.progress("outage").Phase == migration.Paused }, longWait, tick)
	require.Contains(t, s.progress("outage").Reason, "goes on by itself")
	outage(false)
	sum := s.result(run)
	require.Equal(t, migration.Completed, sum.Result, "%+v", sum)
	require.Equal(t, "hold", sum.Audit[0].Action)
	require.Equal(t, "ferry", sum.Audit[0].By)
	s.clean(sum)
}
