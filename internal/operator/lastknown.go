package operator

import (
	"context"
	"errors"
	"fmt"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"

	"github.com/f0a90b9a/ferry/activities"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/workflows"
)

// maxRootEvents bounds what is read of a root's history. A root continues as
// new long before it is so long.
const maxRootEvents = 20_000

// LastKnown puts together how an open migration stood when Temporal last heard
// of it, from its root's history alone. It needs no worker; the summary is
// marked as stale.
func (c *Client) LastKnown(ctx context.Context, run Run) (migration.Summary, error) {
	history := c.temporal.GetWorkflowHistory(ctx, run.ID, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	r := rootReader{id: run.ID, activities: map[int64]string{}}
	for n := 0; n < maxRootEvents && history.HasNext(); n++ {
		event, err := history.Next()
		if err != nil {
			return migration.Summary{}, fmt.Errorf("migration %s: history: %w", run.ID, err)
		}
		r.read(event)
	}
	if r.known == nil {
		return migration.Summary{}, fmt.Errorf("migration %s: %w", run.ID, errUnreadable)
	}
	s := r.known.Summary()
	s.Stale = &migration.Stale{At: r.at, Why: "nobody was asked"}
	return s, nil
}

var errUnreadable = errors.New("its history can't be read")

// rootReader reads a root's history event by event.
type rootReader struct {
	id         string
	known      *workflows.LastKnown
	at         time.Time        // of the last thing that the root itself did or was told
	activities map[int64]string // types, by the event that scheduled them
}

func (r *rootReader) read(e *historypb.HistoryEvent) {
	if e.GetEventType() == enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED {
		var in workflows.MigrateFileInput
		if decodeFirst(e.GetWorkflowExecutionStartedEventAttributes().GetInput(), &in) {
			r.known = workflows.NewLastKnown(r.id, in, e.GetEventTime().AsTime())
		}
	}
	if r.known == nil {
		return
	}
	r.at = e.GetEventTime().AsTime()
	switch e.GetEventType() {
	case enumspb.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
		r.scheduled(e)
	case enumspb.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
		r.completed(e.GetActivityTaskCompletedEventAttributes())
	case enumspb.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED,
		enumspb.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_COMPLETED,
		enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED,
		enumspb.EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED:
		r.readBatches(e)
	case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_COMPLETED:
		var s migration.Summary
		success := e.GetWorkflowExecutionUpdateCompletedEventAttributes().GetOutcome().GetSuccess()
		if decodeFirst(success, &s) && s.Migration == r.id {
			r.known.TakeAnswer(s)
		}
	default:
	}
}

// phasesOfActivities are those that an activity begins.
var phasesOfActivities = map[string]migration.Phase{
	activities.ImportFileName:   migration.Importing,
	activities.WriteReportsName: migration.Reporting,
	activities.ReconcileName:    migration.Reconciling,
}

func (r *rootReader) scheduled(e *historypb.HistoryEvent) {
	name := e.GetActivityTaskScheduledEventAttributes().GetActivityType().GetName()
	r.activities[e.GetEventId()] = name
	if phase, begins := phasesOfActivities[name]; begins {
		r.known.Enter(phase)
	}
}

func (r *rootReader) completed(a *historypb.ActivityTaskCompletedEventAttributes) {
	name := r.activities[a.GetScheduledEventId()]
	delete(r.activities, a.GetScheduledEventId())
	switch name {
	case activities.CheckStartName:
		var res activities.CheckStartResult
		if decodeFirst(a.GetResult(), &res) {
			r.known.TakeCheck(res)
		}
	case activities.ImportFileName:
		var res activities.ImportFileResult
		if decodeFirst(a.GetResult(), &res) {
			r.known.TakeImport(res)
		}
	case activities.WriteReportsName:
		var res activities.WriteReportsResult
		if decodeFirst(a.GetResult(), &res) {
			r.known.TakeReports(res)
		}
	}
}

// readBatches reads what root and batches told each other.
func (r *rootReader) readBatches(e *historypb.HistoryEvent) {
	if a := e.GetStartChildWorkflowExecutionInitiatedEventAttributes(); a.GetWorkflowType().GetName() == workflows.MigrateBatchName {
		var in workflows.MigrateBatchInput
		if decodeFirst(a.GetInput(), &in) {
			r.known.OpenBatch(in)
		}
	}
	if a := e.GetChildWorkflowExecutionCompletedEventAttributes(); a.GetWorkflowType().GetName() == workflows.MigrateBatchName {
		var tally workflows.Tally
		if decodeFirst(a.GetResult(), &tally) {
			r.known.CloseBatch(tally)
		}
	}
	if a := e.GetWorkflowExecutionSignaledEventAttributes(); a.GetSignalName() == workflows.SignalTally {
		var tally workflows.Tally
		if decodeFirst(a.GetInput(), &tally) {
			r.known.HearBatch(tally)
		}
	}
	if a := e.GetSignalExternalWorkflowExecutionInitiatedEventAttributes(); a.GetSignalName() == workflows.SignalControl {
		var control workflows.Control
		if decodeFirst(a.GetInput(), &control) {
			r.known.TakeControl(control)
		}
	}
}
