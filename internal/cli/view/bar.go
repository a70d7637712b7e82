package view

import (
	"io"
	"strings"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/pace"
)

// bar is the live progress on a terminal: one bar with its words.
type bar struct {
	container *mpb.Progress
	line      *mpb.Bar

	mu      sync.Mutex
	summary migration.Summary
	pass    string
	meter   pace.Meter
}

func newBar(w io.Writer) *bar {
	b := &bar{container: mpb.New(mpb.WithOutput(w), mpb.WithAutoRefresh())}
	// Spaces are the words' own: where there is no room for a bar, mpb leaves its
	// spaces out with it.
	b.line = b.container.AddBar(0,
		mpb.BarFillerTrim(),
		mpb.PrependDecorators(decor.Any(b.before)),
		mpb.AppendDecorators(decor.Any(b.after)),
	)
	return b
}

func (b *bar) before(decor.Statistics) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return string(b.summary.Phase) + " "
}

func (b *bar) after(decor.Statistics) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	line := strings.TrimPrefix(progressLine(b.summary, b.pass, b.meter.Read()), string(b.summary.Phase))
	return " " + strings.TrimSpace(line)
}

func (b *bar) Show(s migration.Summary, pass string) {
	b.mu.Lock()
	b.summary, b.pass = s, pass
	b.meter.See(time.Now(), &s)
	b.mu.Unlock()
	b.line.SetTotal(int64(s.Records), false)
	b.line.SetCurrent(int64(s.Outcomes.Finished()))
}

func (b *bar) Note(text string) {
	_, _ = io.WriteString(b.container, Plain(text)+"\n")
}

// Close leaves the last state of the bar on the screen.
func (b *bar) Close() {
	b.line.Abort(false)
	b.container.Wait()
}
