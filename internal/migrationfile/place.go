package migrationfile

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// place counts from 1; columns are characters.
type place struct{ line, column int }

// after is the place that follows b.
func (p place) after(b []byte) place {
	if n := bytes.Count(b, []byte{'\n'}); n > 0 {
		p.line += n
		p.column = 1
		b = b[bytes.LastIndexByte(b, '\n')+1:]
	}
	p.column += characters(b)
	return p
}

// characters counts the bytes that do not continue a character: all but those
// that begin with the bits 10.
func characters(b []byte) int {
	n := len(b)
	for len(b) >= 8 {
		w := binary.LittleEndian.Uint64(b)
		n -= bits.OnesCount64(w &^ (w << 1) & eachHigh)
		b = b[8:]
	}
	for _, c := range b {
		if c&0xc0 == 0x80 {
			n--
		}
	}
	return n
}

// One bit of each of eight bytes.
const (
	eachLow  = 0x0101010101010101
	eachHigh = 0x8080808080808080
)

// plainRun gives the index, from i on, of the first quote, backslash or
// control character in b, len(b) if there is none. It looks at eight bytes at
// once: a byte minus a bound has borrowed if it is smaller, and what differs
// from a quote in no bit is one.
func plainRun(b []byte, i int) int {
	for ; i+8 <= len(b); i += 8 {
		w := binary.LittleEndian.Uint64(b[i:])
		quote, escape := w^('"'*eachLow), w^('\\'*eachLow)
		// Bytes after the first found may be found in error, so only that counts.
		if found := ((quote-eachLow)&^quote | (escape-eachLow)&^escape | (w-' '*eachLow)&^w) & eachHigh; found != 0 {
			return i + bits.TrailingZeros64(found)/8
		}
	}
	for ; i < len(b); i++ {
		if c := b[i]; c == '"' || c == '\\' || c < ' ' {
			return i
		}
	}
	return len(b)
}
