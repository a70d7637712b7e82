package migrationfile

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/f0a90b9a/ferry/internal/entitlement"
)

// finding is something wrong with one field that shows while decoding it.
type finding struct {
	field         field
	at            int // in the record's bytes
	code          string
	message, hint string
}

// manyUnknown fields in one record are no partner's habit.
const manyUnknown = 64

// unknownField is a key that is not in the table of fields.
type unknownField struct {
	name string
	at   int // in the record's bytes
}

// decoder turns a record's bytes into a Record and keeps where each field
// stands. It reports what is wrong with the types and spelling of values; what
// the values say is package entitlement's to judge.
type decoder struct {
	walker   *walker
	record   entitlement.Record // until the next decode; its texts live on
	dates    [dateExpiry - dateCreated + 1]time.Time
	text     string           // the record's bytes, of which its texts are parts
	at       [fieldCount]int  // of the value in the bytes; -1: absent or null
	name     [fieldCount]int8 // as the file spells it, by its place in fieldNames; -1: not there
	bad      [fieldCount]bool // has a finding
	findings []finding
	unknown  []unknownField
	seen     map[string]bool // names of unknown fields
	scratch  []byte
	visit    func(*member)
}

// newDecoder makes a decoder for records of some depth, as newWalker's.
func newDecoder(maxDepth int) *decoder {
	d := &decoder{walker: newWalker(maxDepth), seen: make(map[string]bool)}
	d.visit = d.member
	return d
}

// decode reads one record. The error is the walker's: the bytes are no JSON
// object; what was read before it stays.
func (d *decoder) decode(raw []byte, text string, quotes []quote) error {
	d.text = text
	d.record = entitlement.Record{}
	d.findings, d.unknown = d.findings[:0], d.unknown[:0]
	d.bad = [fieldCount]bool{}
	for i := range d.at {
		d.at[i], d.name[i] = -1, -1
	}
	if len(d.seen) > manyUnknown { // clearing takes as long as the largest record so far
		d.seen = make(map[string]bool)
	}
	if len(d.seen) > 0 {
		clear(d.seen)
	}
	return d.walker.walk(raw, quotes, d.visit)
}

func (d *decoder) member(m *member) {
	number := numberOf(m.name)
	if number < 0 {
		d.stranger(m)
		return
	}
	f := fieldOf(number)
	if int(d.name[f]) == number {
		d.find(f, m.nameAt, CodeDuplicateKey, fieldNames[number]+" is twice in the record", "keep one of the two")
		return
	}
	otherName := d.at[f] >= 0
	d.name[f] = int8(number) //nolint:gosec // one of 24
	d.nested(f, m)
	switch {
	case m.value.Kind() == 'n': // null is absent
	case otherName:
		d.find(f, m.nameAt, CodeDuplicateKey, fieldNames[f]+" is given under two names",
			"give it once, as "+fieldNames[f])
	default:
		d.at[f] = m.valueAt
		d.value(f, m)
	}
}

// stranger takes a field that isn't in the table. One that is but for what
// nobody sees, such as the byte order mark of an export, is that field.
func (d *decoder) stranger(m *member) {
	if f, mark, ok := markedField(m.name); ok {
		d.find(f, m.nameAt, entitlement.CodeInvisibleCharacter, "the name of the field "+fieldNames[f]+" has "+mark, markedHint)
		return
	}
	if d.seen[string(m.name)] {
		d.find(noField, m.nameAt, CodeDuplicateKey, "a key is twice in the record", "keep one of the two")
		return
	}
	name := d.nameOf(m)
	d.seen[name] = true
	d.unknown = append(d.unknown, unknownField{name, m.nameAt})
	d.nested(noField, m)
}

// nameOf gives a member's name, as a part of the record's text if it stands
// there as it is.
func (d *decoder) nameOf(m *member) string {
	start := m.nameAt + len(`"`)
	if end := start + len(m.name); d.text[start:end] == string(m.name) {
		return d.text[start:end]
	}
	return string(m.name)
}

