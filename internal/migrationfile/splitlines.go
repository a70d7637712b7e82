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
		line := bytes.TrimLeft(s.raw, " \t\r")
		at = at.after(s.raw[:len(s.raw)-len(line)])
		if len(line) > 0 {
			s.records++
			p := piece{record: s.records, place: at, tooLarge: len(s.raw) > s.max}
			p.raw = bytes.TrimRight(line, " \t\r")
			return p, nil
		}
		if ended {
			s.stopped = true
			return piece{}, io.EOF
		}
	}
}

// takeLine takes a line without its end; ended says that it is the last.
func (s *splitter) takeLine() (ended bool, err error) {
	s.raw = s.raw[:0]
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
