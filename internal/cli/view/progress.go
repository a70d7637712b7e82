package view

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/f0a90b9a/ferry/internal/migration"
)

// Progress shows a running migration as it changes. Close ends it; nothing may
// be shown after that.
type Progress interface {
	Show(s migration.Summary)
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
	speed speed
	phase migration.Phase
	last  time.Time
}

func (l *lines) Show(s migration.Summary) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	l.speed.see(now, s)
	if s.Phase == l.phase && now.Sub(l.last) < lineEvery {
		return
	}
	l.phase, l.last = s.Phase, now
	fmt.Fprintln(l.w, progressLine(s, l.speed))
}

func (l *lines) Note(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintln(l.w, plain(text))
}

func (l *lines) Close() {}

// progressLine says everything in one line.
func progressLine(s migration.Summary, v speed) string {
	words := []string{string(s.Phase)}
	if s.Phase == migration.Paused && s.Reason != "" {
		words = append(words, "("+plain(s.Reason)+")")
	}
	if s.Records > 0 {
		words = append(words, fmt.Sprintf("%d of %d records", s.Outcomes.Finished(), s.Records), tally(s))
	}
	if s.Phase == migration.Migrating {
		words = append(words, v.String())
	}
	return strings.Join(slices.DeleteFunc(words, func(w string) bool { return w == "" }), "  ")
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
