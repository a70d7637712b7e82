package workflows

import (
	"fmt"
	"math"
	"strings"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/limits"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/migrationfile"
)

// Bounds of what a true message can say.
const (
	maxAhead       = 10_000 // by how much a number can be ahead of the last that was heard
	maxWidth       = 10_000
	maxPace        = 1_000_000 // requests per second
	maxCodeBytes   = 200
	maxTextBytes   = 4 << 10 // clip keeps true ones below
	maxDropped     = 10_000_000
	maxGroups      = 100
	maxIDRunes     = 255
	maxClockAhead  = time.Hour // of another workflow's clock
	maxConsecutive = math.MaxInt32
)

// checkMark tells a message of this run from all others. Runs of the first
// behaviour have no mark and can't tell.
func checkMark(behaviour int, mark string, s stamp) error {
	if behaviour >= behaviourWary && s.Mark != mark {
		return errForeign
	}
	return nil
}

// senseless is what is wrong with a message, in numbers and names of fields
// alone.
func senseless(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{errSenseless}, args...)...)
}

// checkTally looks at a batch's tally. One of a batch that is over says
// nothing new.
func (r *fileRun) checkTally(t Tally) error {
	if err := checkMark(r.Behaviour, r.mark, t.stamp); err != nil {
		return err
	}
	b := r.at(t.Number)
	switch {
	case b == nil && t.Number >= 1 && t.Number < r.Next:
		return errOld
	case b == nil:
		return senseless("there is no batch %d under way", t.Number)
	case r.mark != "" && b.run != "" && t.Run != b.run:
		return errOld // of a batch that was started again since
	case t.Sent < 0 || t.Sent > b.tally.Sent+maxAhead:
		return senseless("tally %d after %d", t.Sent, b.tally.Sent)
	}
	return t.check(b.Batch)
}

// check holds a tally to its batch.
func (t *Tally) check(b migrationfile.Batch) error {
	o := t.Outcomes
	switch {
	case min(o.Migrated, o.AlreadyMigrated, o.Failed, o.NotAttempted, t.Partial, t.Waiting, t.Dropped) < 0:
		return senseless("a count is negative")
	case max(o.Migrated, o.AlreadyMigrated, o.Failed, o.NotAttempted, t.Waiting) > b.Count || o.Total()+t.Waiting > b.Count:
		return senseless("it counts more than the %d records of batch %d", b.Count, b.Number)
	case t.Dropped > maxDropped:
		return senseless("it dropped %d messages", t.Dropped)
	case t.Partial > o.Failed:
		return senseless("%d of %d failed records are half-way", t.Partial, o.Failed)
	}
	if err := checkByGroup(t.Migrated, o.Migrated+o.AlreadyMigrated); err != nil {
		return err
	}
	if err := checkSteps(t.Steps, b.Count); err != nil {
		return err
	}
	if err := checkGroups(t.Groups, o.Failed+o.NotAttempted); err != nil {
		return err
	}
	return checkReport(t.Report, o, b)
}

func checkByGroup(g migration.ByGroup, most int) error {
	sum := 0
	for _, n := range []int{g.Pending, g.Active, g.Suspended, g.Terminated} {
		if n < 0 || n > most {
			return senseless("a status counts %d of %d", n, most)
		}
		sum += n
	}
	if sum > most {
		return senseless("statuses count %d of %d", sum, most)
	}
	return nil
}

func checkSteps(s migration.StepCounts, most int) error {
	for _, step := range entitlement.AllSteps() {
		c := s.Of(step)
		if min(c.Planned, c.Done, c.Failed) < 0 || max(c.Planned, c.Done, c.Failed) > most {
			return senseless("step %s counts more than %d records, or fewer than none", step, most)
		}
	}
	return nil
}

func checkGroups(groups migration.Groups, most int) error {
	if len(groups) > maxGroups {
		return senseless("it has %d kinds of errors", len(groups))
	}
	sum := 0
	for _, g := range groups {
		if g.Count < 1 || g.Count > most || len(g.Code) > maxCodeBytes || len(g.Step) > maxCodeBytes ||
			len(g.Examples) > migration.MaxErrorExamples {
			return senseless("a kind of error is beyond its bounds")
		}
		for _, id := range g.Examples {
			if len(id) > 4*maxIDRunes {
				return senseless("an example is %d bytes long", len(id))
			}
		}
		sum += g.Count
	}
	if sum > most {
		return senseless("errors count %d of %d records", sum, most)
	}
	return nil
}

// checkReport holds what the limits look at to the outcomes: each mark of the
// order is a record that is over, and no streak is longer than what failed.
func checkReport(r limits.Report, o migration.Outcomes, b migrationfile.Batch) error {
	failed, passed := strings.Count(r.Order, string(rune(limits.Failed))), strings.Count(r.Order, string(rune(limits.Passed)))
	s := r.Streak
	switch {
	case failed+passed != len(r.Order):
		return senseless("its order has marks that there are not")
	case failed > o.Failed || passed > o.Migrated+o.AlreadyMigrated:
		return senseless("its order counts more than its outcomes")
	case s.First != b.First || s.Length != b.Count:
		return senseless("its streak is not of the records of batch %d", b.Number)
	case min(s.Leading, s.Trailing) < 0 || max(s.Leading, s.Trailing) > s.Longest || s.Longest > failed:
		return senseless("its streaks don't fit %d failures", failed)
	case s.Longest == 0 && s.LongestFirst != 0:
		return senseless("a streak of none has a beginning")
	case s.Longest > 0 && (s.LongestFirst < b.First || s.LongestFirst > b.First+b.Count-s.Longest):
		return senseless("its streak begins outside of batch %d", b.Number)
	}
	return nil
}