func (d *decoder) nested(f field, m *member) {
	if i := d.walker.duplicateIn(m); i >= 0 {
		d.find(f, m.valueAt+i, CodeDuplicateKey, "a key is twice in one object inside this value", "keep one of the two")
	}
}

func (d *decoder) find(f field, at int, code, message, hint string) {
	if f != noField {
		d.bad[f] = true
	}
	d.findings = append(d.findings, finding{f, at, code, message, hint})
}

func (d *decoder) value(f field, m *member) {
	kind := m.value.Kind()
	isString := kind == '"'
	switch {
	case f == extensionData && kind != '{' && !isString:
		d.find(f, m.valueAt, entitlement.CodeNotAnObject, "extensionData is neither an object nor a string",
			"write an object, or a text in quotes")
	case f != extensionData && !isString:
		d.notAString(f, m)
	case isString && len(m.value) == len(`""`):
		d.find(f, m.valueAt, entitlement.CodeEmptyString, fieldNames[f]+" is an empty string",
			emptyHint(f))
	case f == extensionData:
		d.record.ExtensionData = m.value
	case f.isDate():
		d.date(f, m)
	default:
		*f.text(&d.record) = d.unquote(m)
	}
}

// notAString says what to do about a value of another type. Quotes around a
// number would make an id of it, though perhaps not the one that was meant.
func (d *decoder) notAString(f field, m *member) {
	message, hint := fieldNames[f]+" is not a string", "write it in quotes"
	switch {
	case m.value.Kind() != '0':
	case f.isDate():
		message, hint = fieldNames[f]+numberMessage, entitlement.DateHint("0", nil)
	case f != status && f != notificationURL && f != reasonCategory:
		message, hint = fieldNames[f]+numberMessage, numberHint
	}
	d.find(f, m.valueAt, entitlement.CodeNotAString, message, hint)
}

// unquote gives the text of a string. It outlives the record's bytes.
func (d *decoder) unquote(m *member) string {
	if !m.escaped {
		return d.text[m.valueAt+1 : m.valueAt+len(m.value)-1]
	}
	d.scratch = unquote(d.scratch[:0], m.value)
	return string(d.scratch)
}

func (d *decoder) date(f field, m *member) {
	text := d.unquote(m)
	t, err := entitlement.ParseTime(text)
	if err != nil {
		d.find(f, m.valueAt, entitlement.CodeBadDate, fmt.Sprintf("%s %v", fieldNames[f], err),
			entitlement.DateHint(text, err))
		return
	}
	d.dates[f-dateCreated] = t
	*f.date(&d.record) = &d.dates[f-dateCreated]
}

// take gives the record to somebody who keeps it.
func (d *decoder) take() entitlement.Record {
	r := d.record
	r.ExtensionData = slices.Clone(r.ExtensionData)
	dates := d.dates
	for f := dateCreated; f <= dateExpiry; f++ {
		if at := f.date(&r); *at != nil {
			*at = &dates[f-dateCreated]
		}
	}
	return r
}

var decoders = sync.Pool{New: func() any { return newDecoder(0) }}

// Decode reads a staged line, with or without its line end. Unknown fields are
// passed over and an old reason gets its standard name; whether the record
// keeps the rules was the import's to judge. An error names no value.
func Decode(line []byte) (entitlement.Record, error) {
	d := decoders.Get().(*decoder)
	defer decoders.Put(d)
	if err := d.decode(line, string(line), nil); err != nil {
		return entitlement.Record{}, fmt.Errorf("staged record: %w", plainError(err))
	}
	if len(d.findings) > 0 {
		f := d.findings[0]
		return entitlement.Record{}, fmt.Errorf("staged record: %s: %s", f.code, f.message)
	}
	r := d.take()
	entitlement.NormalizeReason(&r)
	return r, nil
}

// plainError takes what was read out of a decoder's error.
func plainError(err error) error {
	if syntax, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		return fmt.Errorf("not valid JSON at byte %d", syntax.ByteOffset)
	}
	return err
}
