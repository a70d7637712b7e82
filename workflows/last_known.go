package workflows

import (
	"cmp"
	"slices"
	"time"

	"github.com/f0a90b9a/ferry/activities"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/migrationfile"
)

// Signals of a root's history that tell how it stands: SignalTally is what a
// batch told the root, SignalControl what the root told a batch.
const (
	SignalTally   = signalTally
	SignalControl = signalControl
)

// LastKnown puts together how a migration stands from the history of its root,
// for programs that no worker answers. They hand it what they read there, in
// order. It decides nothing: what a history doesn't say, such as the reason of a
// hold that no operator asked for, it doesn't know.
type LastKnown struct{ run fileRun }

// NewLastKnown begins with a root's input and the moment of its start.
func NewLastKnown(id string, in MigrateFileInput, startedAt time.Time) *LastKnown {
	k := &LastKnown{fileRun{in: in, id: id, phase: migration.Checking}}
	k.run.StartedAt = startedAt.UTC()
	if in.Carried != nil {
		k.run.Carried, k.run.phase = *in.Carried, migration.Migrating
	}
	return k
}

// Enter takes over a phase that has begun.
func (k *LastKnown) Enter(p migration.Phase) { k.run.phase = p }

// TakeCheck takes over what the check of the start decided.
func (k *LastKnown) TakeCheck(res activities.CheckStartResult) { k.run.Settings = res.Settings }

// TakeImport takes over what the import found.
func (k *LastKnown) TakeImport(res activities.ImportFileResult) {
	r := &k.run
	r.SHA256, r.Records, r.Expected, r.Planned, r.Problems = res.SHA256, res.Records, res.Expected, res.Steps, res.Problems
	if r.Settings.RequireApproval {
		r.phase = migration.AwaitingApproval
	}
}

// TakeReports takes over the counts that the reports were written from.
func (k *LastKnown) TakeReports(res activities.WriteReportsResult) { k.run.final = &res }

// OpenBatch takes over that a batch was begun.
func (k *LastKnown) OpenBatch(in MigrateBatchInput) {
	r := &k.run
	r.phase = migration.Migrating
	if b := r.at(in.Number); b != nil { // begun again
		b.tally = Tally{}
		return
	}
	r.open = append(r.open, &openBatch{Batch: migrationfile.Batch{Number: in.Number, First: in.First, Count: in.Count}})
	slices.SortFunc(r.open, func(a, b *openBatch) int { return cmp.Compare(a.Number, b.Number) })
}

// HearBatch takes over a tally of an open batch, as the root does: one that makes
// no sense may be anybody's.
func (k *LastKnown) HearBatch(t Tally) {
	b := k.run.at(t.Number)
	if b != nil && t.Sent >= b.tally.Sent && t.Sent <= b.tally.Sent+maxAhead && t.check(b.Batch) == nil {
		b.tally = t
	}
}

// CloseBatch takes over the result of a batch.
func (k *LastKnown) CloseBatch(t Tally) {
	r := &k.run
	if b := r.at(t.Number); b != nil {
		r.open = slices.DeleteFunc(r.open, func(o *openBatch) bool { return o == b })
		r.Closed = r.Closed.plus(t)
	}
}

// TakeControl takes over what the root told its batches last.
func (k *LastKnown) TakeControl(c Control) {
	k.run.Hold, k.run.Stop = c.Hold, c.Stop
	if !c.Hold {
		k.run.Reason = ""
	}
}

// TakeAnswer takes over what the root answered an operator.
func (k *LastKnown) TakeAnswer(s migration.Summary) {
	r := &k.run
	r.Reason, r.Settings, r.Audit = s.Reason, s.Settings, s.Audit
	r.Hold = s.Phase == migration.Paused
	switch s.Phase {
	case migration.AwaitingApproval, migration.Migrating:
		r.phase = s.Phase
	default:
	}
}

// Summary is the migration as it stood then.
func (k *LastKnown) Summary() migration.Summary { return *k.run.summary() }
