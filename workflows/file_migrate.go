package workflows

import (
	"fmt"

	"go.temporal.io/sdk/workflow"

	"github.com/f0a90b9a/ferry/activities"
	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/limits"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/migrationfile"
)

const (
	// batchPage is how many batches' places are asked for at once.
	batchPage = 100
	// batchTries is how often a batch without a result is started.
	batchTries = 3
)

// task is what the root can do next.
type task int

const (
	toWait task = iota
	toOpen
	toJudge
	toContinue
	toEnd
)

// migrate hands out the batches in file order, wave by wave. It returns when
// all are over or the run is stopped, or, with again, when the history is long
// and nothing is under way.
func (r *fileRun) migrate() (again bool) {
	r.enter(migration.Migrating)
	for {
		_ = workflow.Await(r.ctx, func() bool { return r.next() != toWait })
		switch r.next() {
		case toOpen:
			if err := r.openNext(); err != nil {
				r.block(r.ctx, "the plan can't be read", err)
			}
		case toJudge:
			r.judgeWave()
		case toContinue:
			return true
		case toEnd:
			r.takeOver()
			return false
		case toWait:
		}
	}
}

// next is what can be done now.
func (r *fileRun) next() task {
	over := len(r.open) == 0
	switch {
	case r.Stop != "" && over:
		return toEnd
	case r.Stop != "" || r.Hold:
		return toWait
	case r.Wave >= len(r.Waves):
		return when(over, toEnd)
	case r.Next > r.wave().LastBatch:
		return when(r.settled(), toJudge)
	case r.long():
		return when(over, toContinue)
	}
	return when(r.busy() < r.Settings.Concurrency.Batches && len(r.open) < 2*r.Settings.Concurrency.Batches, toOpen)
}

func when(can bool, t task) task {
	if can {
		return t
	}
	return toWait
}

func (r *fileRun) wave() migrationfile.Wave { return r.Waves[r.Wave] }

// firstOfWave is the number of the first batch of the wave that is open.
func (r *fileRun) firstOfWave() int {
	if r.Wave >= len(r.Waves) {
		return r.Next
	}
	return r.wave().FirstBatch
}

// long reports whether the history should be cut.
func (r *fileRun) long() bool {
	info := workflow.GetInfo(r.ctx)
	return info.GetContinueAsNewSuggested() || info.GetCurrentHistoryLength() > r.Settings.ContinueAfterEvents
}

func (r *fileRun) openNext() error {
	place, err := r.batch(r.Next)
	if err != nil {
		return err
	}
	r.Next++
	b := &openBatch{Batch: place}
	r.open = append(r.open, b)
	workflow.Go(r.ctx, func(ctx workflow.Context) { r.close(b, r.runBatch(ctx, b)) })
	return nil
}

// batch gives a batch's place in the staged file.
func (r *fileRun) batch(number int) (migrationfile.Batch, error) {
	if len(r.page) == 0 || number < r.page[0].Number || number > r.page[len(r.page)-1].Number {
		in := activities.ListBatchesInput{Migration: r.id, From: number, Limit: batchPage, SHA256: r.kept(migration.FileBatches).SHA256}
		r.page = nil
		if err := quickThenPatient(r.ctx, activities.ListBatchesName, in, &r.page); err != nil {
			return migrationfile.Batch{}, err
		}
	}
	if len(r.page) == 0 {
		return migrationfile.Batch{}, fault.Run(&fault.Fault{
			Code: fault.CodeStoreFault, Message: fmt.Sprintf("%s has no batch %d", migration.FileBatches, number),
		})
	}
	return r.page[number-r.page[0].Number], nil
}

// runBatch runs a batch to its result. One that gave none is started again;
// after that its records are judged by what the target has.
func (r *fileRun) runBatch(ctx workflow.Context, b *openBatch) Tally {
	for try, waits := 0, 0; try < batchTries; {
		r.forget(b)
		t, err := r.tryBatch(ctx, b, try > 0 || r.Heir || wasReset(ctx))
		switch {
		case err == nil:
			return t
		case inTheWay(err):
			r.endLeftover(ctx, b.Number, waits)
			waits++
		default:
			try++
		}
	}
	return r.resolveBatch(ctx, b.Batch)
}

func (r *fileRun) tryBatch(ctx workflow.Context, b *openBatch, restarted bool) (Tally, error) {
	sent := r.control()
	in := MigrateBatchInput{
		BatchRef: r.ref(b.Batch), Route: r.in.Route, Control: sent, Restarted: restarted, Behaviour: r.Behaviour, Marks: r.Marks,
		RetryBudgetSeconds: r.Settings.RetryBudgetSeconds, HoldAfterSeconds: r.Settings.HoldAfterSeconds,
	}
	child := workflow.ExecuteChildWorkflow(withBatch(ctx, in), MigrateBatchName, in)
	var started workflow.Execution
	if child.GetChildWorkflowExecution().Get(ctx, &started) == nil {
		b.run = started.RunID
		if r.control() != sent {
			r.tell(ctx, b.Number)
		}
	}
	var t Tally
	err := child.Get(ctx, &t)
	return t, err
}

func (r *fileRun) ref(b migrationfile.Batch) activities.BatchRef {
	return activities.BatchRef{
		Migration: r.id, Number: b.Number, First: b.First, Count: b.Count,
		At: activities.Range{Offset: b.Offset, Length: b.Length},
	}
}

