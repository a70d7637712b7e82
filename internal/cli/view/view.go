// Package view writes migrations for people: a summary, lists, problems of a
// file, and live progress. The CLI calls it. It never asks anybody for
// anything and knows no terminal but the writer it is given.
package view

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/f0a90b9a/ferry/internal/migration"
)

// Style says how a writer may be used.
type Style struct {
	Color bool // ANSI colours for results
}

const (
	red    = "31"
	green  = "32"
	yellow = "33"
)

func (s Style) paint(color, text string) string {
	if !s.Color {
		return text
	}
	return "\x1b[" + color + "m" + text + "\x1b[0m"
}

func (s Style) result(r migration.Result) string {
	switch r {
	case migration.Completed, migration.DryRun:
		return s.paint(green, string(r))
	case migration.CompletedWithFailures:
		return s.paint(yellow, string(r))
	default: // from a bucket it may be anything
		return s.paint(red, Plain(string(r)))
	}
}

// table aligns tab-separated columns.
func table(w io.Writer, fill func(t io.Writer)) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fill(t)
	_ = t.Flush()
}

// Moment writes a time in UTC to the second; nil is a dash.
func Moment(t *time.Time) string {
	if t == nil {
		return "-"
	}
	return t.UTC().Format("2006-01-02 15:04:05Z")
}

// Duration writes whole seconds above ten of them, tenths below.
func Duration(d time.Duration) string {
	if d < 10*time.Second {
		return fmt.Sprintf("%.1fs", d.Seconds())
	}
	return d.Round(time.Second).String()
}

// Plain keeps a text to one printable line, so that a name can neither move
// the cursor, nor turn the direction of what is around it, nor hide a part of
// itself: what a terminal would obey or not show is written as its number.
func Plain(s string) string {
	if strings.IndexFunc(s, obeyed) < 0 && utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], "\ufffd"):
			fmt.Fprintf(&b, "\\x%02x", s[i])
		case !obeyed(r):
			b.WriteRune(r)
		case r > 0xffff:
			fmt.Fprintf(&b, "\\U%08x", r)
		default:
			fmt.Fprintf(&b, "\\u%04x", r)
		}
	}
	return b.String()
}

// obeyed reports whether a terminal acts on a character or shows nothing of it:
// controls, format characters (bidirectional ones among them), line and
// paragraph separators.
func obeyed(r rune) bool {
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)
}

// PlainLines is Plain for a text of several lines.
func PlainLines(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = Plain(lines[i])
	}
	return strings.Join(lines, "\n")
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return Plain(s)
}
