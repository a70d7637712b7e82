package workflows

import (
	"fmt"
	"strings"

	"go.temporal.io/sdk/workflow"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/migration"
)

// show has the Temporal UI show a text, as Markdown. It costs no event. The UI
// cuts off what it takes for the last line or two, so these are empty.
func show(ctx workflow.Context, markdown string) {
	workflow.SetCurrentDetails(ctx, markdown+"\n\n\u00a0\n\n\u00a0\n")
}

// enter begins a phase.
func (r *fileRun) enter(p migration.Phase) {
	r.phase = p
	r.describe()
}

// describe shows the run's state.
func (r *fileRun) describe() {
	show(r.ctx, details(r.summary(), r.problems, r.whatNext()))
}

// details is a run as an operator reads it who has nothing but the Temporal
// UI: where it stands, what to do, counts, limits, and what went wrong.
func details(s *Summary, problems []string, next string) string {
	var b strings.Builder
	state := string(s.Phase)
	if s.Result != "" {
		state = string(s.Result)
	}
	fmt.Fprintf(&b, "## %s\n\n", state)
	paragraph(&b, s.Reason)
	if next != "" {
		fmt.Fprintf(&b, "**What to do:** %s\n\n", next)
	}
	writeCounts(&b, s)
	writeLimits(&b, s)
	writeProblems(&b, s, problems)
	writeErrors(&b, s)
	return b.String()
}

func paragraph(b *strings.Builder, text string) {
	if text != "" {
		fmt.Fprintf(b, "%s\n\n", text)
	}
}

func writeCounts(b *strings.Builder, s *Summary) {
	if s.Records == 0 {
		return
	}
	o := s.Outcomes
	fmt.Fprintf(b, "**%d of %d records** are over: %d migrated, %d already migrated, %d failed (%d half-way), %d not attempted.\n\n",
		o.Total(), s.Records, o.Migrated, o.AlreadyMigrated, o.Failed, s.Partial, o.NotAttempted)
	var steps []string
	for _, step := range entitlement.AllSteps() {
		if c := s.Steps.Of(step); c.Planned > 0 {
			steps = append(steps, fmt.Sprintf("%s %d of %d", step, c.Done, c.Planned))
		}
	}
	if len(steps) > 0 {
		fmt.Fprintf(b, "Steps done: %s.\n\n", strings.Join(steps, ", "))
	}
}

func writeLimits(b *strings.Builder, s *Summary) {
	finished := s.Outcomes.Finished()
	if finished == 0 {
		return
	}
	l := s.Limits
	var parts []string
	if l.ErrorRate > 0 {
		parts = append(parts, fmt.Sprintf("%.3g %% of %d finished have failed (stops at %.3g %% of %d or more)",
			100*float64(s.Outcomes.Failed)/float64(finished), finished, 100*l.ErrorRate, l.MinSample))
	}
	if l.Consecutive > 0 {
		parts = append(parts, fmt.Sprintf("%d in a row (stops at %d)", l.LongestRun, l.Consecutive))
	}
	if l.MaxFailures > 0 {
		parts = append(parts, fmt.Sprintf("%d in all (stops at %d)", s.Outcomes.Failed, l.MaxFailures))
	}
	if len(parts) > 0 {
		fmt.Fprintf(b, "Limits:\n\n- %s\n\n", strings.Join(parts, "\n- "))
	}
}

func writeProblems(b *strings.Builder, s *Summary, problems []string) {
	if len(problems) == 0 {
		return
	}
	fmt.Fprintf(b, "The first of %d problems (all are in %s):\n\n", s.Problems.Total, migration.FileValidation)
	for _, p := range problems {
		fmt.Fprintf(b, "- %s\n", p)
	}
	b.WriteString("\n")
}

func writeErrors(b *strings.Builder, s *Summary) {
	causes, consequences := migration.Causes(s.Errors)
	writeGroups(b, "Why records are left", causes)
	writeGroups(b, "Left when the run ended", consequences)
}

func writeGroups(b *strings.Builder, title string, groups []migration.ErrorGroup) {
	if len(groups) == 0 {
		return
	}
	fmt.Fprintf(b, "%s:\n\n", title)
	for _, e := range groups {
		fmt.Fprintf(b, "- **%d × %s**", e.Count, e.Code)
		if e.Step != "" {
			fmt.Fprintf(b, " at %s", e.Step)
		}
		fmt.Fprintf(b, ", such as `%s`: %s\n", strings.Join(e.Examples, "`, `"), e.Hint())
	}
	b.WriteString("\n")
}

// whatNext is what the run waits for, or what its end asks for; empty if it
// just goes on.
func (r *fileRun) whatNext() string {
	switch {
	case r.awaiting() && !r.Hold:
		return fmt.Sprintf("look at %s, then `ferry approve %s --plan %s`, or send the update `approve`", migration.FilePlan, r.id, r.PlanHash)
	case r.Hold && r.probing != nil:
		return "nothing, unless it takes too long: it goes on by itself; `ferry abort " + r.id + "` ends it"
	case r.Hold:
		return fmt.Sprintf("`ferry resume %s` when the cause is gone, or `ferry abort %s`", r.id, r.id)
	}
	switch r.result {
	case migration.Rejected:
		return fmt.Sprintf("`ferry reports %s` fetches %s; correct the file and start it under a new name", r.id, migration.FileValidation)
	case migration.DryRun:
		return fmt.Sprintf("read %s, then start the file for real", migration.FilePlan)
	case migration.CompletedWithFailures, migration.Aborted: // a limit's reason says it itself
		if o := r.outcomes(); o.Failed+o.NotAttempted == 0 {
			return fmt.Sprintf("read %s, and settle with the platform what differs", migration.FileCorrelation)
		}
		return fmt.Sprintf("`ferry reports %s` fetches %s and %s; repair the causes, then `ferry reload %s`",
			r.id, migration.FileErrors, migration.FileReload, r.id)
	default:
		return ""
	}
}

// describe shows what a batch has done, as it was counted, and under way.
func (b *batchRun) describe(t Tally) {
	var s strings.Builder
	o := t.Outcomes
	fmt.Fprintf(&s, "**%d of %d records** are over: %d migrated, %d already migrated, %d failed.\n\n",
		o.Total(), b.in.Count, o.Migrated, o.AlreadyMigrated, o.Failed)
	switch {
	case b.control.Stop != "":
		fmt.Fprintf(&s, "Stopping (%s): what is under way finishes.\n\n", b.control.Stop)
	case b.control.Hold:
		s.WriteString("Held: nothing is started or repeated until the migration goes on.\n\n")
	}
	if n := t.Waiting; n > 0 {
		fmt.Fprintf(&s, "%d records have waited for over a minute: look at the children that are open.\n\n", n)
	}
	show(b.ctx, s.String())
}

// describe shows what a record waits for, and why.
func (r *recordRun) describe(waits, why string) {
	done := "nothing"
	if len(r.done) > 0 {
		done = listed(r.done)
	}
	show(r.ctx, fmt.Sprintf("**%s**\n\n%s\n\nDone at the target: %s. To do: %s.\n",
		waits, why, done, listed(r.remaining)))
}
