package workflows

import (
	"fmt"
	"hash/fnv"
	"strconv"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
)

const (
	firstWait = time.Second
	longWait  = time.Minute
)

// patience is one step's waiting between attempts. Time in which the run is
// held, and time spent waiting for a turn to call, costs nothing of the budget.
type patience struct {
	r       *recordRun
	since   time.Time     // of the step's first attempt
	held    time.Duration // of that, with the run held
	queued  time.Duration // of that, waiting for a turn
	next    time.Duration
	reports int
}

func newPatience(r *recordRun, since time.Time) *patience {
	return &patience{r: r, since: since, next: firstWait}
}

func (p *patience) elapsed() time.Duration { return workflow.Now(p.r.ctx).Sub(p.since) - p.held }

// spent reports whether the record's retry budget is used up.
func (p *patience) spent(f *fault.Fault) bool {
	return f.Code != fault.CodePaced && p.elapsed()-p.queued >= time.Duration(p.r.in.RetryBudgetSeconds)*time.Second
}

// left is what is left of the record's retry budget.
func (p *patience) left() time.Duration {
	return time.Duration(p.r.in.RetryBudgetSeconds)*time.Second - (p.elapsed() - p.queued)
}

// untilNext is how long to wait before the next attempt: longer each time, and
// as long as the target asks. It is never more than what is left of the budget,
// at whose end a last attempt is made. A target that is away doesn't know for
// how long, so that its word counts for a minute; a rate limit knows.
func (p *patience) untilNext(f *fault.Fault) time.Duration {
	if p.r.in.Behaviour < behaviourWary {
		return max(p.next+p.jitter(), f.RetryAfter)
	}
	if f.Code == fault.CodePaced {
		return max(p.next, f.RetryAfter) + p.jitter()
	}
	left, asked := p.left(), f.RetryAfter
	if f.Code != fault.CodeTooManyRequests {
		asked = min(asked, fault.RetryAfterLimit)
	}
	wait := min(max(p.next, asked), left) + p.jitter()
	return max(min(wait, left), firstWait)
}

// wait waits before the next attempt, or until the run is stopped or resumed.
func (p *patience) wait(step entitlement.Step, f *fault.Fault) {
	wait := p.untilNext(f)
	p.r.describe(fmt.Sprintf("Waiting until %s before attempt %d",
		workflow.Now(p.r.ctx).Add(wait).UTC().Format(time.TimeOnly), p.r.attempts+1),
		"The last answer was "+f.Code+": "+f.Message)
	p.next = min(2*p.next, longWait)
	if f.Code == fault.CodePaced {
		before := p.r.called.Sub(p.since) - p.held
		p.r.sleep(wait, p)
		p.queued += p.elapsed() - before
		return
	}
	p.reportOutage(step, f)
	p.r.sleep(wait, p)
}

// jitter spreads the attempts of records that failed together. It must be the
// same in every replay, so it comes from the record and the attempt.
func (p *patience) jitter() time.Duration {
	h := fnv.New32a()
	_, _ = h.Write([]byte(p.r.in.ExternalEntitlementID + strconv.Itoa(p.r.attempts)))
	return time.Duration(float64(p.next) / 2 * float64(h.Sum32()) / (1 << 32))
}

// reportOutage tells the root, through the batch, that the target has been
// away for long, so that it may hold the whole run; and again after as long.
func (p *patience) reportOutage(step entitlement.Step, f *fault.Fault) {
	after := time.Duration(p.r.in.HoldAfterSeconds) * time.Second
	if after <= 0 || p.elapsed() < after*time.Duration(p.reports+1) {
		return
	}
	p.reports++
	p.r.report(step, f, p.r.called)
}

// sleep waits for d of time in which the run isn't held, or until the run is
// resumed: whoever resumes says that it is time to try again, whatever the
// target asked for before.
func (r *recordRun) sleep(d time.Duration, p *patience) {
	ctx, cancel := workflow.WithCancel(r.calls)
	defer cancel()
	timer := workflow.NewTimerWithOptions(ctx, d, workflow.TimerOptions{Summary: "before the next attempt"})
	fired, resumes := false, r.heard.Resumes
	for r.stop == "" && (r.held || !fired && r.heard.Resumes == resumes) {
		heldSince := workflow.Now(r.ctx)
		held := r.held
		s := workflow.NewSelector(r.ctx)
		if !fired {
			s.AddFuture(timer, func(workflow.Future) { fired = true })
		}
		r.listen(s)
		s.Select(r.calls)
		if held {
			p.held += workflow.Now(r.ctx).Sub(heldSince)
		}
	}
}

// awaitRelease waits until an operator has let the run go on, or it is
// stopped. It costs nothing of the budget.
func (r *recordRun) awaitRelease(p *patience) {
	since := workflow.Now(r.ctx)
	r.held = true
	if r.in.Behaviour >= behaviourWary {
		defer func() { p.held += workflow.Now(r.ctx).Sub(since) }()
	}
	for r.stop == "" && r.held {
		s := workflow.NewSelector(r.ctx)
		r.listen(s)
		s.Select(r.calls)
	}
}

// listen adds what may end a wait: a control signal, or a cancellation by
// hand.
func (r *recordRun) listen(s workflow.Selector) {
	s.AddReceive(r.control, func(c workflow.ReceiveChannel, _ bool) {
		if msg, ok := receiveMessage(r.calls, c, r.in.Behaviour, maxMessageBytes, r.checkControl, r.drop); ok {
			r.apply(msg.Control)
		}
	})
	s.AddReceive(r.ctx.Done(), func(workflow.ReceiveChannel, bool) { r.stop = fault.CodeOperatorStopped })
}

// apply takes over a control.
func (r *recordRun) apply(c Control) {
	wary, stop := r.in.Behaviour >= behaviourWary, r.stop
	if !c.overtaken(r.heard) {
		r.heard, r.held, r.stop = c, c.Hold, c.Stop
		r.in.RequestsPerSecond = c.RequestsPerSecond
	} else if wary {
		r.stop = c.Stop // counts, however late it comes
	}
	if wary && stop != "" {
		r.stop = stop // is for good
	}
}

// report tells the batch what the record can't judge alone. A batch that is
// gone needs no telling.
func (r *recordRun) report(step entitlement.Step, f *fault.Fault, since time.Time) {
	parent := workflow.GetInfo(r.ctx).ParentWorkflowExecution
	if parent == nil {
		return
	}
	workflow.SignalExternalWorkflow(r.calls, parent.ID, parent.RunID, signalTrouble, Trouble{
		stamp: stamp{Mark: r.in.RunMark}, Code: f.Code, Message: clip(f.Message), Record: r.in.Record, Since: since,
		Refused: f.Kind == fault.Unauthorized, Call: string(step), External: r.in.ExternalEntitlementID,
	})
}