// checkTrouble looks at a batch's trouble.
func (r *fileRun) checkTrouble(t Trouble) error {
	if err := checkMark(r.Behaviour, r.mark, t.stamp); err != nil {
		return err
	}
	if r.mark != "" {
		b := r.at(t.Batch)
		switch {
		case b == nil && t.Batch >= 1 && t.Batch < r.Next, b != nil && b.run != "" && t.Run != b.run:
			return errOld
		case b == nil:
			return senseless("there is no batch %d under way", t.Batch)
		}
	}
	return t.check(1, r.Records, workflow.Now(r.ctx))
}

// checkTrouble looks at a record's trouble. That of one that is over needs no
// telling.
func (b *batchRun) checkTrouble(t Trouble) error {
	if err := checkMark(b.in.Behaviour, b.in.Control.Mark, t.stamp); err != nil {
		return err
	}
	if err := t.check(b.in.First, b.in.First+b.in.Count-1, workflow.Now(b.ctx)); err != nil {
		return err
	}
	if _, open := b.open[t.Record]; b.in.Behaviour >= behaviourWary && !open {
		return errOld
	}
	return nil
}

func (t *Trouble) check(first, last int, now time.Time) error {
	switch {
	case t.Record < first || t.Record > last:
		return senseless("record %d is not among %d to %d", t.Record, first, last)
	case t.Code == "" || len(t.Code) > maxCodeBytes || len(t.Message)+len(t.Call)+len(t.External) > maxTextBytes:
		return senseless("its text is empty or too long")
	case t.Since.After(now.Add(maxClockAhead)):
		return senseless("it lies in the future")
	}
	return nil
}

// clip keeps a trouble's text within its bound.
func clip(text string) string {
	if len(text) <= maxTextBytes/2 {
		return text
	}
	return strings.ToValidUTF8(text[:maxTextBytes/2], "") + "…"
}

// checkControl looks at the root's control.
func (b *batchRun) checkControl(c Control) error {
	if err := checkMark(b.in.Behaviour, b.in.Control.Mark, c.stamp); err != nil {
		return err
	}
	if c.isForLeftovers(workflow.GetInfo(b.ctx)) {
		return errOld
	}
	switch {
	case c.Width < 1 || c.Width > maxWidth:
		return senseless("a width of %d", c.Width)
	case c.Consecutive < 0 || c.Consecutive > maxConsecutive:
		return senseless("a limit of %d in a row", c.Consecutive)
	}
	return c.check(b.control, workflow.Now(b.ctx))
}

// checkControl looks at the batch's control. The id of a record's workflow is
// the same in every migration, so it may be another's.
func (r *recordRun) checkControl(c recordControl) error {
	if err := checkMark(r.in.Behaviour, r.in.RunMark, c.stamp); err != nil {
		return err
	}
	switch {
	case c.Migration != "" && c.Migration != r.in.Migration && r.in.Behaviour < behaviourWary:
		return errOld // another migration has the same entitlement, and must wait
	case c.Migration != "" && c.Migration != r.in.Migration:
		return errForeign
	case c.isForLeftovers(workflow.GetInfo(r.ctx)):
		return errOld
	}
	return c.check(r.heard, workflow.Now(r.ctx))
}

func (c *Control) check(last Control, now time.Time) error {
	switch {
	case c.Number < 0 || c.Number > last.Number+maxAhead && c.Run == last.Run:
		return senseless("control %d after %d", c.Number, last.Number)
	case c.Releases < 0 || c.Releases > last.Releases+maxAhead && c.Run == last.Run:
		return senseless("release %d after %d", c.Releases, last.Releases)
	case c.Resumes < 0 || c.Resumes > last.Resumes+maxAhead && c.Run == last.Run:
		return senseless("resume %d after %d", c.Resumes, last.Resumes)
	case !(c.RequestsPerSecond >= 0 && c.RequestsPerSecond <= maxPace):
		return senseless("%g requests per second", c.RequestsPerSecond)
	case c.At.After(now.Add(maxClockAhead)):
		return senseless("it lies in the future")
	}
	switch c.Stop {
	case "", fault.CodeAborted, fault.CodeStoppedByLimit, fault.CodeOperatorStopped:
		return nil
	}
	return senseless("nothing stops a run for that code")
}

// stamp is what batches know the root's messages by.
func (r *fileRun) stamp() stamp {
	if r.mark == "" {
		return stamp{}
	}
	return stamp{Mark: r.mark, Run: workflow.GetInfo(r.ctx).WorkflowExecution.RunID}
}
