package view

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/migrationfile"
)

// Validation is what a check of one file found: the form of `ferry validate
// --json`, which is that of validation.json with the file's name.
type Validation struct {
	File  string `json:"file"`
	OK    bool   `json:"ok"`
	Error string `json:"error,omitempty"` // why the file can't be read; then there is no Result
	*migrationfile.Result
}

// NewValidation names the file of a result.
func NewValidation(file string, r *migrationfile.Result) Validation {
	return Validation{File: file, OK: r.ProblemTotal() == 0, Result: r}
}

// FileName is how people read the name of a file to be checked: - is stdin.
func FileName(file string) string {
	if file == "-" {
		return "stdin"
	}
	return Plain(file)
}

const (
	shownWarnings = 20
	shownID       = 40 // characters of an external id that a table has room for
)

// WriteValidation writes a file's problems as a table, its warnings, and then
// the verdict and the counts. The Validation must have a Result.
func WriteValidation(w io.Writer, style Style, v Validation) {
	problemTable(w, v)
	warnings(w, v.Warnings)
	verdict := style.paint(green, "accepted")
	if !v.OK {
		verdict = style.paint(red, "rejected") + ", " + number(v.ProblemTotal(), "problem")
	}
	fmt.Fprintf(w, "%s: %s, %s\n", FileName(v.File), number(v.Records, "record"), verdict)
	if v.OK {
		statusCounts(w, v)
	}
}

func problemTable(w io.Writer, v Validation) {
	if v.OK {
		return
	}
	if len(v.Problems) > 0 {
		table(w, func(t io.Writer) {
			fmt.Fprintln(t, "LINE:COL\tRECORD\tID\tCODE\tFIELD\tPROBLEM")
			for _, p := range inPlace(v.Problems) {
				fmt.Fprintf(t, "%d:%d\t%s\t%s\t%s\t%s\t%s\n", p.Line, p.Column, record(p.Record),
					orDash(short(p.ExternalEntitlementID)), Plain(p.Code), orDash(strings.TrimPrefix(p.Pointer, "/")), advice(p.Message, p.Hint))
			}
		})
	}
	if more := v.ProblemTotal() - len(v.Problems); more > 0 {
		fmt.Fprintf(w, "… and %s more; all of them by code:\n", number(more, "problem"))
		problemCounts(w, v.ProblemCounts)
	}
	fmt.Fprintln(w)
}

// inPlace sorts problems by where they are; an import gives those of one
// record in the order of its rules.
func inPlace(problems []migrationfile.Problem) []migrationfile.Problem {
	return slices.SortedStableFunc(slices.Values(problems), func(a, b migrationfile.Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
}

// problemCounts writes the most frequent first.
func problemCounts(w io.Writer, byCode map[string]int) {
	codes := slices.SortedFunc(maps.Keys(byCode), func(a, b string) int {
		return cmp.Or(cmp.Compare(byCode[b], byCode[a]), cmp.Compare(a, b))
	})
	table(w, func(t io.Writer) {
		for _, code := range codes {
			fmt.Fprintf(t, "  %s\t%d\n", Plain(code), byCode[code])
		}
	})
}

func warnings(w io.Writer, all []migrationfile.Warning) {
	for _, one := range all[:min(len(all), shownWarnings)] {
		subject := Plain(one.Code)
		if one.Field != "" {
			subject += " " + Plain(one.Field)
		}
		fmt.Fprintf(w, "warning: %s: %s (%s, the first is record %d at line %d)\n",
			subject, advice(one.Message, one.Hint), number(one.Count, "record"), one.Record, one.Line)
	}
	if more := len(all) - shownWarnings; more > 0 {
		fmt.Fprintf(w, "… and %s more\n", number(more, "kind")+" of warnings")
	}
}

// statusCounts writes the records by status, in the order of a lifecycle.
func statusCounts(w io.Writer, v Validation) {
	table(w, func(t io.Writer) {
		for _, status := range entitlement.AllStatuses() {
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

// number writes a count with its noun.
func number(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// short cuts an id, which is ASCII, to what a table has room for.
func short(id string) string {
	if len(id) <= shownID {
		return id
	}
	return id[:shownID-1] + "…"
}

func advice(message, hint string) string {
	if hint == "" {
		return Plain(message)
	}
	return Plain(message) + " → " + Plain(hint)
}
