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
			p, err := s.fault(&formatError{CodeBadJSON, "a comma stands where a record should", "remove it"})
			s.in.consume(1)
			s.mayClose = false
			return p, err
		case s.needComma:
			s.needComma = false
			return s.fault(&formatError{CodeBadJSON, "a comma is missing between two records", "write one here"})
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
	next, err := s.skipSpace()
	switch {
	case err == nil && next == '[':
		return s.stop(&formatError{
			CodeTrailingData, "a second array begins after the end of the first", "join them: a file is one array, with a comma between two records",
		})
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
	p := piece{record: s.records, place: s.in.place}
	scan := valueScan{quotes: s.out.quotes, max: s.max}
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
		scan.before += n
		if scan.lineBreak {
			return s.stop(&formatError{
				CodeBadJSON, "a text runs over the end of its line; reading stopped here",
				"a closing quote is missing, or a line break isn't written as \\n",
			})
		}
	}
	s.out.quotes = scan.quotes
	if p.tooLarge = len(s.kept()) > s.max; p.tooLarge {
		s.drop()
	}
	if string(s.kept()) == byteOrderMark {
		s.records--
		s.needComma = false
		s.drop()
		p.record, p.fault = s.records, strayMark()
	}
	return p, nil
}

// valueScan finds the end of a JSON value by brackets and quotes, over as many
// windows as it takes. Kinds of brackets are the decoder's to match.
type valueScan struct {
	started, scalar, done bool
	inString, escaped     bool
	lineBreak             bool // in a string, where JSON has none
	depth                 int

	// Where strings end, for the scanner, as far as max.
	quotes      []quote
	before, max int
	odd         bool // the present string needs a closer look
}

// quote is the end of a string in a record's bytes: twice its offset, and 1
// more if the string has escapes or control characters.
type quote uint32

// advance gives how many bytes of w, which is not empty, belong to the value.
func (v *valueScan) advance(w []byte) int {
	i := 0
	if !v.started {
		v.started = true
		v.scalar = w[0] != '"' && !isDelimiter(w[0])
	}
	if v.scalar {
		for i < len(w) && !isDelimiter(w[i]) {
			i++
		}
		v.done = i < len(w)
		return i
	}
	if v.inString {
		i = v.string(w, 0)
	}
	for i < len(w) && !v.done && !v.lineBreak {
		switch w[i] {
		case '"':
			v.inString, v.odd = true, false
			i = v.string(w, i+1)
			continue
		case '{', '[':
			v.depth++
		case '}', ']':
			v.depth--
			v.done = v.depth <= 0
		}
		i++
	}
	return i
}

// string gives the place after the string that w[i] is in, or that of a line
// break in it.
func (v *valueScan) string(w []byte, i int) int {
	if v.escaped && i < len(w) { // since the window before
		v.escaped = false
		if w[i] != '\n' {
			i++
		}
	}
	for i = plainRun(w, i); i < len(w); i = plainRun(w, i) {
		switch w[i] {
		case '"':
			v.inString = false
			v.done = v.depth == 0
			v.quote(v.before + i)
			return i + 1
		case '\n':
			v.lineBreak = true
			return i
		case '\\':
			v.odd = true
			i++
			if v.escaped = i == len(w); v.escaped || w[i] == '\n' {
				continue
			}
		default: // a control character, which the checker reports
			v.odd = true
		}
		i++
	}
	return i
}

func (v *valueScan) quote(at int) {
	if at > v.max {
		return
	}
	q := quote(at) << 1 //nolint:gosec // as large as a record at most
	if v.odd {
		q++
	}
	v.quotes = append(v.quotes, q)
}

func isDelimiter(c byte) bool {
	switch c {
	case ' ', '\t', '\r', '\n', ',', '[', ']', '{', '}', '"':
		return true
	}
	return false
}
