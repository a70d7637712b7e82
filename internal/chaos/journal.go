package chaos

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Entry is one line of a journal.
type Entry struct {
	Code   string    `json:"code"`   // names the code that ran
	Commit string    `json:"commit"` // where it came from, as the caller says
	At     time.Time `json:"at"`
	Report
}

// Journal is a file of results, a JSON object a line, to which runs are
// appended, so that one that was stopped can go on.
type Journal struct{ path string }

// OpenJournal takes a file, which need not be there yet.
func OpenJournal(path string) (*Journal, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("results: %w", err)
	}
	return &Journal{path: path}, nil
}

// Done gives the last results of some code, by the plan's name. A line that was
// cut is passed over: its plan is run again.
func (j *Journal) Done(code string) (map[string]Entry, error) {
	done := map[string]Entry{}
	file, err := os.Open(j.path)
	if errors.Is(err, fs.ErrNotExist) {
		return done, nil
	}
	if err != nil {
		return nil, fmt.Errorf("results: %w", err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e Entry
		if json.Unmarshal(lines.Bytes(), &e) == nil && e.Code == code {
			done[e.Name()] = e
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("results: %w", err)
	}
	return done, nil
}

// Append adds a result. It is on the disk when Append returns.
func (j *Journal) Append(e Entry) error {
	line, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("results: %w", err)
	}
	file, err := os.OpenFile(j.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("results: %w", err)
	}
	// A line that was cut before it must not swallow this one.
	_, err = file.Write(append(append([]byte("\n"), line...), '\n'))
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("results: %w", err)
	}
	return nil
}
