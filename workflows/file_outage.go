package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/f0a90b9a/ferry/activities"
	"github.com/f0a90b9a/ferry/internal/fault"
)

const (
	// passWait is how long a pass over the file that fails, though the target
	// answers its echo, waits before it is tried again; twice as long each time,
	// to passWaitLimit.
	passWait      = time.Minute
	passWaitLimit = 30 * time.Minute
	// passTries is after how many of them, a night, only an operator has it
	// tried again.
	passTries = 20
)

// holdIfAway holds the run for an outage if the target doesn't answer its echo
// either. If it does, what fails is its record's own trouble: that waits within
// its own budget, and holding and releasing the run would help nobody.
func (r *fileRun) holdIfAway(where string, f *fault.Fault) {
	if r.Behaviour < behaviourWary {
		r.holdForOutage(f, where)
		return
	}
	if r.asking {
		return
	}
	r.asking = true
	workflow.Go(r.ctx, func(ctx workflow.Context) {
		answers := r.answersEcho(ctx)
		r.asking = false
		if r.Hold || r.Stop != "" {
			return
		}
		if !answers {
			r.holdForOutage(f, where)
			return
		}
		r.lastMove = workflow.Now(ctx) // nothing to be asked again soon
		r.note("wait", OperatorAction{By: self, Reason: fmt.Sprintf(
			"%s: it and others like it wait within their own retry budgets (%s: %s); the target answers its echo, so this is no outage",
			where, f.Code, f.Message)}, "")
	})
}

func (r *fileRun) answersEcho(ctx workflow.Context) bool {
	return workflow.ExecuteLocalActivity(withQuick(ctx), activities.ProbeTargetName).Get(ctx, nil) == nil
}

// outwait holds the run for a pass over the file that failed and may succeed
// later. A target that is away is waited for by its echo. What fails though the
// target answers, or is the work bucket's, is told as it is, and tried again
// after a while, longer each time, in the end only when an operator resumes.
func (r *fileRun) outwait(ctx workflow.Context, name string, err error, try int) {
	f := fault.FromActivity(err)
	stores := f.Code == fault.CodeStoreFault
	if r.Behaviour < behaviourWary || r.Hold || !stores && !r.answersEcho(ctx) {
		r.holdForOutage(f, name) // but for a run that is held already
		r.awaitRelease(ctx)
		return
	}
	if try >= passTries {
		r.block(ctx, name, err)
		return
	}
	wait := min(passWait<<min(try, 10), passWaitLimit)
	why := "the target answers its echo, so that this is no outage"
	if stores {
		why = "the work bucket can't be read or written"
	}
	r.holdItself(fmt.Sprintf("%s: %s: %s (%s); tried again at %s, or when the run is resumed",
		name, f.Code, f.Message, why, workflow.Now(ctx).Add(wait).UTC().Format(time.RFC3339)))
	seen := r.Releases
	over := func() bool {
		return !r.Hold || r.Releases != seen || r.stoppedInTime()
	}
	if ok, err := workflow.AwaitWithTimeout(ctx, wait, over); err == nil && !ok && r.Hold && r.Releases == seen {
		r.note("release", OperatorAction{By: self, Reason: name + " is tried again"}, "")
		r.release()
		r.Reason = fmt.Sprintf("%s is tried again after %s: %s", name, f.Code, f.Message)
	}
	r.awaitRelease(ctx)
}
