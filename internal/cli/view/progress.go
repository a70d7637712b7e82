package view

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/f0a90b9a/ferry/internal/figures"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/pace"
)

// Progress shows a running migration as it changes. Close ends it; nothing may
// be shown after that.
type Progress interface {
	// Show takes the state in; pass says how far a pass over the whole file is,
	// if one is under way.
	Show(s migration.Summary, pass string)
	Note(text string) // one line beside the progress
	Close()
}

// lineEvery is the time between two lines of the plain progress.
const lineEvery = 5 * time.Second

// NewProgress makes a live bar if w is a terminal, else plain lines.
func NewProgress(w io.Writer, terminal bool) Progress {
	if terminal {
		return newBar(w)
	}
	return &lines{w: w, now: time.Now}
}

// lines writes a line whenever the phase changes and every few seconds.
type lines struct {
	mu    sync.Mutex
	w     io.Writer
	now   func() time.Time
	meter pace.Meter
	phase migration.Phase
	last  time.Time
}

func (l *lines) Show(s migration.Summary, pass string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	l.meter.See(now, &s)
	if s.Phase == l.phase && now.Sub(l.last) < lineEvery {
		return
	}
	l.phase, l.last = s.Phase, now
	fmt.Fprintln(l.w, progressLine(s, pass, l.meter.Read()))
}

func (l *lines) Note(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintln(l.w, Plain(text))
}

func (l *lines) Close() {}

// progressLine says everything in one line.
func progressLine(s migration.Summary, pass string, v pace.Reading) string {
	words := []string{string(s.Phase)}
	if (s.Phase == migration.Paused || s.Phase == migration.AwaitingApproval) && s.Reason != "" {
		words = append(words, "("+Plain(s.Reason)+")")
	}
	if s.Records > 0 {
		words = append(words, fmt.Sprintf("%d of %d records", s.Outcomes.Finished(), s.Records), tally(s))
	}
	if s.Phase == migration.Migrating {
		words = append(words, tempo(v))
	}
	words = append(words, Plain(pass))
	return strings.Join(slices.DeleteFunc(words, func(w string) bool { return w == "" }), "  ")
}

// tempo gives records per second and the time left, as far as they are known.
func tempo(v pace.Reading) string {
	if !v.Measured || v.PerSecond <= 0 {
		return ""
	}
	text := fmt.Sprintf("%.1f/s", v.PerSecond)
	if v.PerSecond >= 10 {
		text = fmt.Sprintf("%.0f/s", v.PerSecond)
	}
	if v.LeftKnown {
		text += ", " + figures.SpanRange(v.Shortest, v.Longest) + " left"
	}
	return text
}

// tally counts the outcomes that there are.
func tally(s migration.Summary) string {
	var parts []string
	for _, c := range []struct {
		n    int
		what string
	}{
		{s.Outcomes.Migrated, "migrated"},
		{s.Outcomes.AlreadyMigrated, "already there"},
		{s.Outcomes.Failed, "failed"},
	} {
		if c.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", c.n, c.what))
		}
	}
	return strings.Join(parts, ", ")
}
