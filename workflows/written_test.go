package workflows

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/workflow"

	"github.com/f0a90b9a/ferry/internal/migration"
)

// The root gives the reports what its batches say that they wrote, in whatever
// order they ended.
func TestReportsGetWhatTheBatchesWrote(t *testing.T) {
	t.Parallel()
	b := fileEnv(t)
	sum := func(n int) string { return migration.OutcomesSum(fmt.Append(nil, n)) }
	b.batch = func(_ workflow.Context, in MigrateBatchInput) (*Tally, error) {
		tally := done(in, 0)
		if in.Number != 4 { // as if a worker of an earlier release wrote it
			tally.Wrote = sum(in.Number)
		}
		return tally, nil
	}
	b.run(t)
	require.NotNil(t, b.reported)
	want := &migration.Written{}
	for n := 1; n <= 10; n++ {
		want.Add(n, map[bool]string{true: sum(n)}[n != 4])
	}
	require.Equal(t, want, b.reported.Written)
	require.True(t, b.reported.Alone)
}

func TestABatchTellsWhatItWrote(t *testing.T) {
	t.Parallel()
	b := batchEnv(t)
	require.Equal(t, "sum", b.run(t, batchInput()).Wrote)
}
