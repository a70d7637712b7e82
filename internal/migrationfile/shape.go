package migrationfile

import (
	"bytes"
	"strings"
	"unicode"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/f0a90b9a/ferry/internal/entitlement"
)

// A file whose records lie in something else, or over several lines, is wrong
// in one way and not in as many as it has lines. So the first value is looked
// at, as far as the window goes, before anything is cut.

// misshapen tells, of the beginning of a file, that it holds JSON but not an
// array of records nor a record a line; nil: it does, or nobody can tell, which
// more of the file may change.
func misshapen(head []byte) (f *formatError, more bool) {
	d := jsontext.NewDecoder(bytes.NewReader(head), tolerant)
	if d.PeekKind() == '[' {
		return misshapenArray(d, head)
	}
	o := outlineOf(d, head)
	if !o.whole && !o.cut { // it is no JSON, which the lines will tell
		return nil, false
	}
	return o.fault(bytes.IndexByte(head[:d.InputOffset()], '\n') >= 0), o.cut
}

// fault is what is wrong with a file that begins with such an object.
func (o *outline) fault(severalLines bool) *formatError {
	switch {
	case o.record && severalLines:
		return &formatError{
			CodeNotRecords, "a record runs over several lines, and no array is around it",
			"put [ before the first record, a comma between two, and ] after the last",
		}
	case o.record:
		return nil
	case o.list:
		return &formatError{
			CodeNotRecords, "the records are inside an object" + under(o.path),
			"take the list out of the object: the file begins with its [ and ends with its ]" + o.nested(),
		}
	case o.inner != nil:
		return &formatError{
			CodeNotRecords, "each record is inside another object" + under(o.inner),
			"take the record out: the file has its { … } and nothing around it",
		}
	case severalLines && o.whole:
		return &formatError{
			CodeNotRecords, "the file begins with an object over several lines that has none of a record's fields",
			"is it the right file? it is one array of records, or one record a line",
		}
	}
	return nil
}

func misshapenArray(d *jsontext.Decoder, head []byte) (f *formatError, more bool) {
	if _, err := d.ReadToken(); err != nil {
		return nil, false //nolint:nilerr // the import itself says what is wrong
	}
	switch d.PeekKind() {
	case '[':
		_, _ = d.ReadToken() // it is one
		switch d.PeekKind() {
		case '"', '0', 'n':
			return &formatError{
				CodeNotRecords, "the array holds rows of values, like a table",
				"write each row as a record, an object with the names of its fields",
			}, false
		case '{':
			return &formatError{
				CodeNotRecords, "the array holds arrays of records", "join them: a file is one array, with a comma between two records",
			}, false
		default:
		}
	case '"':
		if v, err := d.ReadValue(); err == nil && holdsJSON(v) {
			return &formatError{
				CodeNotRecords, "the array holds texts that hold JSON", "write the records as JSON, not as texts in quotes with \\\" inside",
			}, false
		}
	case '{':
		o := outlineOf(d, head)
		if !o.record && o.inner != nil {
			return &formatError{
				CodeNotRecords, "each record is inside another object" + under(o.inner),
				"take the record out: an element of the array is its { … } and nothing around it",
			}, false
		}
		return nil, o.cut && !o.record
	default:
	}
	return nil, false
}

// holdsJSON reports whether a string is an object or array in disguise.
func holdsJSON(v jsontext.Value) bool {
	text := bytes.TrimLeft(unquote(nil, v), " \t\r\n"+byteOrderMark)
	return len(text) > 0 && (text[0] == '{' || text[0] == '[')
}

// outline is what can be told of an object from the names inside it.
type outline struct {
	whole  bool // it was read to its end
	cut    bool // it goes on beyond the window
	record bool // it has fields of a record
	list   bool // it holds a list of objects, or an empty one, at path
	path   []string
	inner  []string // where an object inside it has fields of a record
}

// maxWrapping is as deep as records are looked for.
const maxWrapping = 6

