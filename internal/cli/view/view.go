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
	default:
		return s.paint(red, string(r))
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

// plain keeps a text to one printable line, so that a name can't move the
// cursor.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 || r >= 0x7f && r < 0xa0 {
			return '?'
		}
		return r
	}, s)
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return plain(s)
}
