package migrationfile

import (
	"bytes"
	"unicode/utf8"
)

const (
	scanDepth = 64 // deeper values are the walker's
	scanKeys  = 24 // in one nested object; more are the walker's to compare
)

// scanner goes through the members of a JSON object in one pass over its
// bytes, several times faster than jsontext. It knows valid JSON alone: at the
// first doubt it gives up, and the walker, which can tell what is wrong and
// where, begins anew. So all that a scanner takes, jsontext would take. One
// scanner serves one goroutine.
type scanner struct {
	depth   int // that values may have, at most scanDepth
	raw     []byte
	members []member
	quotes  []quote // where the strings to come end, if that is known
	// tight says that there is no white space between the tokens.
	tight bool
	keys  [][]byte // of the nested objects around the present place
	// doubt says that the keys inside the present value need a closer look.
	doubt bool
}

// scan finds the members of the object that raw is, valid until the next call;
// false if it can't. Quotes are the ends of all strings in raw, or nil.
func (s *scanner) scan(raw []byte, quotes []quote) bool {
	s.raw, s.quotes = raw, quotes
	s.members, s.keys, s.tight = s.members[:0], s.keys[:0], true
	if !utf8.Valid(raw) {
		return false
	}
	i := s.space(0)
	if s.at(i) != '{' {
		return false
	}
	i = s.space(i + 1)
	for s.at(i) != '}' {
		if i = s.member(i); i < 0 {
			return false
		}
		switch s.at(i) {
		case ',':
			if i = s.space(i + 1); s.at(i) == '}' {
				return false
			}
		case '}':
		default:
			return false
		}
	}
	return s.space(i+1) == len(raw)
}

// at gives 0, which is no character of JSON, past the end.
func (s *scanner) at(i int) byte {
	if i < len(s.raw) {
		return s.raw[i]
	}
	return 0
}

