package integration

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/proto"

	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/migrationfile"
	"github.com/f0a90b9a/ferry/internal/sandbox"
	"github.com/f0a90b9a/ferry/workflows"
)

// safeBuffer takes a worker's log.
type safeBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// personal gives every value of a file that must be seen nowhere else.
func personal(t *testing.T, file []byte) []string {
	t.Helper()
	var values []string
	for _, r := range decodeRecords(t, file) {
		for _, field := range []string{"customerIdentifier", "notificationUrl", "activationCode"} {
			if v, ok := r[field].(string); ok {
				values = append(values, v)
			}
		}
		if ext, ok := r["extensionData"].(map[string]any); ok {
			for _, v := range ext {
				if s, ok := v.(string); ok && len(s) > 6 {
					values = append(values, s)
				}
			}
		}
	}
	return values
}

func TestNoPersonalDataLeavesTheStagedFile(t *testing.T) {
	t.Parallel()
	var log safeBuffer
	s := newStack(t)
	s.client = dialWith(t, slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	s.startWorker()
	require.NoError(t, s.books.ChangeFaults(func(f *sandbox.Faults) error {
		f.ErrorRate, f.LostAnswerRate = 0.05, 0.05
		return nil
	}))
	file := generate(t, migrationfile.GenOptions{Records: 60, Seed: 11, FailShare: 0.2, Prefix: s.bucket})
	values := personal(t, file)
	require.Greater(t, len(values), 100)
	in := inputFor(s.upload("private.json", file))
	in.Waves, in.Limits = new(false), &workflows.LimitsInput{ErrorRate: new(0.0), Consecutive: new(0)}
	sum := s.migrate("private", in)
	require.Positive(t, sum.Outcomes.Failed)

	seen := map[string]string{
		"log":              log.String(),
		"histories":        s.allHistories(),
		"errors.csv":       string(s.file("private", migration.FileErrors)),
		"correlation.csv":  string(s.file("private", migration.FileCorrelation)),
		"summary.json":     string(s.file("private", migration.FileSummary)),
		"outcomes/000001…": string(s.file("private", migration.OutcomesFile(1))),
	}
	require.Contains(t, seen["histories"], s.bucket+"-000001", "the histories were read")
	for where, text := range seen {
		for _, v := range values {
			require.NotContains(t, text, v, where)
		}
	}
}

// allHistories gives every event of the stack's workflows, as it is stored.
func (s *stack) allHistories() string {
	s.t.Helper()
	var out strings.Builder
	var token []byte
	for {
		page, err := s.client.ListWorkflow(context.Background(), &workflowservice.ListWorkflowExecutionsRequest{
			Query: "TaskQueue = '" + s.queue + "'", NextPageToken: token,
		})
		require.NoError(s.t, err)
		for _, e := range page.GetExecutions() {
			out.WriteString(e.GetExecution().GetWorkflowId() + "\n")
			for _, event := range s.history(e.GetExecution().GetWorkflowId()) {
				raw, err := proto.Marshal(event)
				require.NoError(s.t, err)
				out.Write(raw)
			}
		}
		if token = page.GetNextPageToken(); len(token) == 0 {
			return out.String()
		}
	}
}
