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
)

// member is one key of a record with its value. Its bytes are valid until the
// next one.
type member struct {
	name    []byte // unescaped
	nameAt  int    // where it starts in the record's bytes
	value   jsontext.Value
	valueAt int
}

// walker goes through the members of a JSON object. It is strict about syntax
// and UTF-8 and leaves duplicate keys to its caller, since jsontext stops at
// the first. One walker serves one goroutine.
type walker struct {
	dec, nested *jsontext.Decoder
	name        []byte
}

var (
	tolerant = jsontext.AllowDuplicateNames(true)
	strict   = jsontext.AllowDuplicateNames(false)
)

func newWalker() *walker {
	return &walker{
		dec:    jsontext.NewDecoder(new(bytes.Buffer), tolerant),
		nested: jsontext.NewDecoder(new(bytes.Buffer), strict),
	}
}

// walk calls visit for every member of the object that raw is. The error is
// errNotObject, errTrailing or a *jsontext.SyntacticError; visit's own ends
// the walk.
func (w *walker) walk(raw []byte, visit func(member) error) error {
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
		if err := visit(m); err != nil {
			return err
		}
	}
	if _, err := w.dec.ReadToken(); err != nil {
		return err
	}
	if _, err := w.dec.ReadValue(); !errors.Is(err, io.EOF) {
		return errTrailing
	}
	return nil
}

// duplicateIn finds a key that is twice in one object somewhere inside a
// value that walk has found valid; -1 if there is none.
func (w *walker) duplicateIn(v jsontext.Value) int {
	if k := v.Kind(); k != '{' && k != '[' {
		return -1
	}
	w.nested.Reset(bytes.NewBuffer(v), strict)
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
	inString := false
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		switch {
		case inString && c == '\\':
			dst = append(dst, c)
			i++
			c = raw[i]
		case c == '"':
			inString = !inString
		case inString:
		case c == ' ' || c == '\t' || c == '\r' || c == '\n':
			continue
		}
		dst = append(dst, c)
	}
	return dst
}
