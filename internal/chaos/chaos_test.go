package chaos

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/devstack"
)

func TestMain(m *testing.M) {
	devstack.RunChild()
	RunChild()
	os.Exit(m.Run())
}

// The short version of `make test-faults`: whole migrations under faults
// against real servers. The long one has more seeds and larger files.
func TestThreeSeedsLoseAndDoubleNothing(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("whole migrations against real servers take minutes")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 12*time.Minute)
	defer cancel()
	journal, err := OpenJournal(filepath.Join(t.TempDir(), "results.jsonl"))
	require.NoError(t, err)
	c := Campaign{Code: "test", Journal: journal, Logs: t.TempDir(), Out: t.Output()}
	for seed := range uint64(3) {
		p, err := Seeded(shortFirst+seed, 50)
		require.NoError(t, err)
		c.Plans = append(c.Plans, p)
	}
	require.NoError(t, c.Run(ctx))

	done, err := journal.Done("test")
	require.NoError(t, err)
	require.Len(t, done, 3)
	for _, e := range done {
		require.Positive(t, e.Injected[WorkerKilledInStep], "each has a worker killed between write and answer")
		require.True(t, strings.HasPrefix(e.Results[len(e.Results)-1], "COMPLETED "), "%v", e.Results)
	}
}

// shortFirst begins three seeds that have much of everything and none of the
// faults that Temporal takes minutes to notice.
const shortFirst = 27
