package view

import (
	"fmt"
	"io"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/migrationfile"
)

var lifecycle = []entitlement.Status{
	entitlement.Pending, entitlement.Active, entitlement.ActiveEnding,
	entitlement.Suspended, entitlement.Cancelled, entitlement.Revoked,
}

// Validation is what a check of one file found: the form of `ferry validate
// --json`.
type Validation struct {
	File string `json:"file"`
	OK   bool   `json:"ok"`
	*migrationfile.Result
}

// NewValidation names the file of a result.
func NewValidation(file string, r *migrationfile.Result) Validation {
	return Validation{File: file, OK: r.ProblemTotal() == 0, Result: r}
}

// WriteValidation writes a file's problems as a table, then its counts.
func WriteValidation(w io.Writer, style Style, v Validation) {
	if !v.OK {
		table(w, func(t io.Writer) {
			fmt.Fprintln(t, "RECORD\tLINE:COL\tID\tFIELD\tCODE\tPROBLEM")
			for _, p := range v.Problems {
				fmt.Fprintf(t, "%s\t%d:%d\t%s\t%s\t%s\t%s\n", record(p.Record), p.Line, p.Column,
					orDash(p.ExternalEntitlementID), orDash(p.Pointer), plain(p.Code), advice(p.Message, p.Hint))
			}
		})
		if more := v.ProblemTotal() - len(v.Problems); more > 0 {
			fmt.Fprintf(w, "… and %d more problems\n", more)
		}
		fmt.Fprintln(w)
	}
	for _, warning := range v.Warnings {
		fmt.Fprintf(w, "warning: %s: %s (%d records, the first is record %d at line %d)\n",
			plain(warning.Code), advice(warning.Message, warning.Hint), warning.Count, warning.Record, warning.Line)
	}
	verdict := style.paint(green, "accepted")
	if !v.OK {
		verdict = style.paint(red, fmt.Sprintf("rejected, %d problems", v.ProblemTotal()))
	}
	fmt.Fprintf(w, "%s: %d records, %s\n", plain(v.File), v.Records, verdict)
	statusCounts(w, v)
}

// statusCounts writes the records by status, in the order of a lifecycle.
func statusCounts(w io.Writer, v Validation) {
	if !v.OK {
		return
	}
	table(w, func(t io.Writer) {
		for _, status := range lifecycle {
			if n := v.Statuses[status]; n > 0 {
				fmt.Fprintf(t, "  %s\t%d\n", status, n)
			}
		}
	})
}

func record(n int) string {
	if n == 0 {
		return "-"
	}
	return fmt.Sprint(n)
}

func advice(message, hint string) string {
	if hint == "" {
		return plain(message)
	}
	return plain(message) + " (" + plain(hint) + ")"
}
