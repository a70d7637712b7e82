package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/f0a90b9a/ferry/activities"
	"github.com/f0a90b9a/ferry/internal/fault"
)

const (
	// workPage is how many batches one activity of an aftermath looks at, at
	// least; so that the progress moves, and a worker that is lost loses little.
	workPage = 100
	// workPages bounds the activities, and with them the history.
	workPages = 200
)

// pagesOf cuts so many batches into pages, given by their first and last
// batch, few enough that the history stays short.
func pagesOf(batches int, page func(from, to int) error) error {
	size := max(workPage, (batches+workPages-1)/workPages)
	for from := 1; from <= batches; from += size {
		if err := page(from, min(from+size-1, batches)); err != nil {
			return err
		}
	}
	return nil
}

// aftermath is a workflow for a migration that is over. What it has written it
// finds again, so it can begin anew at any time.
type aftermath struct {
	again func() error                      // begins it anew
	pause func(reason string) (goOn func()) // shows that it waits, and for what, until goOn is called
}

// outlast runs an activity until it succeeds. What an outage of target or store
// keeps from it is waited for, and told meanwhile; what waiting can't help is
// the error. The server repeats the probe, so that an outage costs few events;
// if it costs many all the same, the workflow begins anew. What fails again and
// again though the target answers its echo waits longer each time, and is the
// error after passTries.
func (a aftermath) outlast(ctx workflow.Context, name string, in, out any) error {
	for try := 0; ; try++ {
		err := workflow.ExecuteActivity(ctx, name, in).Get(ctx, out)
		if err == nil || ctx.Err() != nil {
			return err
		}
		f := fault.FromActivity(err)
		if f.Kind != fault.Retryable {
			return fault.Run(f)
		}
		goOn := a.pause(fmt.Sprintf("waiting for it to pass: %s: %s", f.Code, f.Message))
		began := workflow.Now(ctx)
		err = workflow.ExecuteActivity(withProbe(ctx), activities.ProbeTargetName).Get(ctx, nil)
		goOn()
		if workflow.Now(ctx).Sub(began) >= passWait {
			try = -1 // it was away: the next try is the first
		}
		switch {
		case ctx.Err() != nil:
			return err
		case err != nil:
			return fault.Run(fault.FromActivity(err))
		case workflow.GetInfo(ctx).GetContinueAsNewSuggested():
			return a.again()
		case try > 0 && workflow.GetVersion(ctx, "outlast", workflow.DefaultVersion, 1) == 1:
			if err := a.restBefore(ctx, name, f, try); err != nil {
				return err
			}
		}
	}
}

// restBefore waits before an activity is tried again that has failed before
// though the target answers its echo.
func (a aftermath) restBefore(ctx workflow.Context, name string, f *fault.Fault, try int) error {
	if try >= passTries {
		return fault.Run(f)
	}
	wait := min(passWait<<min(try-1, 10), passWaitLimit)
	goOn := a.pause(fmt.Sprintf("%s: %s: %s (the target answers its echo, so that this is no outage); tried again at %s",
		name, f.Code, f.Message, workflow.Now(ctx).Add(wait).UTC().Format(time.RFC3339)))
	defer goOn()
	return workflow.Sleep(ctx, wait)
}
