package migrationfile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/f0a90b9a/ferry/internal/entitlement"
)

// reloadAllowance is what a reload may add to the largest record:
// "entitlementId":"…36 characters…", with room to spare.
const reloadAllowance = 64

// fingerprint stands for a text in memory: keyed by a secret of this import,
// so that nobody can make two texts meet, and saying nothing of the text.
type fingerprint [16]byte

// checked is what the checker found out about one piece.
type checked struct {
	record   int
	place    place  // of the record
	id       string // quotable externalEntitlementId
	problems []Problem
	warnings []Warning
	line     []byte // compact, with its line end; valid until the next piece

	hasID, living bool
	idPrint       fingerprint
	idPlace       place
	customerPrint fingerprint // of customer and merchant, if living
	customerPlace place
	status        entitlement.Status // expected at the end
	steps         []entitlement.Step
	isRecord      bool
}

// checker judges one piece at a time, by itself. One checker serves one
// goroutine; those of an import share seeds.
type checker struct {
	opts    ImportOptions
	seeds   [2]maphash.Seed
	decoder *decoder
	line    []byte
	piece   piece
	out     *checked
	// The last place asked for: offsets mostly ascend, and a record can have
	// thousands of findings.
	atOffset int
	atPlace  place
}

func newChecker(opts ImportOptions) *checker {
	return &checker{
		opts: opts, decoder: newDecoder(),
		seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()},
	}
}

// check finds everything that is wrong with the piece without regard to
// others.
func (c *checker) check(p piece) *checked {
	c.piece, c.atOffset, c.atPlace = p, 0, p.place
	c.out = &checked{record: p.record, place: p.place, isRecord: p.fault == nil}
	switch {
	case p.fault != nil:
		c.problem(0, "", p.fault.code, p.fault.message, p.fault.hint)
	case p.tooLarge:
		c.tooLarge()
	case depthOf(p.raw) > c.opts.MaxDepth:
		c.problem(0, "", CodeTooDeep, fmt.Sprintf("the record is nested deeper than %d levels", c.opts.MaxDepth), "")
	default:
		c.content()
	}
	return c.out
}

func (c *checker) tooLarge() {
	c.problem(0, "", CodeRecordTooLarge, fmt.Sprintf("the record is larger than %d bytes", c.opts.MaxRecordBytes), "")
}

func (c *checker) content() {
	d := c.decoder
	err := d.decode(c.piece.raw)
	r := &d.record
	if quotable(r.ExternalEntitlementID) {
		c.out.id = r.ExternalEntitlementID
	}
	for _, f := range d.findings {
		c.problem(f.at, c.pointer(f.field), f.code, f.message, f.hint)
	}
	if err != nil { // fields may be missing for that alone
		c.broken(err)
		return
	}
	if len(c.piece.raw) > c.opts.MaxRecordBytes && r.EntitlementID == "" {
		c.tooLarge()
	}
	c.violations(entitlement.Validate(r, c.opts.Now))
	if c.opts.Route != nil {
		c.violations(entitlement.CheckRoute(r, c.opts.Route))
	}
	c.unknown()
	c.summarize(r)
}

// broken reports bytes that are no record.
func (c *checker) broken(err error) {
	var syntax *jsontext.SyntacticError
	switch {
	case errors.Is(err, errNotObject):
		c.problem(0, "", entitlement.CodeNotAnObject, "the record is not a JSON object", "")
	case errors.Is(err, errTrailing):
		c.problem(0, "", CodeTrailingData, "there is more after the record on its line", "write one record a line")
	case errors.Is(err, io.ErrUnexpectedEOF):
		c.problem(len(c.piece.raw), "", CodeTruncated, "the record ends too early",
			"a file without [ ] around it holds one whole record a line")
	case errors.As(err, &syntax):
		at := min(int(syntax.ByteOffset), len(c.piece.raw))
		if rest := c.piece.raw[at:]; badText(rest) {
			c.problem(at, "", CodeBadUTF8, "a text is not valid UTF-8", "save the file as UTF-8; \\u escapes of a pair belong together")
			return
		}
		c.problem(at, "", CodeBadJSON, "the record is not valid JSON from here on",
			"look for a missing or doubled quote, comma or bracket")
	default:
		c.problem(0, "", CodeBadJSON, "the record is not valid JSON", "")
	}
}