func (s *scanner) space(i int) int {
	if s.at(i) > ' ' {
		return i
	}
	start := i
	for isSpace(s.at(i)) {
		i++
	}
	s.tight = s.tight && i == start
	return i
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// member takes a name and its value and gives where the next token is; -1 if
// there is something that it doesn't understand, as do the methods below.
func (s *scanner) member(i int) int {
	end, escaped := s.text(i)
	if end < 0 || escaped {
		return -1
	}
	m := member{name: s.raw[i+1 : end-1], nameAt: i, sure: true}
	if i = s.space(end); s.at(i) != ':' {
		return -1
	}
	m.valueAt = s.space(i + 1)
	if c := s.at(m.valueAt); c == '"' {
		end, m.escaped = s.text(m.valueAt)
	} else {
		s.doubt = false
		end = s.value(m.valueAt, s.depth)
		m.sure = !s.doubt
	}
	if end < 0 {
		return -1
	}
	m.value = s.raw[m.valueAt:end]
	s.members = append(s.members, m)
	return s.space(end)
}

// text gives the end of the string that starts at i.
func (s *scanner) text(i int) (end int, escaped bool) {
	if s.at(i) != '"' {
		return -1, false
	}
	if len(s.quotes) > 0 {
		q := s.quotes[0]
		s.quotes = s.quotes[1:]
		if q&1 == 0 {
			return int(q>>1) + 1, false
		}
	}
	for i = plainRun(s.raw, i+1); s.at(i) == '\\'; i = plainRun(s.raw, i) {
		escaped = true
		if i = s.escape(i + 1); i < 0 {
			return -1, true
		}
	}
	if s.at(i) != '"' {
		return -1, escaped
	}
	return i + 1, escaped
}

// escape takes what follows a backslash.
func (s *scanner) escape(i int) int {
	switch s.at(i) {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 1
	case 'u':
	default:
		return -1
	}
	r := s.unit(i + 1)
	switch {
	case r < 0 || r >= 0xdc00 && r < 0xe000:
		return -1
	case r < 0xd800 || r >= 0xe000:
		return i + 5
	}
	// Half a pair, so the other half must follow.
	if s.at(i+5) != '\\' || s.at(i+6) != 'u' {
		return -1
	}
	if low := s.unit(i + 7); low < 0xdc00 || low >= 0xe000 {
		return -1
	}
	return i + 11
}

// unit reads four hexadecimal digits.
func (s *scanner) unit(i int) int {
	r := 0
	for j := i; j < i+4; j++ {
		switch c := s.at(j); {
		case c >= '0' && c <= '9':
			r = r<<4 | int(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			r = r<<4 | int(c|0x20-'a'+10)
		default:
			return -1
		}
	}
	return r
}

// value takes any value and gives its end.
func (s *scanner) value(i, depth int) int {
	switch c := s.at(i); c {
	case '"':
		end, _ := s.text(i)
		return end
	case '{':
		return s.object(i, depth)
	case '[':
		return s.array(i, depth)
	case 't':
		return s.word(i, "true")
	case 'f':
		return s.word(i, "false")
	case 'n':
		return s.word(i, "null")
	default:
		return s.number(i)
	}
}

func (s *scanner) word(i int, w string) int {
	if i+len(w) <= len(s.raw) && string(s.raw[i:i+len(w)]) == w {
		return i + len(w)
	}
	return -1
}

// number takes -?(0|[1-9]d*)(.d+)?([eE][+-]?d+)? with digits d. What follows
// it is the caller's to judge.
func (s *scanner) number(i int) int {
	if s.at(i) == '-' {
		i++
	}
	if s.at(i) == '0' {
		i++
	} else if i = s.digits(i); i < 0 {
		return -1
	}
	if s.at(i) == '.' {
		if i = s.digits(i + 1); i < 0 {
			return -1
		}
	}
	if s.at(i)|0x20 == 'e' {
		i++
		if c := s.at(i); c == '+' || c == '-' {
			i++
		}
		i = s.digits(i)
	}
	return i
}

// digits takes one or more.
func (s *scanner) digits(i int) int {
	start := i
	for c := s.at(i); c >= '0' && c <= '9'; c = s.at(i) {
		i++
	}
	if i == start {
		return -1
	}
	return i
}

func (s *scanner) array(i, depth int) int {
	if depth == 0 {
		return -1
	}
	if i = s.space(i + 1); s.at(i) == ']' {
		return i + 1
	}
	for {
		if i = s.value(i, depth-1); i < 0 {
			return -1
		}
		i = s.space(i)
		switch s.at(i) {
		case ',':
			i = s.space(i + 1)
		case ']':
			return i + 1
		default:
			return -1
		}
	}
}

func (s *scanner) object(i, depth int) int {
	if depth == 0 {
		return -1
	}
	if i = s.space(i + 1); s.at(i) == '}' {
		return i + 1
	}
	outer := len(s.keys)
	for {
		end, escaped := s.text(i)
		if end < 0 {
			return -1
		}
		s.key(outer, s.raw[i:end], escaped)
		if i = s.space(end); s.at(i) != ':' {
			return -1
		}
		if i = s.value(s.space(i+1), depth-1); i < 0 {
			return -1
		}
		i = s.space(i)
		switch s.at(i) {
		case ',':
			i = s.space(i + 1)
		case '}':
			s.keys = s.keys[:outer]
			return i + 1
		default:
			return -1
		}
	}
}

// key compares a key with those before it in its object. Equal keys and those
// that may be are the walker's to report.
func (s *scanner) key(outer int, key []byte, escaped bool) {
	if s.doubt = s.doubt || escaped || len(s.keys)-outer >= scanKeys; s.doubt {
		return
	}
	for _, k := range s.keys[outer:] {
		if bytes.Equal(k, key) {
			s.doubt = true
			return
		}
	}
	s.keys = append(s.keys, key)
}
