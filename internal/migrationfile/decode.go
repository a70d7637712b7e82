package migrationfile

import (
	"errors"
	"fmt"
	"sync"

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
	record   entitlement.Record
	at       [fieldCount]int    // of the value in the bytes; -1: absent or null
	name     [fieldCount]string // as the file spells it
	bad      [fieldCount]bool   // has a finding
	findings []finding
	unknown  []unknownField
	seen     map[string]bool // names of unknown fields
	scratch  []byte
}

func newDecoder() *decoder { return &decoder{walker: newWalker(), seen: make(map[string]bool)} }

// decode reads one record. The error is the walker's: the bytes are no JSON
// object; what was read before it stays.
func (d *decoder) decode(raw []byte) error {
	d.record = entitlement.Record{}
	d.findings, d.unknown = d.findings[:0], d.unknown[:0]
	d.bad = [fieldCount]bool{}
	d.name = [fieldCount]string{}
	for i := range d.at {
		d.at[i] = -1
	}
	if len(d.seen) > manyUnknown { // clearing takes as long as the largest record so far
		d.seen = make(map[string]bool)
	}
	clear(d.seen)
	return d.walker.walk(raw, d.member)
}

func (d *decoder) member(m member) error {
	number, known := nameNumbers[string(m.name)]
	if !known {
		d.stranger(m)
		return nil
	}
	f := fieldOf(number)
	if d.name[f] == fieldNames[number] {
		d.find(f, m.nameAt, CodeDuplicateKey, fieldNames[number]+" is twice in the record", "")
		return nil
	}
	otherName := d.at[f] >= 0
	d.name[f] = fieldNames[number]
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
	return nil
}

// stranger takes a field that isn't in the table.
func (d *decoder) stranger(m member) {
	name := string(m.name)
	if d.seen[name] {
		d.find(noField, m.nameAt, CodeDuplicateKey, "a key is twice in the record", "")
		return
	}
	d.seen[name] = true
	d.unknown = append(d.unknown, unknownField{name, m.nameAt})
	d.nested(noField, m)
}

func (d *decoder) nested(f field, m member) {
	if i := d.walker.duplicateIn(m.value); i >= 0 {
		d.find(f, m.valueAt+i, CodeDuplicateKey, "a key is twice in one object inside this value", "")
	}
}

func (d *decoder) find(f field, at int, code, message, hint string) {
	if f != noField {
		d.bad[f] = true
	}
	d.findings = append(d.findings, finding{f, at, code, message, hint})
}

func (d *decoder) value(f field, m member) {
	kind := m.value.Kind()
	isString := kind == '"'
	switch {
	case f == extensionData && kind != '{' && !isString:
		d.find(f, m.valueAt, entitlement.CodeNotAnObject, "extensionData is neither an object nor a string", "")
		return
	case f != extensionData && !isString:
		d.find(f, m.valueAt, entitlement.CodeNotAString, fieldNames[f]+" is not a string", "write it in quotes")
		return
	case isString && len(m.value) == len(`""`):
		d.find(f, m.valueAt, entitlement.CodeEmptyString, fieldNames[f]+" is an empty string",
			"leave the field out, or write null")
		return
	}
	if f == extensionData {
		d.record.ExtensionData = append([]byte(nil), m.value...)
		return
	}
	d.scratch = unquote(d.scratch[:0], m.value)
	if f.isDate() {
		d.date(f, m.valueAt)
		return
	}
	*f.text(&d.record) = string(d.scratch)
}

func (d *decoder) date(f field, at int) {
	t, err := entitlement.ParseTime(string(d.scratch))
	if err != nil {
		d.find(f, at, entitlement.CodeBadDate, fmt.Sprintf("%s %v", fieldNames[f], err), "")
		return
	}
	*f.date(&d.record) = &t
}

var decoders = sync.Pool{New: func() any { return newDecoder() }}

// Decode reads a staged line, with or without its line end. Unknown fields are
// passed over and an old reason gets its standard name; whether the record
// keeps the rules was the import's to judge. An error names no value.
func Decode(line []byte) (entitlement.Record, error) {
	d := decoders.Get().(*decoder)
	defer decoders.Put(d)
	if err := d.decode(line); err != nil {
		return entitlement.Record{}, fmt.Errorf("staged record: %w", plainError(err))
	}
	if len(d.findings) > 0 {
		f := d.findings[0]
		return entitlement.Record{}, fmt.Errorf("staged record: %s: %s", f.code, f.message)
	}
	r := d.record
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
