package migrationfile

import (
	"bytes"
	"errors"
	"io"
)

// nextLine gives the next line that isn't blank.
func (s *splitter) nextLine() (piece, error) {
	for {
		at := s.in.place
		ended, err := s.takeLine()
		if err != nil {
			return s.broken(err)
		}
		line := s.kept()
		tooLarge := len(line) > s.max
		text := bytes.TrimLeft(line, " \t\r")
		if len(text) > 0 {
			s.records++
			at = at.after(line[:len(line)-len(text)])
			if tooLarge {
				return s.longLine(at)
			}
			s.start += len(line) - len(text)
			s.out.raw = s.out.raw[:s.start+len(bytes.TrimRight(text, " \t\r"))]
			return piece{record: s.records, place: at}, nil
		}
		s.drop()
		if ended {
			s.stopped = true
			return piece{}, io.EOF
		}
	}
}

// longLine is a line that is no record for its length. Old programs end lines
// with CR alone, which makes one line of a file.
func (s *splitter) longLine(at place) (piece, error) {
	p := piece{record: s.records, place: at, tooLarge: true}
	if bytes.ContainsRune(s.kept(), '\r') {
		p.fault = loneReturns(CodeRecordTooLarge, "the line is too long for a record")
	}
	s.drop()
	return p, nil
}

func loneReturns(code, message string) *formatError {
	return &formatError{code, message, "the file has lines that end with CR alone: end them with LF"}
}

// takeLine takes a line without its end; ended says that it is the last.
func (s *splitter) takeLine() (ended bool, err error) {
	for {
		w, err := s.in.peek()
		if errors.Is(err, io.EOF) {
			return true, nil
		}
		if err != nil {
			return false, err
		}
		i := bytes.IndexByte(w, '\n')
		if i < 0 {
			s.keep(w)
			s.in.consume(len(w))
			continue
		}
		s.keep(w[:i])
		s.in.consume(i + 1)
		return false, nil
	}
}
