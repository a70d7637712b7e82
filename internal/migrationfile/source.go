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
	windowBytes = 256 << 10
	// A packed file of records is 10 to 50 times smaller; beyond these it is
	// an attack, and would be unpacked for hours.
	ratioLimit = 200
	ratioFloor = 16 << 20
)

// source gives the unpacked bytes of a file through a window and keeps the
// place in lines and columns.
type source struct {
	stored   *meter
	unpacked *bufio.Reader
	gzipped  bool
	buf      []byte
	pos, end int
	read     int64 // unpacked bytes so far
	place    place
	err      error
	progress func()
}

// place counts from 1; columns are characters.
type place struct{ line, column int }

// formatError is damage to the file, as opposed to an input that failed.
type formatError struct{ code, message, hint string }

func (e *formatError) Error() string { return e.message }

func newSource(ctx context.Context, src io.Reader) *source {
	s := &source{
		stored: &meter{ctx: ctx, src: src, sum: sha256.New()},
		buf:    make([]byte, windowBytes),
		place:  place{1, 1},
	}
	s.unpacked, s.err = s.unpack()
	return s
}

// unpack lets the first bytes decide, not the name.
func (s *source) unpack() (*bufio.Reader, error) {
	plain := bufio.NewReaderSize(s.stored, windowBytes)
	if magic, _ := plain.Peek(2); !bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		return plain, s.skipBOM(plain)
	}
	s.gzipped = true
	z, err := gzip.NewReader(plain)
	if errors.Is(err, io.EOF) { // inside the header
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return plain, s.classify(err)
	}
	r := bufio.NewReaderSize(z, windowBytes)
	return r, s.skipBOM(r)
}

func (s *source) skipBOM(r *bufio.Reader) error {
	head, _ := r.Peek(3) // a failing source fails again at the next read
	switch {
	case bytes.Equal(head, []byte{0xef, 0xbb, 0xbf}):
		_, err := r.Discard(3)
		return err
	case len(head) >= 2 && (head[0] == 0xff && head[1] == 0xfe || head[0] == 0xfe && head[1] == 0xff):
		return &formatError{CodeBadUTF8, "the file is UTF-16", "save it as UTF-8"}
	}
	return nil
}

// peek gives the bytes not yet consumed, at least one. At the end it is
// io.EOF, for a damaged file a *formatError, else what went wrong.
func (s *source) peek() ([]byte, error) {
	if s.pos == s.end {
		if err := s.fill(); err != nil {
			return nil, err
		}
	}
	return s.buf[s.pos:s.end], nil
}

func (s *source) fill() error {
	if s.err != nil {
		return s.err
	}
	n, err := io.ReadAtLeast(s.unpacked, s.buf, 1)
	s.pos, s.end = 0, n
	s.read += int64(n)
	if s.progress != nil {
		s.progress()
	}
	switch {
	case err != nil:
		s.err = s.classify(err)
	case s.gzipped && s.read > ratioFloor && s.read/ratioLimit > s.stored.bytes:
		s.err = &formatError{
			CodeGzipRatio, fmt.Sprintf("the file unpacks to more than %d times its size", ratioLimit), "",
		}
	}
	if n > 0 && s.err == nil {
		return nil
	}
	return s.err
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

// after is the place that follows b.
func (p place) after(b []byte) place {
	if n := bytes.Count(b, []byte{'\n'}); n > 0 {
		p.line += n
		p.column = 1
		b = b[bytes.LastIndexByte(b, '\n')+1:]
	}
	for _, c := range b {
		if c&0xc0 != 0x80 { // all but the continuation of a character
			p.column++
		}
	}
	return p
}

// drain reads what is left of the stored bytes, so that size and checksum are
// those of the whole file.
func (s *source) drain() error {
	for {
		_, err := s.stored.Read(s.buf)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read migration file: %w", err)
		}
		if s.progress != nil {
			s.progress()
		}
	}
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
