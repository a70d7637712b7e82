package operator_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/operator"
	"github.com/f0a90b9a/ferry/workflows"
)

// rootHistory gives the events of a root that a real server wrote.
func rootHistory(t *testing.T, name string) []*historypb.HistoryEvent {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "..", "workflows", "testdata", "histories", "v1", name+".json"))
	require.NoError(t, err)
	defer f.Close()
	history, err := client.HistoryFromJSON(f, client.HistoryJSONOptions{})
	require.NoError(t, err)
	return history.GetEvents()
}

// lastKnown is what can be told from a history's first events.
func lastKnown(t *testing.T, id string, list []*historypb.HistoryEvent) migration.Summary {
	t.Helper()
	c, service := setup(t)
	service.On("GetWorkflowHistory", mock.Anything, id, "", false, mock.Anything).Return(&events{list: list})
	s, err := c.LastKnown(t.Context(), operator.Run{ID: id})
	require.NoError(t, err)
	require.NotNil(t, s.Stale)
	require.Equal(t, list[len(list)-1].GetEventTime().AsTime(), s.Stale.At)
	return s
}

func resultOf(t *testing.T, last *historypb.HistoryEvent) migration.Summary {
	t.Helper()
	var s migration.Summary
	payloads := last.GetWorkflowExecutionCompletedEventAttributes().GetResult()
	require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(payloads, &s))
	return s
}

// What a root's history tells up to its last step are the counts that the root
// itself gives in the end, over a continue-as-new too.
func TestLastKnownCountsAreTheRootsOwn(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"file-mixed", "file-steered", "file-stopped", "file-continued-last"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			list := rootHistory(t, name)
			end := resultOf(t, list[len(list)-1])
			s := lastKnown(t, end.Migration, list[:len(list)-1])
			require.Positive(t, s.Records)
			require.Equal(t, end.Records, s.Records)
			require.Equal(t, end.Outcomes, s.Outcomes)
			require.Equal(t, end.Partial, s.Partial)
			require.Equal(t, end.File, s.File)
			require.Equal(t, end.Settings, s.Settings)
			require.Empty(t, s.Result, "nobody has said how it ended")
		})
	}
}

// Without the reports the counts are those of batches that ended and of what
// open ones told last.
func TestLastKnownOfBatches(t *testing.T) {
	t.Parallel()
	list := rootHistory(t, "file-mixed")
	end := resultOf(t, list[len(list)-1])
	var closed int
	for i, e := range list {
		if e.GetEventType() != enumspb.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_COMPLETED {
			continue
		}
		s := lastKnown(t, end.Migration, list[:i+1])
		require.Greater(t, s.Outcomes.Total(), closed, "each batch that ends adds its records")
		require.Equal(t, migration.Migrating, s.Phase)
		closed = s.Outcomes.Total()
	}
	require.Equal(t, end.Records, closed)
}

func TestLastKnownOfAPausedRun(t *testing.T) {
	t.Parallel()
	list := rootHistory(t, "file-steered")
	end := resultOf(t, list[len(list)-1])
	var phases []migration.Phase
	for i, e := range list {
		if e.GetEventType() == enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_COMPLETED {
			s := lastKnown(t, end.Migration, list[:i+1])
			if s.Phase == migration.Paused {
				require.Equal(t, "paused by kim: recording", s.Reason)
			}
			phases = append(phases, s.Phase)
		}
	}
	require.Equal(t, migration.Paused, phases[0])
	require.Equal(t, migration.Migrating, phases[1])
	require.Equal(t, migration.Stopping, phases[len(phases)-1])
}

func TestLastKnownOfNothing(t *testing.T) {
	t.Parallel()
	c, service := setup(t)
	service.On("GetWorkflowHistory", mock.Anything, "a", "", false, mock.Anything).Return(&events{})
	_, err := c.LastKnown(t.Context(), operator.Run{ID: "a", StartedAt: new(time.Now())})
	require.ErrorContains(t, err, "can't be read")
}

// Anybody may have signalled the root: what makes no sense is shown to nobody.
func TestLastKnownPassesOverForgedTallies(t *testing.T) {
	t.Parallel()
	list := rootHistory(t, "file-mixed")
	end := resultOf(t, list[len(list)-1])
	from := slices.IndexFunc(list, func(e *historypb.HistoryEvent) bool {
		return e.GetEventType() == enumspb.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED
	})
	forged, err := converter.GetDefaultDataConverter().ToPayloads(map[string]any{
		"number": 1, "sent": 999_999_999, "outcomes": map[string]int{"MIGRATED": 999_999_999},
	})
	require.NoError(t, err)
	signal := &historypb.HistoryEvent{
		EventType: enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED, EventTime: list[from].GetEventTime(),
		Attributes: &historypb.HistoryEvent_WorkflowExecutionSignaledEventAttributes{
			WorkflowExecutionSignaledEventAttributes: &historypb.WorkflowExecutionSignaledEventAttributes{SignalName: workflows.SignalTally, Input: forged},
		},
	}
	s := lastKnown(t, end.Migration, append(slices.Clone(list[:from+1]), signal))
	require.Zero(t, s.Outcomes.Total())
}