// outlineOf reads an object as far as it takes to tell.
func outlineOf(d *jsontext.Decoder, head []byte) outline {
	var o outline
	_, err := d.ReadToken()
	for err == nil && d.PeekKind() != '}' {
		if d.PeekKind() != '"' {
			err = endOr(d, head)
			break
		}
		var key jsontext.Value
		if key, err = d.ReadValue(); err != nil {
			break
		}
		name := string(unquote(nil, key))
		o.record = o.record || tellsRecord(name)
		err = o.member(d, head, name)
	}
	if err == nil {
		_, err = d.ReadToken()
	}
	o.whole = err == nil
	o.cut = err != nil && atEnd(head, d, err)
	return o
}

// member looks at one value of the object.
func (o *outline) member(d *jsontext.Decoder, head []byte, name string) error {
	switch d.PeekKind() {
	case '[':
		if o.record || o.list || d.StackDepth() > maxWrapping {
			return d.SkipValue()
		}
		return o.array(d, head, name)
	case '{':
		if o.record || o.list || d.StackDepth() > maxWrapping {
			return d.SkipValue()
		}
		in := outlineOf(d, head)
		switch {
		case in.record && o.inner == nil:
			o.inner = []string{name}
		case in.list:
			o.list, o.path, o.inner = true, append([]string{name}, in.path...), in.inner
		case in.inner != nil && o.inner == nil:
			o.inner = append([]string{name}, in.inner...)
		}
		if !in.whole {
			return errCut
		}
		return nil
	default:
		_, err := d.ReadValue()
		return err
	}
}

// array looks at the first element of a list; the rest is like it.
func (o *outline) array(d *jsontext.Decoder, head []byte, name string) error {
	depth := d.StackDepth()
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	switch d.PeekKind() {
	case ']':
		o.list, o.path = true, []string{name}
	case '{':
		in := outlineOf(d, head)
		if in.record || in.inner != nil {
			o.list, o.path, o.inner = true, []string{name}, in.inner
		}
		if !in.whole {
			return errCut
		}
	default:
	}
	for d.StackDepth() > depth {
		if d.PeekKind() == ']' {
			_, err := d.ReadToken()
			return err
		}
		if err := d.SkipValue(); err != nil {
			return err
		}
	}
	return nil
}

// nested says where the records are inside the list's elements.
func (o *outline) nested() string {
	if len(o.inner) == 0 {
		return ""
	}
	return "; a record is what each element has" + under(o.inner)
}

// errCut is an inner object whose end was not reached.
var errCut = &formatError{message: "cut"}

func endOr(d *jsontext.Decoder, _ []byte) error {
	_, err := d.ReadToken()
	if err == nil {
		return errCut
	}
	return err
}

// atEnd reports whether reading stopped for the end of the window, and not for
// something that is no JSON.
func atEnd(head []byte, d *jsontext.Decoder, err error) bool {
	if err == errCut { //nolint:errorlint // the very one
		_, err = d.ReadToken()
	}
	return len(head) > 0 && err != nil && strings.Contains(err.Error(), "unexpected EOF")
}

// tellsRecord reports whether a name is that of a record's field, however it is
// spelt, and of nothing else: many an answer has a status.
func tellsRecord(name string) bool {
	plain := strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, name)
	_, tells := recordNames[plain]
	return tells
}

var recordNames = func() map[string]struct{} {
	names := make(map[string]struct{}, len(fieldNames))
	for _, name := range fieldNames {
		if name != entitlement.FieldStatus {
			names[strings.ToLower(name)] = struct{}{}
		}
	}
	return names
}()

// under names a place inside an object, by names alone that are a program's and
// nobody's own.
func under(path []string) string {
	if len(path) == 0 || len(path) > 4 {
		return ""
	}
	for _, name := range path {
		if len(name) > 32 || strings.IndexFunc(name, func(r rune) bool { return r != '_' && (r|0x20 < 'a' || r|0x20 > 'z') }) >= 0 || name == "" {
			return ""
		}
	}
	return ", under " + strings.Join(path, "/")
}
