package operator

import (
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	failurepb "go.temporal.io/api/failure/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/converter"

	"github.com/f0a90b9a/ferry/activities"
	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/workflows"
)

// Keys of the marker with which the SDK records a local activity.
const (
	markerLocalActivity = "LocalActivity"
	markerData          = "data"
	markerResult        = "result"
)

func decodeFirst(payloads *commonpb.Payloads, into any) bool {
	return payloads != nil && converter.GetDefaultDataConverter().FromPayloads(payloads, into) == nil
}

// marker is a step whose first tries were made in the workflow's own worker.
func (r *recordReader) marker(e *historypb.HistoryEvent) {
	m := e.GetMarkerRecordedEventAttributes()
	if m.GetMarkerName() != markerLocalActivity {
		return
	}
	var data struct{ Attempt int }
	decodeFirst(m.GetDetails()[markerData], &data)
	if m.GetFailure() != nil {
		r.failed(e, m.GetFailure(), data.Attempt)
		return
	}
	r.stepped(e, m.GetDetails()[markerResult], data.Attempt)
}

// step is the one that the record stands before.
func (r *recordReader) step() entitlement.Step {
	if len(r.remaining) == 0 {
		return ""
	}
	return r.remaining[0]
}

func (r *recordReader) stepped(e *historypb.HistoryEvent, result *commonpb.Payloads, tries int) {
	var res activities.PerformStepResult
	if !decodeFirst(result, &res) {
		return
	}
	event := RecordEvent{Kind: StepDone, Step: r.step(), Tries: tries}
	if res.Found {
		event.Kind = StepFound
	}
	r.remaining = res.Remaining
	r.add(e, event)
}

func (r *recordReader) failed(e *historypb.HistoryEvent, f *failurepb.Failure, tries int) {
	event := RecordEvent{Kind: StepFailed, Step: r.step(), Tries: tries, Code: fault.CodeTimeout, Message: "no answer in time"}
	for ; f != nil; f = f.GetCause() {
		if app := f.GetApplicationFailureInfo(); app != nil {
			event.Code, event.Message = app.GetType(), f.GetMessage()
			break
		}
	}
	r.add(e, event)
}

// signalled notes what control changes; most repeat what is known.
func (r *recordReader) signalled(e *historypb.HistoryEvent) {
	var control workflows.Control
	if !decodeFirst(e.GetWorkflowExecutionSignaledEventAttributes().GetInput(), &control) {
		return
	}
	switch {
	case control.Stop != "":
		r.add(e, RecordEvent{Kind: ToldToStop, Code: control.Stop})
	case control.Hold && !r.held:
		r.add(e, RecordEvent{Kind: Held})
	case !control.Hold && r.held:
		r.add(e, RecordEvent{Kind: Released})
	}
	r.held = control.Hold
}

// closings are the events that end a record's workflow.
var closings = map[enumspb.EventType]State{
	enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED:  Completed,
	enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED:     Failed,
	enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED: Terminated,
	enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED:   Canceled,
	enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT:  TimedOut,
}

func (r *recordReader) closed(e *historypb.HistoryEvent) {
	state, is := closings[e.GetEventType()]
	if !is {
		return
	}
	at := e.GetEventTime().AsTime()
	r.run.State, r.run.ClosedAt = state, &at
	payloads := e.GetWorkflowExecutionCompletedEventAttributes().GetResult()
	if state == Failed {
		failure := e.GetWorkflowExecutionFailedEventAttributes().GetFailure()
		payloads = failure.GetApplicationFailureInfo().GetDetails()
	}
	var out migration.Outcome
	if decodeFirst(payloads, &out) && out.Fate.Known() {
		r.run.Outcome = &out
	}
	r.add(e, RecordEvent{Kind: Ended})
}