// violations turns broken rules into problems, but for fields whose value
// could not be read: these are reported already, and only look absent.
func (c *checker) violations(found []entitlement.Violation) {
	for _, v := range found {
		f := fieldNamed(v.Field)
		if f != noField && c.decoder.bad[f] {
			continue
		}
		if v.Warning || v.Code == entitlement.CodeEndPassed && c.opts.Reload {
			c.warning(c.offset(f), v.Field, v.Code, v.Message, v.Hint)
			continue
		}
		pointer := c.pointer(f)
		if f == noField && v.Field != "" {
			pointer = "/" + v.Field
		}
		c.problem(c.offset(f), pointer, v.Code, v.Message, v.Hint)
	}
}

// unknown warns of fields that are kept and never sent.
func (c *checker) unknown() {
	for _, m := range c.decoder.unknown {
		name, hint := "", ""
		if quotable(m.name) && len(m.name) <= 64 {
			name = m.name
			if word, ok := entitlement.Nearest(name, fieldNames[:]); ok {
				hint = "did you mean " + word + "?"
			}
		}
		c.warning(m.at, name, CodeUnknownField, "the field is unknown: kept in the files, never sent to the target", hint)
	}
}

func (c *checker) summarize(r *entitlement.Record) {
	o := c.out
	if o.hasID = r.ExternalEntitlementID != ""; o.hasID {
		o.idPrint = c.fingerprint(r.ExternalEntitlementID)
		o.idPlace = c.at(c.offset(externalID))
	}
	o.status = entitlement.ExpectedStatus(r, c.opts.Now)
	o.living = r.CustomerIdentifier != "" && o.status.Known() && o.status.Living()
	if o.living {
		o.customerPrint = c.fingerprint(r.MerchantAccountKey + "\x00" + r.CustomerIdentifier)
		o.customerPlace = c.at(c.offset(customer))
	}
	if len(o.problems) > 0 {
		return
	}
	o.steps = entitlement.Steps(r, c.opts.Now)
	c.line = append(compact(c.line[:0], c.piece.raw), '\n')
	o.line = c.line
}

func (c *checker) fingerprint(s string) (f fingerprint) {
	binary.LittleEndian.PutUint64(f[:8], maphash.String(c.seeds[0], s))
	binary.LittleEndian.PutUint64(f[8:], maphash.String(c.seeds[1], s))
	return f
}

// offset is where the field's value starts, or the record if it has none.
func (c *checker) offset(f field) int {
	if f == noField || c.decoder.at[f] < 0 {
		return 0
	}
	return c.decoder.at[f]
}

// pointer names the field as the file does.
func (c *checker) pointer(f field) string {
	switch {
	case f == noField:
		return ""
	case c.decoder.name[f] != "":
		return "/" + c.decoder.name[f]
	}
	return "/" + fieldNames[f]
}

func (c *checker) at(offset int) place {
	if offset < c.atOffset {
		c.atOffset, c.atPlace = 0, c.piece.place
	}
	c.atPlace = c.atPlace.after(c.piece.raw[c.atOffset:offset])
	c.atOffset = offset
	return c.atPlace
}

func (c *checker) problem(offset int, pointer, code, message, hint string) {
	at := c.at(offset)
	c.out.problems = append(c.out.problems, Problem{
		Record: c.out.record, Line: at.line, Column: at.column, ExternalEntitlementID: c.out.id,
		Pointer: pointer, Code: code, Message: message, Hint: hint,
	})
}

func (c *checker) warning(offset int, field, code, message, hint string) {
	at := c.at(offset)
	c.out.warnings = append(c.out.warnings, Warning{
		Code: code, Field: field, Count: 1, Record: c.out.record, Line: at.line, Column: at.column,
		Message: message, Hint: hint,
	})
}

// quotable reports whether a text may stand in a message: 1 to 255 visible
// ASCII characters.
func quotable(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return s != "" && len(s) <= entitlement.MaxIDLength
}

// badText tells, of the bytes at which JSON was refused, whether it was for
// their encoding: a byte that starts no character, or half a pair of escapes.
func badText(rest []byte) bool {
	if len(rest) == 0 {
		return false
	}
	if r, size := utf8.DecodeRune(rest); r == utf8.RuneError && size == 1 {
		return true
	}
	return len(rest) >= 6 && rest[0] == '\\' && rest[1] == 'u' && (rest[2]|0x20) == 'd' && isHex(rest[3:6])
}

func isHex(b []byte) bool {
	for _, c := range b {
		if (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'f') {
			return false
		}
	}
	return true
}
