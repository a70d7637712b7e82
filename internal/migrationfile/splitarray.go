package migrationfile

import (
	"errors"
	"io"
)

// nextElement gives the next element of the array, or what is wrong before it.
func (s *splitter) nextElement() (piece, error) {
	for {
		c, err := s.skipSpace()
		if err != nil {
			return s.broken(err)
		}
		switch {
		case c == ']':
			return s.close()
		case c == ',' && s.needComma:
			s.in.consume(1)
			s.needComma, s.mayClose = false, false
			continue
		case c == ',':
			p, err := s.fault(&formatError{CodeBadJSON, "a comma stands where a record should", ""})
			s.in.consume(1)
			s.mayClose = false
			return p, err
		case s.needComma:
			s.needComma = false
			return s.fault(&formatError{CodeBadJSON, "a comma is missing between two records", ""})
		}
		return s.takeElement()
	}
}

// close ends the array, after which only white space may come. What is wrong
// with both is told as one.
func (s *splitter) close() (piece, error) {
	trailingComma := !s.mayClose && !s.needComma
	at := s.in.place
	s.in.consume(1)
	s.stopped = true
	_, err := s.skipSpace()
	switch {
	case err == nil:
		return s.stop(&formatError{
			CodeTrailingData, "there is more after the end of the array",
			"a file holds one array and nothing else",
		})
	case !errors.Is(err, io.EOF):
		return s.broken(err)
	case trailingComma:
		return piece{record: s.records, place: at, fault: &formatError{
			CodeBadJSON, "a comma stands before the end of the array", "remove it",
		}}, nil
	}
	return piece{}, io.EOF
}

// takeElement takes one JSON value, or as much as looks like one.
func (s *splitter) takeElement() (piece, error) {
	s.records++
	s.needComma, s.mayClose = true, true
	s.raw = s.raw[:0]
	p := piece{record: s.records, place: s.in.place}
	var scan valueScan
	for !scan.done {
		w, err := s.in.peek()
		if errors.Is(err, io.EOF) && scan.scalar {
			break // the array's end is missing, which the next call says
		}
		if errors.Is(err, io.EOF) {
			return s.stop(&formatError{CodeTruncated, "the file ends inside a record", "upload the file again"})
		}
		if err != nil {
			return s.broken(err)
		}
		n := scan.advance(w)
		s.keep(w[:n])
		s.in.consume(n)
		if scan.lineBreak {
			return s.stop(&formatError{
				CodeBadJSON, "a text runs over the end of its line; reading stopped here",
				"a closing quote is missing, or a line break isn't written as \\n",
			})
		}
	}
	p.raw, p.tooLarge = s.raw, len(s.raw) > s.max
	return p, nil
}

// valueScan finds the end of a JSON value by brackets and quotes, over as many
// windows as it takes. Kinds of brackets are the decoder's to match.
type valueScan struct {
	started, scalar, done bool
	inString, escaped     bool
	lineBreak             bool // in a string, where JSON has none
	depth                 int
}

// advance gives how many bytes of w belong to the value.
func (v *valueScan) advance(w []byte) int {
	for i, c := range w {
		switch {
		case v.inString:
			if v.string(c); v.lineBreak {
				return i
			}
		case v.scalar:
			if isDelimiter(c) {
				v.done = true
				return i
			}
		default:
			v.structure(c)
		}
		if v.done {
			return i + 1
		}
	}
	return len(w)
}

func (v *valueScan) string(c byte) {
	switch {
	case c == '\n':
		v.lineBreak = true
	case v.escaped:
		v.escaped = false
	case c == '\\':
		v.escaped = true
	case c == '"':
		v.inString = false
		v.done = v.depth == 0
	}
}

func (v *valueScan) structure(c byte) {
	first := !v.started
	v.started = true
	switch c {
	case '"':
		v.inString = true
	case '{', '[':
		v.depth++
	case '}', ']':
		v.depth--
		v.done = v.depth <= 0
	default:
		v.scalar = first
	}
}

func isDelimiter(c byte) bool {
	switch c {
	case ' ', '\t', '\r', '\n', ',', '[', ']', '{', '}', '"':
		return true
	}
	return false
}
