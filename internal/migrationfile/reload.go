package migrationfile

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/f0a90b9a/ferry/internal/entitlement"
)

// ReloadWriter writes a migration file of records that are still to do: a JSON
// array, one record a line, each as it was supplied but for the entitlementId
// that a partial record gets. It holds one record at a time.
type ReloadWriter struct {
	out     *bufio.Writer
	walker  *walker
	record  []byte // as it is written
	records int
	closed  bool
}

// NewReloadWriter starts a file on w, which the caller closes after Close.
func NewReloadWriter(w io.Writer) *ReloadWriter {
	return &ReloadWriter{out: bufio.NewWriterSize(w, windowBytes), walker: newWalker(0)}
}

// Records is the number of records added.
func (w *ReloadWriter) Records() int { return w.records }

// Add writes the record of a staged line, with or without its line end. An
// entitlementID, the target's of a partial record, takes the place of the
// record's own (null, too) or comes first; empty leaves the record alone. An
// error names no value; after one of the underlying writer the file is
// worthless.
func (w *ReloadWriter) Add(line []byte, entitlementID string) error {
	line = bytes.TrimRight(line, "\r\n")
	if w.closed {
		return errors.New("reload file: already closed")
	}
	if entitlementID != "" && !entitlement.IsUUID(entitlementID) {
		return errors.New("reload file: entitlementId is not a UUID")
	}
	start, end, err := w.idIn(line)
	if err != nil {
		return fmt.Errorf("reload file: record: %w", plainError(err))
	}
	separator := ",\n"
	if w.records == 0 {
		separator = "[\n"
	}
	w.records++
	w.record = append(append(w.record[:0], separator...), line...)
	if entitlementID != "" {
		w.record = append(w.record[:len(separator)+start], idText(line, start, end, entitlementID)...)
		w.record = append(w.record, line[end:]...)
	}
	_, err = w.out.Write(w.record)
	return wrapReload(err)
}

// idIn finds the value of the record's entitlementId; without one, the place
// after the opening brace, twice. Walking the whole record also makes sure
// that what is written is one.
func (w *ReloadWriter) idIn(line []byte) (start, end int, err error) {
	start = bytes.IndexByte(line, '{') + 1
	end = start
	err = w.walker.walk(line, nil, func(m *member) {
		if string(m.name) == entitlement.FieldEntitlementID {
			start, end = m.valueAt, m.valueAt+len(m.value)
		}
	})
	return start, end, err
}

// idText is what goes to the place that idIn has found.
func idText(line []byte, start, end int, id string) string {
	if start < end {
		return `"` + id + `"`
	}
	text := `"` + entitlement.FieldEntitlementID + `":"` + id + `"`
	if rest := bytes.TrimLeft(line[end:], " \t"); len(rest) > 0 && rest[0] != '}' {
		text += ","
	}
	return text
}

// Close ends the array. A file without records is an empty array, which no
// import accepts: leave it out instead.
func (w *ReloadWriter) Close() error {
	if w.closed {
		return nil
	}
	w.closed = true
	end := "\n]\n"
	if w.records == 0 {
		end = "[]\n"
	}
	if _, err := w.out.WriteString(end); err != nil {
		return wrapReload(err)
	}
	return wrapReload(w.out.Flush())
}

func wrapReload(err error) error {
	if err != nil {
		return fmt.Errorf("reload file: %w", err)
	}
	return nil
}

// CopyPart copies some consecutive records of a file that a ReloadWriter wrote
// to dst, as a file of the same form, and gives the number of records in the
// whole of src, which it reads to its end one record at a time.
func CopyPart(dst io.Writer, src io.Reader, skip, take int) (records int, err error) {
	w := NewReloadWriter(dst)
	split := newSplitter(newSource(context.Background(), src), DefaultMaxRecordBytes+2*reloadAllowance)
	b := newBlock()
	for {
		b.reset()
		end := split.fill(b)
		for _, p := range b.pieces {
			if p.fault != nil || p.tooLarge {
				return records, fmt.Errorf("reload file: record %d is none that was written", p.record)
			}
			if records++; records <= skip || records > skip+take {
				continue
			}
			if err := w.Add(b.bytes(p), ""); err != nil {
				return records, err
			}
		}
		switch {
		case errors.Is(end, io.EOF):
			return records, w.Close()
		case end != nil:
			return records, end
		}
	}
}
