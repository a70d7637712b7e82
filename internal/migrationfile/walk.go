package migrationfile

import (
	"bytes"
	"errors"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

var (
	errNotObject = errors.New("not a JSON object")
	errTrailing  = errors.New("more after the record")
	errTooDeep   = errors.New("nested too deep")
)

// member is one key of a record with its value. Its bytes are valid until the
// next one.
type member struct {
	name    []byte // unescaped
	nameAt  int    // where it starts in the record's bytes
	value   jsontext.Value
	valueAt int
	escaped bool // the value is a string with escapes
	sure    bool // no key is twice inside the value
}

// walker goes through the members of a JSON object. It is strict about syntax
// and UTF-8 and leaves duplicate keys to its caller, since jsontext stops at
// the first. One walker serves one goroutine.
type walker struct {
	scanner     scanner
	dec, nested *jsontext.Decoder
	name        []byte
	maxDepth    int  // 0: none
	tight       bool // the record just walked has no white space between tokens
}

var (
	tolerant = jsontext.AllowDuplicateNames(true)
	strict   = jsontext.AllowDuplicateNames(false)
)

// newWalker makes a walker for records of some depth, the record being 1; 0:
// any that jsontext takes.
func newWalker(maxDepth int) *walker {
	w := &walker{
		dec:      jsontext.NewDecoder(new(bytes.Buffer), tolerant),
		nested:   jsontext.NewDecoder(new(bytes.Buffer), strict),
		maxDepth: maxDepth,
	}
	w.scanner.depth = scanDepth
	if maxDepth > 0 {
		w.scanner.depth = min(scanDepth, maxDepth-1)
	}
	return w
}

// walk calls visit for every member of the object that raw is. The error is
// errNotObject, errTrailing, errTooDeep or a *jsontext.SyntacticError. Quotes
// are the ends of all strings in raw, or nil if nobody knows them.
func (w *walker) walk(raw []byte, quotes []quote, visit func(*member)) error {
	if w.scanner.scan(raw, quotes) {
		w.tight = w.scanner.tight
		for i := range w.scanner.members {
			visit(&w.scanner.members[i])
		}
		return nil
	}
	w.tight = false
	if w.maxDepth > 0 && depthOf(raw) > w.maxDepth {
		return errTooDeep
	}
	return w.walkStrictly(raw, visit)
}

// walkStrictly is walk for all that the scanner doesn't take.
func (w *walker) walkStrictly(raw []byte, visit func(*member)) error {
	w.dec.Reset(bytes.NewBuffer(raw), tolerant)
	if w.dec.PeekKind() != '{' {
		return errNotObject
	}
	if _, err := w.dec.ReadToken(); err != nil {
		return err
	}
	for w.dec.PeekKind() != '}' {
		var m member
		key, err := w.dec.ReadValue()
		if err != nil {
			return err
		}
		m.nameAt = int(w.dec.InputOffset()) - len(key)
		w.name = unquote(w.name[:0], key)
		m.name = w.name
		if m.value, err = w.dec.ReadValue(); err != nil {
			return err
		}
		m.valueAt = int(w.dec.InputOffset()) - len(m.value)
		m.escaped = bytes.IndexByte(m.value, '\\') >= 0
		visit(&m)
	}
	if _, err := w.dec.ReadToken(); err != nil {
		return err
	}
	if _, err := w.dec.ReadValue(); !errors.Is(err, io.EOF) {
		return errTrailing
	}
	return nil
}

// duplicateIn finds a key that is twice in one object somewhere inside the
// value of a member; -1 if there is none.
func (w *walker) duplicateIn(m *member) int {
	if k := m.value.Kind(); m.sure || k != '{' && k != '[' {
		return -1
	}
	w.nested.Reset(bytes.NewBuffer(m.value), strict)
	err := w.nested.SkipValue()
	if syntax, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		return int(syntax.ByteOffset)
	}
	return -1
}

// unquote appends the text of a valid JSON string.
func unquote(dst []byte, v jsontext.Value) []byte {
	if bytes.IndexByte(v, '\\') < 0 {
		return append(dst, v[1:len(v)-1]...)
	}
	dst, _ = jsontext.AppendUnquote(dst, v) // the decoder has found it valid
	return dst
}

// depthOf is how deep the brackets of raw go.
func depthOf(raw []byte) int {
	depth, deepest, inString := 0, 0, false
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			depth++
			deepest = max(deepest, depth)
		case c == '}' || c == ']':
			depth--
		}
	}
	return deepest
}

// compact appends valid JSON without the white space between its tokens; all
// else stays byte for byte.
func compact(dst, raw []byte) []byte {
	for i := 0; i < len(raw); {
		start := i
		for i < len(raw) && raw[i] != '"' && !isSpace(raw[i]) {
			i++
		}
		if i < len(raw) && raw[i] == '"' {
			i = stringEnd(raw, i)
		}
		dst = append(dst, raw[start:i]...)
		for i < len(raw) && isSpace(raw[i]) {
			i++
		}
	}
	return dst
}

// stringEnd gives the end of the valid string that starts at i.
func stringEnd(raw []byte, i int) int {
	i = plainRun(raw, i+1)
	for raw[i] != '"' {
		i = plainRun(raw, i+2) // past an escape
	}
	return i + 1
}
