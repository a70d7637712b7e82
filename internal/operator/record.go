package operator

import (
	"context"
	"errors"
	"fmt"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/serviceerror"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/workflows"
)

// maxRecordEvents bounds what is read of one record's history: a record that
// waited for days has thousands of attempts, of which nobody reads the middle.
const maxRecordEvents = 5_000

// RecordRun is the latest work on one record as Temporal keeps it. It holds
// references, codes and the target's messages, never the record's content.
type RecordRun struct {
	WorkflowID string
	Migration  string // which did this work; another's if the record was reloaded
	Record     int    // its number in that migration's file
	Status     entitlement.Status
	Steps      []entitlement.Step // planned
	State      State
	StartedAt  time.Time
	ClosedAt   *time.Time         // nil while it is under way
	Outcome    *migration.Outcome // nil while it is under way, or if it was closed by hand
	Events     []RecordEvent      // in order
	Cut        bool               // there are more events than were read
}

// RecordEvent is one thing that happened to a record.
type RecordEvent struct {
	At      time.Time
	Kind    RecordEventKind
	Step    entitlement.Step // of StepDone, StepFound and StepFailed
	Code    string           // of StepFailed, or why it was told to stop
	Message string           // of StepFailed; the target's, without the record's values
	Wait    time.Duration    // of Waiting
	Tries   int              // calls made in quick succession; 0: not told
}

// RecordEventKind says what happened.
type RecordEventKind string

// The kinds of events.
const (
	TakenUp    RecordEventKind = "taken up"
	StepDone   RecordEventKind = "step done"
	StepFound  RecordEventKind = "step found done" // the target had it already
	StepFailed RecordEventKind = "step failed"
	Waiting    RecordEventKind = "waiting"
	Held       RecordEventKind = "held"
	Released   RecordEventKind = "released"
	ToldToStop RecordEventKind = "told to stop"
	Ended      RecordEventKind = "ended"
)

// Record reads what the latest migration of a record on a route did, step by
// step. ErrUnknown if Temporal has nothing of it, or no longer. It needs no
// worker.
func (c *Client) Record(ctx context.Context, route, externalEntitlementID string) (RecordRun, error) {
	id := workflows.EntitlementID(route, externalEntitlementID)
	history := c.temporal.GetWorkflowHistory(ctx, id, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	r := recordReader{run: RecordRun{WorkflowID: id, State: Open}}
	for n := 0; history.HasNext(); n++ {
		event, err := history.Next()
		if err != nil {
			return RecordRun{}, explainRecord(id, err)
		}
		if n >= maxRecordEvents {
			r.run.Cut = true
			break
		}
		r.read(event)
	}
	if r.run.StartedAt.IsZero() {
		return RecordRun{}, fmt.Errorf("%s: %w", id, ErrUnknown)
	}
	return r.run, nil
}

func explainRecord(id string, err error) error {
	var missing *serviceerror.NotFound
	var invalid *serviceerror.InvalidArgument
	if errors.As(err, &missing) || errors.As(err, &invalid) {
		return fmt.Errorf("%s: %w", id, ErrUnknown)
	}
	return fmt.Errorf("%s: history: %w", id, err)
}

// recordReader turns events of a history into what happened to the record.
type recordReader struct {
	run       RecordRun
	remaining []entitlement.Step
	held      bool
}

func (r *recordReader) read(e *historypb.HistoryEvent) {
	switch e.GetEventType() {
	case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED:
		r.started(e)
	case enumspb.EVENT_TYPE_MARKER_RECORDED:
		r.marker(e)
	case enumspb.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
		r.stepped(e, e.GetActivityTaskCompletedEventAttributes().GetResult(), 0)
	case enumspb.EVENT_TYPE_ACTIVITY_TASK_FAILED:
		r.failed(e, e.GetActivityTaskFailedEventAttributes().GetFailure(), 0)
	case enumspb.EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT:
		r.failed(e, e.GetActivityTaskTimedOutEventAttributes().GetFailure(), 0)
	case enumspb.EVENT_TYPE_TIMER_STARTED:
		r.add(e, RecordEvent{Kind: Waiting, Wait: e.GetTimerStartedEventAttributes().GetStartToFireTimeout().AsDuration()})
	case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED:
		r.signalled(e)
	default:
		r.closed(e)
	}
}

func (r *recordReader) add(e *historypb.HistoryEvent, event RecordEvent) {
	event.At = e.GetEventTime().AsTime()
	r.run.Events = append(r.run.Events, event)
}

func (r *recordReader) started(e *historypb.HistoryEvent) {
	var in workflows.MigrateEntitlementInput
	if decodeFirst(e.GetWorkflowExecutionStartedEventAttributes().GetInput(), &in) {
		r.run.Migration, r.run.Record, r.run.Status, r.run.Steps = in.Migration, in.Record, in.Status, in.Steps
		r.remaining = in.Steps
	}
	r.run.StartedAt = e.GetEventTime().AsTime()
	r.add(e, RecordEvent{Kind: TakenUp})
}
