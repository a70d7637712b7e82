package view

import (
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/f0a90b9a/ferry/internal/figures"
)

// bigFile is the size from which on a file is worth a bar.
const bigFile = 8 << 20

// FileProgress shows how far a file has been read. Show may be called from any
// goroutine; after Close nothing may be shown.
type FileProgress interface {
	Show(bytes, records int64)
	Close()
}

// NewFileProgress makes a live bar for a big file if w is a terminal, else a
// plain line every few seconds. A total of -1 is not known.
func NewFileProgress(w io.Writer, terminal bool, name string, total int64) FileProgress {
	if terminal {
		return &fileBar{w: w, name: FileName(name), total: total}
	}
	return &fileLines{w: w, name: FileName(name), total: total, now: time.Now, last: time.Now()}
}

// fileBar appears once the file shows to be big and leaves no trace.
type fileBar struct {
	w       io.Writer
	name    string
	total   int64
	records atomic.Int64

	mu        sync.Mutex
	container *mpb.Progress
	line      *mpb.Bar
}

func (b *fileBar) Show(bytes, records int64) {
	b.records.Store(records)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.container == nil {
		if max(b.total, bytes) < bigFile {
			return
		}
		b.begin()
	}
	b.line.SetCurrent(bytes)
}

func (b *fileBar) begin() {
	after := func(s decor.Statistics) string { return readSoFar(s.Current, b.total, b.records.Load()) }
	b.container = mpb.New(mpb.WithOutput(b.w), mpb.WithAutoRefresh())
	b.line = b.container.AddBar(max(b.total, 0),
		mpb.PrependDecorators(decor.Name(b.name)),
		mpb.AppendDecorators(decor.Any(after)),
	)
}

func (b *fileBar) Close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.container != nil {
		b.line.Abort(true)
		b.container.Wait()
	}
}

type fileLines struct {
	mu    sync.Mutex
	w     io.Writer
	name  string
	total int64
	now   func() time.Time
	last  time.Time
}

func (l *fileLines) Show(bytes, records int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	if now.Sub(l.last) < lineEvery || bytes == l.total {
		return
	}
	l.last = now
	fmt.Fprintf(l.w, "%s: %s\n", l.name, readSoFar(bytes, l.total, records))
}

func (l *fileLines) Close() {}

func readSoFar(bytes, total, records int64) string {
	if total <= 0 {
		return fmt.Sprintf("%s, %d records", figures.Bytes(bytes), records)
	}
	return fmt.Sprintf("%d %% of %s, %d records", 100*min(bytes, total)/total, figures.Bytes(total), records)
}
