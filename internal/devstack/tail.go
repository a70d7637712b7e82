package devstack

import (
	"bytes"
	"strings"
	"sync"
)

const (
	tailLines = 15
	tailBytes = 16 << 10
)

// tail keeps the end of what a process printed, for the error that says why
// it didn't start. The zero value is ready.
type tail struct {
	mu  sync.Mutex
	buf []byte
}

// Write adds to the tail and never fails.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, p...)
	if over := len(t.buf) - tailBytes; over > 0 {
		t.buf = append(t.buf[:0], t.buf[over:]...)
	}
	return len(p), nil
}

// String gives the last lines, indented, or says that there are none.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	text := strings.TrimSpace(string(bytes.ToValidUTF8(t.buf, nil)))
	if text == "" {
		return "it printed nothing"
	}
	lines := strings.Split(text, "\n")
	lines = lines[max(0, len(lines)-tailLines):]
	return "its last lines:\n  " + strings.Join(lines, "\n  ")
}
