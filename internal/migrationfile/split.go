package migrationfile

import (
	"bytes"
	"errors"
	"io"
)

// layout is how the records of a file stand.
type layout int

const (
	layoutUnknown layout = iota
	layoutArray
	layoutLines
)

// splitter cuts the source into records without judging them: it knows
// brackets, strings and line ends. Once it can't tell records apart it gives
// one piece with a fault and stops.
type splitter struct {
	in      *source
	max     int // bytes of a record that are kept
	layout  layout
	records int
	out     *block
	start   int // of the present piece in out.raw
	quotes  int // of the present piece in out.quotes
	stopped bool
	// In an array: whether a comma must come before the next record, and
	// whether the array may close here.
	needComma, mayClose bool
}

func newSplitter(in *source, maxBytes int) *splitter {
	return &splitter{in: in, max: maxBytes}
}

// fill puts pieces into an empty block until it is full. The error is io.EOF
// with the last, else the input's.
func (s *splitter) fill(b *block) error {
	s.out = b
	for !b.full() {
		s.start, s.quotes = len(b.raw), len(b.quotes)
		p, err := s.next()
		if err != nil {
			return err
		}
		p.start, p.end, p.quotes = s.start, len(b.raw), len(b.quotes)
		b.pieces = append(b.pieces, p)
	}
	return nil
}

// next gives the next piece, its bytes in the block's raw; io.EOF after the
// last. Other errors are the input's.
func (s *splitter) next() (piece, error) {
	if s.stopped {
		return piece{}, io.EOF
	}
	if s.layout == layoutUnknown {
		if p, err := s.begin(); p.fault != nil || err != nil {
			return p, err
		}
	}
	if s.layout == layoutArray {
		return s.nextElement()
	}
	return s.nextLine()
}

// begin lets the first character decide about the layout.
func (s *splitter) begin() (piece, error) {
	c, err := s.skipSpace()
	if errors.Is(err, io.EOF) {
		s.stopped = true
		return piece{}, io.EOF
	}
	if err != nil {
		return s.broken(err)
	}
	if f, err := s.lookAhead(c); f != nil || err != nil {
		if err != nil {
			return s.broken(err)
		}
		return s.stop(f)
	}
	switch c {
	case '[':
		s.layout, s.mayClose = layoutArray, true
		s.in.consume(1)
	case '{':
		s.layout = layoutLines
	}
	return piece{}, nil
}

// lookAhead finds what is wrong with the file as a whole, if its beginning
// tells.
func (s *splitter) lookAhead(first byte) (*formatError, error) {
	head, err := s.in.peek()
	if err != nil {
		return nil, err
	}
	if first != '[' && first != '{' {
		return foreignText(head), nil
	}
	f, more := misshapen(head)
	if f == nil && more {
		f, _ = misshapen(s.in.peekMore())
	}
	return f, nil
}

// skipSpace gives the next character that isn't white space, unconsumed.
func (s *splitter) skipSpace() (byte, error) {
	for {
		w, err := s.in.peek()
		if err != nil {
			return 0, err
		}
		if w[0] > ' ' { // mostly, and cheaper than what follows
			return w[0], nil
		}
		rest := bytes.TrimLeft(w, " \t\r\n")
		s.in.consume(len(w) - len(rest))
		if len(rest) > 0 {
			return rest[0], nil
		}
	}
}

// fault is something wrong at the present place, beyond which one can go on.
func (s *splitter) fault(f *formatError) (piece, error) {
	s.drop()
	return piece{record: s.records, place: s.in.place, fault: f}, nil
}

// stop is something wrong beyond which one can't.
func (s *splitter) stop(f *formatError) (piece, error) {
	s.stopped = true
	return s.fault(f)
}

// broken sorts the errors of the source: damage stops, the end of the file is
// too early here, the rest is the input's.
func (s *splitter) broken(err error) (piece, error) {
	var damage *formatError
	switch {
	case errors.As(err, &damage):
		return s.stop(damage)
	case errors.Is(err, io.EOF):
		return s.stop(&formatError{
			CodeTruncated, "the file ends before its array is closed",
			"upload the file again, or close the array with ]",
		})
	}
	s.stopped = true
	return piece{}, err
}

// keep collects a record's bytes, no more than the largest record has.
func (s *splitter) keep(b []byte) {
	if room := s.max + 1 - len(s.kept()); len(b) > room {
		b = b[:room]
	}
	s.out.raw = append(s.out.raw, b...)
}

// kept are the bytes of the present piece so far.
func (s *splitter) kept() []byte { return s.out.raw[s.start:] }

func (s *splitter) drop() {
	s.out.raw, s.out.quotes = s.out.raw[:s.start], s.out.quotes[:s.quotes]
}
