package workflows

import (
	"crypto/sha256"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

// TestStoredHistoriesReplay runs today's workflows against histories recorded
// from landed code (make record). A failure means that a running migration
// would break on an upgrade: version the change instead.
func TestStoredHistoriesReplay(t *testing.T) {
	t.Parallel()
	folders, err := filepath.Glob(filepath.Join("testdata", "histories", "v*"))
	require.NoError(t, err)
	require.NotEmpty(t, folders, "there are no histories to replay: make record")
	for _, folder := range folders {
		files, err := filepath.Glob(filepath.Join(folder, "*.json"))
		require.NoError(t, err)
		require.NotEmpty(t, files, "%s has no histories to replay", folder)
		for _, file := range files {
			t.Run(filepath.Base(folder)+"/"+filepath.Base(file), func(t *testing.T) {
				t.Parallel()
				require.NoError(t, replay(t, file))
			})
		}
	}
}

// TestFrozenHistoriesAreAsTheyWere holds folders that list their files' hashes
// to these lists: what is frozen is never recorded again, nor deleted.
func TestFrozenHistoriesAreAsTheyWere(t *testing.T) {
	t.Parallel()
	lists, err := filepath.Glob(filepath.Join("testdata", "histories", "v*", "SHA256SUMS"))
	require.NoError(t, err)
	require.NotEmpty(t, lists, "v1 is frozen and has a list")
	for _, list := range lists {
		body, err := os.ReadFile(list)
		require.NoError(t, err)
		var now strings.Builder
		files, err := filepath.Glob(filepath.Join(filepath.Dir(list), "*.json"))
		require.NoError(t, err)
		for _, file := range files {
			history, err := os.ReadFile(file)
			require.NoError(t, err)
			fmt.Fprintf(&now, "%x  %s\n", sha256.Sum256(history), filepath.Base(file))
		}
		require.Equal(t, string(body), now.String(), "%s is frozen", filepath.Dir(list))
	}
}

// replay replays one history under its own workflow id, which batches' ids are
// made of.
func replay(t *testing.T, file string) error {
	t.Helper()
	f, err := os.Open(file)
	require.NoError(t, err)
	defer func() { _ = f.Close() }()
	h, err := client.HistoryFromJSON(f, client.HistoryJSONOptions{})
	require.NoError(t, err)
	started := h.GetEvents()[0].GetWorkflowExecutionStartedEventAttributes()
	replayer := worker.NewWorkflowReplayer()
	RegisterWorkflows(replayer)
	logger := sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler))
	return replayer.ReplayWorkflowHistoryWithOptions(logger, h, worker.ReplayWorkflowHistoryOptions{
		OriginalExecution: workflow.Execution{ID: started.GetWorkflowId(), RunID: started.GetOriginalExecutionRunId()},
	})
}
