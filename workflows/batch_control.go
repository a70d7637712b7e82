package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/f0a90b9a/ferry/internal/fault"
)

// listen hears the root's control and the records' troubles, as long as the
// batch lives.
func (b *batchRun) listen(ctx workflow.Context) {
	control := workflow.GetSignalChannel(ctx, signalControl)
	trouble := workflow.GetSignalChannel(ctx, signalTrouble)
	s := workflow.NewSelector(ctx)
	s.AddReceive(control, func(c workflow.ReceiveChannel, _ bool) {
		if msg, ok := receiveMessage(ctx, c, b.in.Behaviour, maxMessageBytes, b.checkControl, b.drop); ok {
			b.apply(msg)
		}
	})
	s.AddReceive(trouble, func(c workflow.ReceiveChannel, _ bool) {
		if msg, ok := receiveMessage(ctx, c, b.in.Behaviour, maxMessageBytes, b.checkTrouble, b.drop); ok {
			b.pass(msg)
		}
	})
	for {
		s.Select(ctx)
	}
}

// apply takes over the root's control, and passes it to the open records. A
// stop is for good.
func (b *batchRun) apply(c Control) {
	if c.overtaken(b.control) {
		if c.Stop == "" || b.in.Behaviour < behaviourWary {
			return
		}
		stop := c.Stop // is for good, however late it comes
		c = b.control
		c.Stop = stop
	}
	if b.control.Stop != "" {
		c.Stop = b.control.Stop
	}
	was := b.control
	b.control = c
	if was.Hold && !c.Hold {
		b.refresh()
	}
	b.describe(b.tally())
	if was.forRecords() == c.forRecords() {
		return
	}
	b.changes++
	for _, rec := range b.records {
		if o, ok := b.open[rec.Record]; ok {
			b.tell(o.workflowID)
		}
	}
}

// tell passes the control to one record. One that has just closed needs none.
func (b *batchRun) tell(id string) {
	b.signalRecord(id, b.control)
}

// pass tells the root of a record's trouble: refused credentials always, an
// outage if no record of the batch has got through it, and once for all.
func (b *batchRun) pass(t Trouble) {
	if t.Code != fault.CodeUnauthorized && !t.Refused {
		now := workflow.Now(b.ctx)
		if now.Sub(b.lastMove) < time.Duration(b.in.HoldAfterSeconds)*time.Second {
			return
		}
		b.lastMove = now // the others of the batch have the same to tell
	}
	b.report(t)
}

// report tells the root of a trouble.
func (b *batchRun) report(t Trouble) {
	t.stamp, t.Batch, t.Message = b.stamp(), b.in.Number, clip(t.Message)
	b.signalRoot(signalTrouble, t)
}

// insist runs an activity that calls the target until it succeeds. What holds
// the run, refused credentials or a target that is away, is told to the root,
// and tried again when the run goes on. With skippable a stop ends it.
func (b *batchRun) insist(name string, in, out any, skippable bool) error {
	for {
		began := workflow.Now(b.ctx)
		err := b.tryFor(name, in, out, skippable)
		if err == nil || skippable && b.control.Stop != "" {
			return nil
		}
		f := fault.FromActivity(err)
		if f.Kind == fault.Final {
			return err
		}
		b.pass(Trouble{
			Code: f.Code, Message: f.Message, Record: b.in.First, Since: began,
			Refused: f.Kind == fault.Unauthorized, Call: name,
		})
		if f.Kind == fault.Unauthorized {
			changes := b.changes
			_ = workflow.Await(b.ctx, func() bool { return b.changes != changes })
		}
		_ = workflow.Await(b.ctx, func() bool { return !b.control.Hold || b.control.Stop != "" })
	}
}

// tryFor tries an activity for as long as an outage is to last before the run
// holds itself, or until it isn't needed any more.
func (b *batchRun) tryFor(name string, in, out any, skippable bool) error {
	ctx, cancel := workflow.WithCancel(b.ctx)
	defer cancel()
	if skippable {
		workflow.Go(ctx, func(ctx workflow.Context) {
			_ = workflow.Await(ctx, func() bool { return b.control.Stop != "" })
			cancel()
		})
	}
	err := workflow.ExecuteLocalActivity(withQuick(ctx), name, in).Get(ctx, out)
	if err == nil || fault.FromActivity(err).Kind != fault.Retryable {
		return err
	}
	limit := max(time.Duration(b.in.HoldAfterSeconds)*time.Second, minTry)
	return workflow.ExecuteActivity(withLimit(ctx, limit), name, in).Get(ctx, out)
}

// minTry is how long an activity is tried at least before it counts as an
// outage.
const minTry = 30 * time.Second

// insistOnStore runs an activity of the work bucket until it succeeds. What
// waiting can't help there, such as credentials that were turned, is no record's
// fault: it is told to the root, which holds the run, and tried again when the
// run goes on. A stop takes the fault as it is.
func (b *batchRun) insistOnStore(name string, in, out any) error {
	for {
		began, changes := workflow.Now(b.ctx), b.changes
		err := quickThenPatient(b.ctx, name, in, out)
		if err == nil || b.control.Stop != "" {
			return err
		}
		f := fault.FromActivity(err)
		b.report(Trouble{
			Code: f.Code, Message: fmt.Sprintf("batch %d, %s: %s", b.in.Number, name, f.Message),
			Record: b.in.First, Since: began, Store: true,
		})
		_ = workflow.Await(b.ctx, func() bool { return b.changes != changes })
		_ = workflow.Await(b.ctx, func() bool { return !b.control.Hold || b.control.Stop != "" })
	}
}

// quickThenPatient runs an activity locally, which costs one event, and as an
// ordinary one with patience if that doesn't succeed at once.
func quickThenPatient(ctx workflow.Context, name string, in, out any) error {
	err := workflow.ExecuteLocalActivity(withQuick(ctx), name, in).Get(ctx, out)
	if err == nil || fault.FromActivity(err).Kind != fault.Retryable {
		return err
	}
	return workflow.ExecuteActivity(withPatient(ctx), name, in).Get(ctx, out)
}
