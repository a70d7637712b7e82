package workflows

import (
	"errors"
	"fmt"

	"go.temporal.io/sdk/workflow"

	"github.com/f0a90b9a/ferry/internal/migration"
)

// operatorAct is what an operator asks for with a name and a reason alone, by
// an update or, with older tools such as tctl, by a signal of the same name.
type operatorAct struct {
	name string
	may  func() error
	do   func(OperatorAction)
}

func (r *fileRun) operatorActs() []operatorAct {
	return []operatorAct{
		{UpdatePause, r.mayPause, func(a OperatorAction) { r.hold("paused by " + sentence(a)) }},
		{UpdateResume, r.mayResume, func(OperatorAction) { r.release() }},
		{UpdateAbort, r.mayAbort, r.abort},
	}
}

// hearOperators adds the signals that act like updates. Any operator sends
// them, so they carry no mark of the run.
func (r *fileRun) hearOperators(ctx workflow.Context, s workflow.Selector) {
	for _, act := range r.operatorActs() {
		s.AddReceive(r.signalChannel(ctx, act), func(c workflow.ReceiveChannel, _ bool) { r.hearOperator(ctx, c, act) })
	}
}

// hearLastOperators hears the signals that nobody has read yet: they would be
// lost with this history.
func (r *fileRun) hearLastOperators(ctx workflow.Context) {
	for _, act := range r.operatorActs() {
		for c := r.signalChannel(ctx, act); c.Len() > 0; {
			r.hearOperator(ctx, c, act)
		}
	}
}

func (r *fileRun) signalChannel(ctx workflow.Context, act operatorAct) workflow.ReceiveChannel {
	return workflow.GetSignalChannelWithOptions(ctx, act.name,
		workflow.SignalChannelOptions{Description: describeUpdate(act.name)})
}

// hearOperator does what a signal asks for, if the update would.
func (r *fileRun) hearOperator(ctx workflow.Context, c workflow.ReceiveChannel, act operatorAct) {
	raw := receiveSignal(c)
	if r.Behaviour < behaviourWary && !hearsOperatorsSince(ctx) {
		return
	}
	var a OperatorAction
	err := decodeSignal(raw, maxOperatorBytes, true, &a)
	if err == nil {
		err = a.Check()
	}
	if err != nil {
		r.refuseSignal(act.name, fmt.Errorf("%w (it takes: %s)", err, describeUpdate(act.name)))
		return
	}
	if err := act.may(); err != nil {
		r.refuseSignal(act.name, errors.Join(fmt.Errorf("of %s", a.By), err))
		return
	}
	r.note(act.name, a, "")
	act.do(a)
}

// hearsOperatorsSince reports whether a run of the first behaviour hears such
// signals. It leaves a marker where one comes first.
func hearsOperatorsSince(ctx workflow.Context) bool {
	return workflow.GetVersion(ctx, "operator-signals", workflow.DefaultVersion, 1) == 1
}

// actionRefuse is the audit trail's word for what refuseSignal tells.
const actionRefuse = "refuse"

// maxRefusal bounds what the audit says of a refused signal, in bytes.
const maxRefusal = 600

// refuseSignal tells of a signal that changed nothing. Nobody can be answered,
// so the audit says it: in one line, that is kept up to date however many come.
func (r *fileRun) refuseSignal(name string, why error) {
	r.Refused++
	e := r.refusedEntry()
	e.Reason = fmt.Sprintf("%d signals of operators were dropped and changed nothing; an update of the same name would have said so at once", r.Refused)
	e.Detail = cutAt(fmt.Sprintf("the last was %q: %s", name, inOneLine(why)), maxRefusal)
}

func (r *fileRun) refusedEntry() *migration.AuditEntry {
	for i := range r.Audit {
		if r.Audit[i].Action == actionRefuse && r.Audit[i].By == self {
			return &r.Audit[i]
		}
	}
	r.note(actionRefuse, OperatorAction{By: self}, "")
	return &r.Audit[len(r.Audit)-1]
}
