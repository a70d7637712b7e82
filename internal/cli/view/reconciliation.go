package view

import (
	"fmt"
	"io"
	"strings"

	"github.com/f0a90b9a/ferry/internal/migration"
)

// shownDifferences bounds the list of differences; the rest is in the file.
const shownDifferences = 20

// Reconciliation writes how a migration compares with what a platform has.
func Reconciliation(w io.Writer, style Style, r migration.Reconciliation) {
	verdict := style.paint(green, "no difference")
	if n := r.Different(); n > 0 {
		verdict = style.paint(red, number(n, "difference"))
	}
	fmt.Fprintf(w, "%s  %s\n", Plain(r.Migration), verdict)
	table(w, func(t io.Writer) {
		against := "the target"
		if r.Against != migration.AgainstTarget {
			against = "report " + Plain(r.Against)
		}
		fmt.Fprintf(t, "  against\t%s, %s\n", against, Moment(&r.StartedAt))
		fmt.Fprintf(t, "  compared\t%d migrated of %d records\n", r.Checked, r.Records)
		if r.Forgiven > 0 {
			fmt.Fprintf(t, "  forgiven\t%d that differed at the first look alone\n", r.Forgiven)
		}
		if r.Since > 0 {
			fmt.Fprintf(t, "  since\t%d that the run did not migrate, and that are there now\n", r.Since)
		}
		if c := r.Report; c != nil {
			fmt.Fprintf(t, "  report\t%d rows, %d of them of other entitlements\n", c.Rows, c.Others)
			if c.Beyond > 0 {
				fmt.Fprintf(t, "  beyond it\t%d migrated records of which it doesn't speak\n", c.Beyond)
			}
		}
	})
	groupsFound(w, r)
	differences(w, r)
	if len(r.Files) > 0 {
		fmt.Fprintln(w)
		Files(w, r.Files)
	}
}

func groupsFound(w io.Writer, r migration.Reconciliation) {
	fmt.Fprintln(w)
	table(w, func(t io.Writer) {
		fmt.Fprintln(t, "status\texpected\tfound")
		for _, g := range []struct {
			name            string
			expected, found int
		}{
			{"PENDING", r.Expected.Pending, r.Found.Pending},
			{"ACTIVE", r.Expected.Active, r.Found.Active},
			{"SUSPENDED", r.Expected.Suspended, r.Found.Suspended},
			{"TERMINATED", r.Expected.Terminated, r.Found.Terminated},
		} {
			fmt.Fprintf(t, "  %s\t%d\t%d\n", g.name, g.expected, g.found)
		}
	})
}

func differences(w io.Writer, r migration.Reconciliation) {
	if len(r.Kinds) == 0 {
		return
	}
	fmt.Fprintln(w)
	table(w, func(t io.Writer) {
		fmt.Fprintln(t, "differences\tcount")
		for _, k := range r.Kinds {
			fmt.Fprintf(t, "  %s\t%d\n", Plain(k.Result), k.Count)
		}
	})
	fmt.Fprintln(w)
	table(w, func(t io.Writer) {
		fmt.Fprintln(t, "record\texternal id\tentitlement\tresult\tin")
		for _, d := range r.Differences[:min(len(r.Differences), shownDifferences)] {
			fmt.Fprintf(t, "  %d\t%s\t%s\t%s\t%s\n", d.Record, Plain(d.ExternalEntitlementID), orDash(d.EntitlementID),
				Plain(strings.TrimPrefix(d.Result, "Error: ")), orDash(strings.Join(d.Fields, ", ")))
		}
		if more := r.Different() - shownDifferences; more > 0 {
			fmt.Fprintf(t, "  and %d more, see the file\n", more)
		}
	})
}

// ReconciliationProgress says in a line how far a reconciliation is.
func ReconciliationProgress(r migration.Reconciliation) string {
	text := string(r.Phase)
	if r.Records > 0 {
		text += fmt.Sprintf("  %d of %d records", r.Looked, r.Records)
	}
	if r.Reason != "" {
		text += "  (" + Plain(r.Reason) + ")"
	}
	return text
}
