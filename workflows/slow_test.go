package workflows

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/workflow"

	"github.com/f0a90b9a/ferry/internal/migration"
)

func TestASlowRecordLeavesItsPlaceToOthers(t *testing.T) {
	t.Parallel()
	b := batchEnv(t)
	b.takes[101] = 10 * time.Minute
	in := batchInput()
	in.Control.Width = 1
	b.RegisterDelayedCallback(func() { require.Equal(t, []int{101}, b.started) }, 59*time.Second)
	b.RegisterDelayedCallback(func() { require.Len(t, b.started, 10) }, 61*time.Second)
	require.Equal(t, 10, b.run(t, in).Outcomes.Migrated)
}

func TestSlowRecordsLeaveNoMorePlacesThanThereAre(t *testing.T) {
	t.Parallel()
	b := batchEnv(t)
	for n := 101; n <= 110; n++ {
		b.takes[n] = 10 * time.Minute
	}
	in := batchInput()
	in.Control.Width = 2
	b.RegisterDelayedCallback(func() { require.Len(t, b.started, 4, "twice the width") }, 9*time.Minute)
	require.Equal(t, 10, b.run(t, in).Outcomes.Migrated)
}

func TestHeldTimeMakesNoRecordSlow(t *testing.T) {
	t.Parallel()
	b := batchEnv(t)
	b.takes[101] = 100 * hour
	in := batchInput()
	in.Control.Width = 1
	control := in.Control
	b.RegisterDelayedCallback(func() {
		control.Hold = true
		b.SignalWorkflow(signalControl, control)
	}, 30*time.Second)
	b.RegisterDelayedCallback(func() {
		require.Len(t, b.started, 1)
		control.Hold, control.Releases = false, 1
		b.SignalWorkflow(signalControl, control)
	}, 50*hour)
	b.RegisterDelayedCallback(func() { require.Len(t, b.started, 1) }, 50*hour+59*time.Second)
	b.RegisterDelayedCallback(func() { require.Len(t, b.started, 10) }, 50*hour+61*time.Second)
	b.run(t, in)
}

// A batch that only waits for one slow record lets the next wave open; its end
// counts all the same.
func TestASlowRecordDoesNotHoldAWave(t *testing.T) {
	t.Parallel()
	b := fileEnv(t)
	twoWaves(b)
	b.settings.Concurrency.Batches = 1
	b.batch = waitingBatch(1, 1)
	b.RegisterDelayedCallback(func() { require.Len(t, b.started, 10) }, 30*time.Minute)
	sum := b.run(t)
	require.Equal(t, migration.Completed, sum.Result)
	require.Equal(t, fileRecords, sum.Outcomes.Migrated)
	require.Equal(t, []int{1}, b.readBack[0].Skip, "what is under way is not read back")
}

// Where so many wait that the wave would not stand if they failed, it waits.
func TestManySlowRecordsHoldAWave(t *testing.T) {
	t.Parallel()
	b := fileEnv(t)
	twoWaves(b)
	b.settings.Concurrency.Batches = 1
	b.batch = waitingBatch(1, 2)
	b.RegisterDelayedCallback(func() { require.Equal(t, []int{1}, b.started) }, 59*time.Minute)
	require.Equal(t, migration.Completed, b.run(t).Result)
	require.Empty(t, b.readBack[0].Skip)
}

// waitingBatch is a batch of which some records take an hour; the others are
// done at once.
func waitingBatch(number, waiting int) func(workflow.Context, MigrateBatchInput) (*Tally, error) {
	return func(ctx workflow.Context, in MigrateBatchInput) (*Tally, error) {
		if in.Number != number {
			return done(in, 0), nil
		}
		early := done(in, 0)
		early.Outcomes.Migrated -= waiting
		early.Order = early.Order[waiting:]
		early.Waiting = waiting
		early.stamp = stampOf(ctx, in)
		workflow.SignalExternalWorkflow(ctx, "acme-1", "", signalTally, early)
		return done(in, 0), workflow.Sleep(ctx, hour)
	}
}

func TestTheWidthShrinksAsALimitComesNear(t *testing.T) {
	t.Parallel()
	b := fileEnv(t)
	b.settings.Limits = migration.Limits{ErrorRate: 0.2, MinSample: 50}
	b.settings.Concurrency = migration.Concurrency{Batches: 1, PerBatch: 40}
	failures := []int{4, 1, 2, 1, 1, 0, 0, 0, 0, 0} // of ten each
	widths := map[int]int{}
	b.batch = func(_ workflow.Context, in MigrateBatchInput) (*Tally, error) {
		widths[in.Number] = in.Control.Width
		return done(in, failures[in.Number-1]), nil
	}
	b.run(t)
	require.Equal(t, map[int]int{1: 40, 2: 40, 3: 20, 4: 20, 5: 10, 6: 5, 7: 10, 8: 20, 9: 20, 10: 20}, widths)
}
