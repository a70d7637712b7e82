package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/f0a90b9a/ferry/activities"
	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
)

// self is who acts in the audit trail when nobody asked for it.
const self = "ferry"

// control is what batches are to go by now.
func (r *fileRun) control() Control {
	return Control{
		stamp: r.stamp(), At: r.BroadcastAt, Number: r.Broadcasts, Hold: r.Hold, Stop: r.Stop, Width: r.width(),
		Consecutive: r.Settings.Limits.Consecutive, RequestsPerSecond: r.Settings.RequestsPerSecond,
		Releases: r.Releases, Resumes: r.Resumes,
	}
}

// paceSeconds is how many seconds' worth of calls are under way at most in a
// run with a pace: more would only wait for their turn.
const paceSeconds = 4

// width is how many records a batch may have under way.
func (r *fileRun) width() int {
	c := r.Settings.Concurrency
	width := c.PerBatch
	if pace := r.Settings.RequestsPerSecond; pace > 0 {
		width = min(width, int(pace*paceSeconds)/c.Batches)
	}
	return max(1, width>>r.Narrow)
}

// broadcast tells all batches under way.
func (r *fileRun) broadcast() {
	r.Broadcasts++
	if r.mark != "" {
		r.BroadcastAt = workflow.Now(r.ctx).UTC()
	}
	for _, b := range r.open {
		r.tell(r.ctx, b.Number)
	}
}

// tell passes the control to one batch. One that has just closed needs none.
func (r *fileRun) tell(ctx workflow.Context, batch int) {
	workflow.SignalExternalWorkflow(ctx, BatchID(r.id, batch), "", signalControl, r.control())
}

func (r *fileRun) hold(reason string) {
	r.Hold, r.Reason = true, reason
	r.describe()
	r.broadcast()
}

func (r *fileRun) release() {
	r.endProbe()
	r.Hold, r.Reason = false, ""
	if r.awaiting() {
		r.Reason = r.whatToApprove()
	}
	r.Releases, r.ReleasedAt = r.Releases+1, workflow.Now(r.ctx)
	if r.Behaviour >= behaviourWary {
		r.Resumes++
	}
	r.lastMove = r.ReleasedAt
	r.describe()
	r.broadcast()
}

// stop ends the run in order: nothing new is started, what is under way
// finishes, the reports follow.
func (r *fileRun) stop(code, reason string) {
	if r.Stop != "" {
		return
	}
	r.endProbe()
	r.Stop, r.Hold, r.Reason = code, false, reason
	r.describe()
	if r.stopping != nil && !r.mustImport() {
		r.stopping()
	}
	r.broadcast()
}

// abort is what an operator or a cancellation asks for. It has no effect on a
// run that is stopped already; while reconciling it ends the comparison.
func (r *fileRun) abort(a OperatorAction) {
	if r.phase == migration.Reporting || r.phase == migration.Done || r.Stop != "" && r.phase != migration.Reconciling {
		return
	}
	if r.phase == migration.Reconciling {
		r.endProbe()
		r.Hold = false
		if r.stopping != nil {
			r.stopping()
		}
		return
	}
	reason := "aborted by " + a.By
	if a.Reason != "" {
		reason += ": " + a.Reason
	}
	r.stop(fault.CodeAborted, reason)
}

// listen hears the batches' tallies and troubles, and operators' signals, as
// long as the root lives.
func (r *fileRun) listen(ctx workflow.Context) {
	s := workflow.NewSelector(ctx)
	s.AddReceive(workflow.GetSignalChannel(ctx, signalTally), func(c workflow.ReceiveChannel, _ bool) {
		if t, ok := receiveMessage(ctx, c, r.Behaviour, maxTallyBytes, r.checkTally, r.drop); ok {
			r.hear(t)
		}
	})
	s.AddReceive(workflow.GetSignalChannel(ctx, signalTrouble), func(c workflow.ReceiveChannel, _ bool) {
		if t, ok := receiveMessage(ctx, c, r.Behaviour, maxMessageBytes, r.checkTrouble, r.drop); ok {
			r.help(t)
		}
	})
	r.hearOperators(ctx, s)
	for {
		s.Select(ctx)
	}
}

// help holds the run for what is no record's fault. News of a call that was
// made before the run last went on is old: its record is told to try again.
func (r *fileRun) help(t Trouble) {
	if r.Hold || r.Stop != "" {
		return
	}
	if t.Since.Before(r.ReleasedAt) {
		r.Releases++
		r.broadcast()
		return
	}
	if t.Code == fault.CodeUnauthorized {
		r.holdItself(fmt.Sprintf("the target refuses the credentials (%s: %s): correct target.username and target.password of the workers, restart them, then resume",
			t.where(), t.Message))
		return
	}
	if t.Refused {
		r.holdItself(fmt.Sprintf("every call is turned away before it reaches the target (%s: %s): correct target.base_url of the workers, or what stands before the target; the run goes on by itself when echo passes",
			t.where(), t.Message))
		r.probe(refusedPause)
		return
	}
	if t.Store {
		r.holdItself(fmt.Sprintf("%s: %s (repair it, then resume)", t.Code, t.Message))
		return
	}
	if workflow.Now(r.ctx).Sub(r.lastMove) >= r.Settings.HoldAfter() {
		r.holdIfAway(t.where(), &fault.Fault{Code: t.Code, Message: t.Message})
	}
}

// holdForOutage holds the run until the target answers again; where names the
// call that led to it.
func (r *fileRun) holdForOutage(f *fault.Fault, where string) {
	if r.Hold {
		return
	}
	r.holdItself(fmt.Sprintf("the target has been away since about %s (%s: %s: %s); the run goes on by itself when it is back",
		r.lastMove.UTC().Format(time.RFC3339), where, f.Code, f.Message))
	r.probe(0)
}

// holdItself holds the run for something that no operator asked for.
func (r *fileRun) holdItself(reason string) {
	r.note("hold", OperatorAction{By: self, Reason: reason}, "")
	r.hold(reason)
}

// refusedPause is how long a run that was turned away is held at least, so that
// an answer that comes and goes doesn't make it go on and off all the time.
const refusedPause = 30 * time.Second

// probe waits until the target answers again, and lets the run go on. The
// server repeats the activity, so that days of outage cost no events.
func (r *fileRun) probe(after time.Duration) {
	ctx, cancel := workflow.WithCancel(r.ctx)
	r.probing = cancel
	workflow.Go(ctx, func(ctx workflow.Context) {
		if after > 0 && workflow.Sleep(ctx, after) != nil {
			return
		}
		err := workflow.ExecuteActivity(withProbe(ctx), activities.ProbeTargetName).Get(ctx, nil)
		if ctx.Err() != nil || !r.Hold {
			return
		}
		if err != nil {
			r.Reason = fmt.Sprintf("the target is back and refuses the probe (%s): repair it, then resume", fault.FromActivity(err).Message)
			return
		}
		r.note("release", OperatorAction{By: self, Reason: "the target answers again"}, "")
		r.release()
	})
}

// endProbe ends a probe that is no longer needed.
func (r *fileRun) endProbe() {
	if r.probing != nil {
		r.probing()
		r.probing = nil
	}
}
