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