func (r *fileRun) resolveBatch(ctx workflow.Context, b migrationfile.Batch) Tally {
	var outs []migration.Outcome
	code := ""
	if !r.insist(withReading(ctx, r.Settings.HoldAfter()), activities.ResolveRecordsName, activities.ResolveRecordsInput{
		BatchRef: r.ref(b), Route: r.in.Route, RequestsPerSecond: r.Settings.RequestsPerSecond,
	}, &outs) {
		code = fault.CodeOperatorStopped // the run was stopped while the target was away: nobody can tell
	}
	var written activities.WriteOutcomesResult
	r.insist(withPatient(ctx), activities.WriteOutcomesName, activities.WriteOutcomesInput{BatchRef: r.ref(b), Outcomes: outs, Code: code}, &written)
	resolved := batchRun{
		in: MigrateBatchInput{BatchRef: r.ref(b)}, outcomes: map[int]migration.Outcome{},
		book: limits.NewBatch(b.First, b.Count),
	}
	for _, out := range outs {
		resolved.keep(out, out.Record)
	}
	t := resolved.tally()
	t.Wrote = written.Sum
	return t
}

// settled reports whether a wave whose batches are all started can be judged:
// nothing of it is under way but records that have waited for long, and so few
// of these that the wave stands even if they fail.
func (r *fileRun) settled() bool {
	if r.busy() > 0 {
		return false
	}
	waiting := 0
	for _, b := range r.open {
		if b.Number >= r.firstOfWave() {
			waiting += b.tally.Waiting
		}
	}
	failed, size := r.waveFailed(), r.wave().Records
	return waiting == 0 || !limits.CanaryReached(r.Settings.Limits.ErrorRate, failed+waiting, size)
}

// waveFailed is how many records of the open wave have failed.
func (r *fileRun) waveFailed() int {
	failed := r.WaveFailed
	for _, b := range r.open {
		if b.Number >= r.firstOfWave() {
			failed += b.tally.Count().Failed
		}
	}
	return failed
}

// judgeWave looks at a wave that is over before the next one opens.
func (r *fileRun) judgeWave() {
	w := r.wave()
	last := r.Wave+1 == len(r.Waves)
	if r.Settings.Waves && limits.CanaryReached(r.Settings.Limits.ErrorRate, r.waveFailed(), w.Records) {
		r.tripWave()
		return
	}
	if r.Settings.Waves && !last && !r.readBack(w) {
		return
	}
	r.Wave, r.WaveFailed = r.Wave+1, 0
	if r.Settings.ApproveFirstWave && r.Wave == 1 && !last {
		_ = workflow.Await(r.ctx, func() bool { return !r.Hold || r.Stop != "" })
		r.awaitApproval(fmt.Sprintf("wave 1 is done, %d of its %d records failed; ", r.Failures.Count().Failed, w.Records))
		if r.Stop == "" {
			r.enter(migration.Migrating)
		}
	}
}

func (r *fileRun) waveStart() int {
	first := 1
	for _, w := range r.Waves[:r.Wave] {
		first += w.Records
	}
	return first
}

// readBack compares a wave with the target. A difference holds the run, once:
// an operator who resumes has seen it.
func (r *fileRun) readBack(w migrationfile.Wave) bool {
	var seen activities.ReadBackResult
	in := activities.ReadBackInput{
		Migration: r.id, Route: r.in.Route, From: w.FirstBatch, To: w.LastBatch, RequestsPerSecond: r.Settings.RequestsPerSecond,
		Written: r.Written,
	}
	for _, b := range r.open { // left to the reconciliation
		in.Skip = append(in.Skip, b.Number)
	}
	ctx, cancel := workflow.WithCancel(r.ctx)
	r.stopping = cancel
	defer func() { r.stopping = nil }()
	if !r.insist(withReading(ctx, r.Settings.HoldAfter()), activities.ReadBackName, in, &seen) {
		return false
	}
	if seen.Different > 0 {
		r.hold(fmt.Sprintf("%d of %d records of wave %d differ at the target from the file, e.g. %s: %s (resume to go on all the same)",
			seen.Different, seen.Checked, w.Number, seen.Examples[0], seen.Comparison))
	}
	return true
}

// insist runs an activity that must succeed before the run can go on. A target
// that is away for long holds the run until it is back, what waiting can't help
// until an operator resumes it; false if the run was stopped instead.
func (r *fileRun) insist(ctx workflow.Context, name string, in, out any) bool {
	before := r.Reason
	for try := 0; ; try++ {
		err := workflow.ExecuteActivity(ctx, name, in).Get(ctx, out)
		if err == nil {
			if try > 0 && r.Behaviour >= behaviourWary && !r.Hold {
				r.Reason = before // not what it waited for
			}
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		if fault.FromActivity(err).Kind == fault.Retryable {
			r.outwait(ctx, name, err, try)
		} else {
			r.block(ctx, name, err)
		}
		if r.stoppedInTime() {
			return false
		}
	}
}

// block holds the run for something that only a person can repair, until it is
// resumed.
func (r *fileRun) block(ctx workflow.Context, what string, err error) {
	f := fault.FromActivity(err)
	r.hold(fmt.Sprintf("%s: %s: %s (repair it, then resume)", what, f.Code, f.Message))
	r.awaitRelease(ctx)
}

// awaitRelease waits until the run goes on, or is stopped with reports still
// to come.
func (r *fileRun) awaitRelease(ctx workflow.Context) {
	_ = workflow.Await(ctx, func() bool { return !r.Hold || r.stoppedInTime() })
}

// stoppedInTime reports whether the run was stopped with reports still to come.
func (r *fileRun) stoppedInTime() bool { return r.Stop != "" && r.phase == migration.Migrating }
