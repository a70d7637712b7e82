package migrationfile

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
)

const (
	windowBytes = 128 << 10
	firstWindow = 8 << 10 // most files that are read in tests and by hand are small
	packedBytes = 16 << 10
	// A packed file of records is 10 to 50 times smaller; beyond these it is
	// an attack, and would be unpacked for hours.
	ratioLimit = 200
	ratioFloor = 16 << 20
)

// source gives the unpacked bytes of a file through a window and keeps the
// place in lines and columns. Windows are filled to the brim, so how the reads
// of the stored file fall makes no difference.
type source struct {
	stored   *meter
	unpacked io.Reader
	gzipped  bool
	buf      []byte
	pos, end int
	read     int64 // unpacked bytes so far
	place    place
	err      error
	told     bool // err has been given to somebody
	progress func()
}

// formatError is damage to the file, as opposed to an input that failed.
type formatError struct{ code, message, hint string }

func (e *formatError) Error() string { return e.message }

func newSource(ctx context.Context, src io.Reader) *source {
	return &source{
		stored: &meter{ctx: ctx, src: src, sum: sha256.New()},
		buf:    make([]byte, firstWindow),
		place:  place{1, 1},
	}
}

// peek gives the bytes not yet consumed, at least one. At the end it is
// io.EOF, for a damaged file a *formatError, else what went wrong.
func (s *source) peek() ([]byte, error) {
	if s.pos == s.end {
		if err := s.fill(); err != nil {
			s.told = true
			return nil, err
		}
	}
	return s.buf[s.pos:s.end], nil
}

// fill gives what there is before an error, and the error the next time.
func (s *source) fill() error {
	first := s.unpacked == nil
	if first {
		s.err = s.unpack()
	}
	if s.err != nil {
		return s.err
	}
	if !first && len(s.buf) < windowBytes {
		s.buf = make([]byte, windowBytes)
	}
	var err error
	s.pos = 0
	s.end, err = readFull(s.unpacked, s.buf)
	s.read += int64(s.end)
	if s.progress != nil {
		s.progress()
	}
	switch {
	case err != nil:
		s.err = s.classify(err)
	case s.gzipped && s.read > ratioFloor && s.read/ratioLimit > s.stored.bytes:
		s.err = &formatError{
			CodeGzipRatio, fmt.Sprintf("the file unpacks to more than %d times its size", ratioLimit),
			"pack records only, without runs of white space",
		}
	}
	if first {
		s.pos, err = headOf(s.buf[:s.end], s.gzipped)
		if err != nil {
			s.err = err
			s.end = s.pos
		}
	}
	if s.pos < s.end {
		return nil
	}
	return s.err
}

// peekMore is peek with as much more of the file as one window holds.
func (s *source) peekMore() []byte {
	if s.err == nil && len(s.buf) < windowBytes {
		buf := make([]byte, windowBytes)
		n := copy(buf, s.buf[s.pos:s.end])
		m, err := readFull(s.unpacked, buf[n:])
		s.buf, s.pos, s.end = buf, 0, n+m
		s.read += int64(m)
		if err != nil {
			s.err = s.classify(err)
		}
	}
	return s.buf[s.pos:s.end]
}

// readFull fills p unless an error, or the end, comes first; unlike
// io.ReadFull it gives that error as it is.
func readFull(r io.Reader, p []byte) (int, error) {
	n, idle := 0, 0
	for n < len(p) {
		m, err := r.Read(p[n:])
		n += m
		if err != nil {
			return n, err
		}
		if m > 0 {
			idle = 0
		} else if idle++; idle == 100 {
			return n, io.ErrNoProgress
		}
	}
	return n, nil
}

// unpack lets the first bytes decide, not the name.
func (s *source) unpack() error {
	plain := bufio.NewReaderSize(s.stored, packedBytes)
	s.unpacked = plain
	if magic, _ := plain.Peek(2); !bytes.Equal(magic, []byte(gzipMagic)) {
		return nil // a source that failed fails again at the next read
	}
	s.gzipped = true
	z, err := gzip.NewReader(plain)
	if errors.Is(err, io.EOF) { // inside the header
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return s.classify(err)
	}
	s.unpacked = z
	return nil
}

// classify tells damage from an input that failed: the latter the meter saw.
// Only the end of plain or of complete gzip data is io.EOF here.
func (s *source) classify(err error) error {
	switch {
	case s.stored.err != nil:
		return fmt.Errorf("read migration file: %w", s.stored.err)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return &formatError{CodeTruncated, "the gzip data ends too early", "upload the file again"}
	case errors.Is(err, io.EOF):
		return io.EOF
	case errors.Is(err, io.ErrNoProgress) || !s.gzipped:
		return fmt.Errorf("read migration file: %w", err)
	}
	return &formatError{CodeBadGzip, "the gzip data is damaged", "pack and upload the file again"}
}

// consume moves on by n bytes of the window.
func (s *source) consume(n int) {
	s.place = s.place.after(s.buf[s.pos : s.pos+n])
	s.pos += n
}

// drain reads what is left, so that size and checksum are those of the whole
// file. Packed data is unpacked to its end for its own checksum: if that is
// wrong, nothing that was found before means much. Damage that shows only here
// is given back.
func (s *source) drain() (*formatError, error) {
	for s.gzipped && !s.told {
		if b, err := s.peek(); err == nil {
			s.consume(len(b))
		}
	}
	for {
		_, err := readFull(s.stored, s.buf)
		if s.progress != nil {
			s.progress()
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read migration file: %w", err)
		}
	}
	var damage *formatError
	errors.As(s.err, &damage)
	return damage, nil
}

// meter counts and hashes what is read from the stored file.
type meter struct {
	ctx   context.Context
	src   io.Reader
	sum   hash.Hash
	bytes int64
	err   error
}

func (m *meter) Read(p []byte) (int, error) {
	if err := m.ctx.Err(); err != nil {
		m.err = err
		return 0, err
	}
	n, err := m.src.Read(p)
	m.sum.Write(p[:n])
	m.bytes += int64(n)
	if err != nil && err != io.EOF {
		m.err = err
	}
	return n, err
}

func (m *meter) hex() string { return hex.EncodeToString(m.sum.Sum(nil)) }
