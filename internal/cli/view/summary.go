package view

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/f0a90b9a/ferry/internal/figures"
	"github.com/f0a90b9a/ferry/internal/migration"
)

// Summary writes everything a migration's summary says that people ask for.
func Summary(w io.Writer, style Style, s migration.Summary) {
	head(w, style, s)
	if s.Phase == migration.AwaitingApproval {
		approval(w, s)
	}
	counts(w, s)
	steps(w, s)
	statuses(w, s)
	problems(w, s)
	groups(w, s)
	audit(w, s)
	files(w, s)
}

func head(w io.Writer, style Style, s migration.Summary) {
	state := Plain(string(s.Phase))
	if s.Result != "" {
		state = style.result(s.Result)
	}
	fmt.Fprintf(w, "%s  %s\n", Plain(s.Migration), state)
	if s.Stale != nil {
		fmt.Fprintf(w, "  as of %s, the last that is known: %s\n", Moment(&s.Stale.At), Plain(s.Stale.Why))
	}
	if s.Reason != "" {
		fmt.Fprintf(w, "  %s\n", Plain(s.Reason))
	}
	table(w, func(t io.Writer) {
		fmt.Fprintf(t, "  file\t%s\n", orDash(s.File))
		fmt.Fprintf(t, "  route\t%s\n", orDash(s.Route))
		if s.Parent != "" {
			fmt.Fprintf(t, "  reload of\t%s\n", Plain(s.Parent))
		}
		fmt.Fprintf(t, "  started\t%s\n", Moment(s.StartedAt))
		if s.FinishedAt != nil {
			fmt.Fprintf(t, "  finished\t%s%s\n", Moment(s.FinishedAt), took(s))
		}
		if s.Purged != nil {
			fmt.Fprintf(t, "  purged\t%s\n", Plain(strings.TrimPrefix(s.Purged.Says(), "it was purged ")))
		}
		if l := tripped(s.Limits.Tripped); l != "" {
			fmt.Fprintf(t, "  limit\t%s\n", l)
		}
	})
}

// approval shows what whoever approves says yes to, and how.
func approval(w io.Writer, s migration.Summary) {
	fmt.Fprintln(w)
	Settings(w, s.Settings)
	if s.PlanHash != "" {
		fmt.Fprintf(w, "  approve it with: ferry approve %s --plan %s\n", Plain(s.Migration), Plain(s.PlanHash))
	}
}

// Settings writes what a run goes by.
func Settings(w io.Writer, s migration.Settings) {
	l, c := s.Limits, s.Concurrency
	fmt.Fprintf(w, "  limits       error rate %v once %d have finished, %d in a row, %d in all (0: off)\n",
		l.ErrorRate, l.MinSample, l.Consecutive, l.MaxFailures)
	fmt.Fprintf(w, "  concurrency  %d batches of %d records, %s\n", c.Batches, c.PerBatch, rateLimit(s.RequestsPerSecond))
}

func rateLimit(perSecond float64) string {
	if perSecond == 0 {
		return "no limit of requests per second"
	}
	return fmt.Sprintf("%v requests per second and worker", perSecond)
}

func took(s migration.Summary) string {
	if s.StartedAt == nil {
		return ""
	}
	return " (" + Duration(s.FinishedAt.Sub(*s.StartedAt)) + ")"
}

func tripped(t *migration.Tripped) string {
	switch {
	case t == nil:
		return ""
	case t.First == 0:
		return Plain(t.Rule)
	}
	return fmt.Sprintf("%s, records %d to %d", Plain(t.Rule), t.First, t.Last)
}

func counts(w io.Writer, s migration.Summary) {
	fmt.Fprintln(w)
	table(w, func(t io.Writer) {
		fmt.Fprintf(t, "records\t%d\n", s.Records)
		fmt.Fprintf(t, "  migrated\t%d\n", s.Outcomes.Migrated)
		fmt.Fprintf(t, "  already migrated\t%d\n", s.Outcomes.AlreadyMigrated)
		fmt.Fprintf(t, "  failed\t%d%s\n", s.Outcomes.Failed, partial(s.Partial))
		fmt.Fprintf(t, "  not attempted\t%d\n", s.Outcomes.NotAttempted)
	})
}

func partial(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(" (%d half-way)", n)
}

func statuses(w io.Writer, s migration.Summary) {
	fmt.Fprintln(w)
	table(w, func(t io.Writer) {
		fmt.Fprintln(t, "status\texpected\tmigrated\tfound")
		statusRow(t, "PENDING", s.Statuses.Pending)
		statusRow(t, "ACTIVE", s.Statuses.Active)
		statusRow(t, "SUSPENDED", s.Statuses.Suspended)
		statusRow(t, "TERMINATED", s.Statuses.Terminated)
	})
}

func statusRow(w io.Writer, name string, c migration.StatusCount) {
	found := "-"
	if c.Found != nil {
		found = fmt.Sprint(*c.Found)
	}
	fmt.Fprintf(w, "  %s\t%d\t%d\t%s\n", name, c.Expected, c.Migrated, found)
}

func problems(w io.Writer, s migration.Summary) {
	if s.Problems == nil || s.Problems.Total+len(s.Problems.Warnings) == 0 {
		return
	}
	fmt.Fprintln(w)
	table(w, func(t io.Writer) {
		fmt.Fprintf(t, "problems in the file\t%d\n", s.Problems.Total)
		byCount(t, "  %s\t%d\n", s.Problems.ByCode)
		byCount(t, "  %s (warning)\t%d\n", s.Problems.Warnings)
	})
}

// byCount writes counted codes, the most frequent first.
func byCount(w io.Writer, format string, counts map[string]int) {
	codes := make([]string, 0, len(counts))
	for code := range counts {
		codes = append(codes, code)
	}
	slices.SortFunc(codes, func(a, b string) int {
		if d := counts[b] - counts[a]; d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	for _, code := range codes {
		fmt.Fprintf(w, format, Plain(code), counts[code])
	}
}

// shownGroups bounds the table of errors; the rest is in errors.csv.
const shownGroups = 10

// groups shows what is to be repaired, and apart from it what only waits for
// that: a thousand records that were never tried say nothing of the four that
// failed.
func groups(w io.Writer, s migration.Summary) {
	causes, consequences := migration.Causes(s.Errors)
	writeGroups(w, "not migrated because of", causes)
	writeGroups(w, "left when the run ended", consequences)
}

func writeGroups(w io.Writer, title string, groups []migration.ErrorGroup) {
	if len(groups) == 0 {
		return
	}
	fmt.Fprintln(w)
	table(w, func(t io.Writer) {
		fmt.Fprintln(t, title+"\tstep\trecords\tfor example")
		for _, g := range groups[:min(len(groups), shownGroups)] {
			examples := g.Examples[:min(len(g.Examples), 3)]
			fmt.Fprintf(t, "  %s\t%s\t%d\t%s\n", Plain(g.Code), orDash(g.Step), g.Count, orDash(strings.Join(examples, ", ")))
		}
		if more := len(groups) - shownGroups; more > 0 {
			fmt.Fprintf(t, "  and %d more kinds\n", more)
		}
	})
}

// shownAudit bounds the audit trail shown; the rest is in audit.ndjson.
const shownAudit = 5

func audit(w io.Writer, s migration.Summary) {
	if len(s.Audit) == 0 {
		return
	}
	fmt.Fprintln(w)
	table(w, func(t io.Writer) {
		fmt.Fprintln(t, "operators")
		for _, e := range s.Audit[max(0, len(s.Audit)-shownAudit):] {
			words := slices.DeleteFunc([]string{Plain(e.Detail), Plain(e.Reason)}, func(s string) bool { return s == "" })
			fmt.Fprintf(t, "  %s\t%s\t%s\t%s\n", Moment(&e.At), Plain(e.By), Plain(e.Action), strings.Join(words, "; "))
		}
	})
}

func files(w io.Writer, s migration.Summary) {
	if len(s.Files) == 0 {
		return
	}
	fmt.Fprintln(w)
	Files(w, s.Files)
}

// Files writes a migration's files with sizes and places, by name.
func Files(w io.Writer, files map[string]migration.FileInfo) {
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	table(w, func(t io.Writer) {
		fmt.Fprintln(t, "files")
		for _, name := range names {
			fmt.Fprintf(t, "  %s\t%s\t%s\n", Plain(name), figures.Bytes(files[name].Bytes), Plain(files[name].URI))
		}
	})
}
