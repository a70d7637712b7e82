package migrationfile

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"sync/atomic"
	"unsafe"

	"github.com/f0a90b9a/ferry/internal/entitlement"
)

// reloadAllowance is what a reload may add to the largest record:
// "entitlementId":"…36 characters…", with room to spare.
const reloadAllowance = 64

// checker judges one piece at a time, by itself. One checker serves one
// goroutine; those of an import make the same fingerprints.
type checker struct {
	opts    ImportOptions
	prints  fingerprinter
	full    *atomic.Bool // nobody keeps problems any more, only their number
	decoder *decoder
	block   *block
	piece   *piece
	raw     []byte // of the piece
	quotes  []quote
	out     *checked
	sound   int    // problems in the block before the piece's own
	id      string // quotable externalEntitlementId, a part of the record's text
	idKept  string // the same, for what outlives the record
	scratch []byte
	// The last place asked for: offsets mostly ascend, and a record can have
	// thousands of findings.
	atOffset int
	atPlace  place
}

// newCheckers makes checkers that work for one import, whose collector says
// when it is full.
func newCheckers(opts ImportOptions, n int, full *atomic.Bool) []*checker {
	prints := newFingerprinter()
	checkers := make([]*checker, n)
	for i := range checkers {
		checkers[i] = &checker{opts: opts, prints: prints, full: full, decoder: newDecoder(opts.MaxDepth)}
	}
	return checkers
}

func (c *checker) checkBlock(b *block) {
	c.block = b
	quotes := 0
	for i := range b.pieces {
		p := &b.pieces[i]
		c.quotes = b.quotes[quotes:p.quotes]
		quotes = p.quotes
		b.checked = append(b.checked, checked{})
		c.out = &b.checked[len(b.checked)-1]
		c.sound = len(b.problems)
		c.check(p)
		c.out.problems, c.out.warnings = len(b.problems), len(b.warnings)
	}
}

// check finds everything that is wrong with the piece without regard to
// others.
func (c *checker) check(p *piece) {
	c.piece, c.raw, c.id, c.idKept = p, c.block.bytes(*p), "", ""
	c.atOffset, c.atPlace = 0, p.place
	switch {
	case p.fault != nil:
		c.problem(0, "", p.fault.code, p.fault.message, p.fault.hint)
	case p.tooLarge:
		c.tooLarge()
	default:
		c.content()
	}
}

func (c *checker) tooLarge() {
	c.problem(0, "", CodeRecordTooLarge, fmt.Sprintf("the record is larger than %d bytes", c.opts.MaxRecordBytes),
		"shorten it: extensionData is mostly what is large")
}

func (c *checker) content() {
	if c.skipMark(); len(c.raw) == 0 {
		return
	}
	d := c.decoder
	err := d.decode(c.raw, borrowed(c.raw), c.quotes)
	r := &d.record
	if quotable(r.ExternalEntitlementID) {
		c.id = r.ExternalEntitlementID
	}
	for _, f := range d.findings {
		c.problem(f.at, c.pointer(f.field), f.code, f.message, f.hint)
	}
	if err != nil { // fields may be missing for that alone
		c.broken(err)
		return
	}
	if len(c.raw) > c.opts.MaxRecordBytes && r.EntitlementID == "" {
		c.tooLarge()
	}
	c.violations(entitlement.Validate(r, c.opts.Now))
	if c.opts.Route != nil {
		c.violations(entitlement.CheckRoute(r, c.opts.Route))
	}
	c.unknown()
	c.summarize(r)
}

// borrowed gives the bytes as a text without a copy, which would cost as much
// as all else that is allocated for a record. It is good until the block is
// filled again: whatever stays longer is cloned (problem, collector.warn).
func borrowed(raw []byte) string {
	return unsafe.String(unsafe.SliceData(raw), len(raw)) //nolint:gosec // see above
}

// skipMark passes over a byte order mark before a line's record.
func (c *checker) skipMark() {
	if rest, found := bytes.CutPrefix(c.raw, []byte(byteOrderMark)); found {
		f := strayMark()
		c.problem(0, "", f.code, f.message, f.hint)
		c.raw = rest
		c.piece.start = c.piece.end - len(rest)
		c.piece.place.column++
		c.atPlace = c.piece.place
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
		c.problem(c.offset(f), pointer, v.Code, v.Message, c.hint(v))
		if v.Code == entitlement.CodeSurroundingSpace || v.Code == entitlement.CodeInvisibleCharacter {
			c.decoder.bad[f] = true // so the route needn't know it
		}
	}
}

// unknown warns of fields that are kept and never sent. The collector adds the
// hint, once a name.
func (c *checker) unknown() {
	for _, m := range c.decoder.unknown {
		name := ""
		if len(m.name) <= longName && quotable(m.name) {
			name = m.name
		}
		c.warning(m.at, name, CodeUnknownField, "the field is unknown: kept in the files, never sent to the target", "")
	}
}

func (c *checker) summarize(r *entitlement.Record) {
	o := c.out
	if o.hasID = r.ExternalEntitlementID != ""; o.hasID {
		c.scratch = append(c.scratch[:0], r.ExternalEntitlementID...)
		o.idPrint, o.idOffset = c.prints.of(c.scratch), c.offset(externalID)
	}
	expected := entitlement.ExpectedStatus(r, c.opts.Now)
	o.living = c.opts.livingLimit() > 0 && r.CustomerIdentifier != "" && expected.Known() && expected.Living()
	if o.living {
		// The length keeps apart what is the merchant's and what the customer's.
		c.scratch = binary.AppendUvarint(c.scratch[:0], uint64(len(r.MerchantAccountKey)))
		c.scratch = append(append(c.scratch, r.MerchantAccountKey...), r.CustomerIdentifier...)
		o.customerPrint, o.customerOffset = c.prints.of(c.scratch), c.offset(customer)
	}
	if len(c.block.problems) > c.sound {
		return
	}
	o.fate = fateOf(r, c.opts.Now)
	before := len(c.block.staged)
	if c.decoder.walker.tight {
		c.block.staged = append(c.block.staged, c.raw...)
	} else {
		c.block.staged = compact(c.block.staged, c.raw)
	}
	c.block.staged = append(c.block.staged, '\n')
	o.line = len(c.block.staged) - before
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
	case c.decoder.name[f] >= 0:
		return "/" + fieldNames[c.decoder.name[f]]
	}
	return "/" + fieldNames[f]
}

func (c *checker) at(offset int) place {
	if offset < c.atOffset {
		c.atOffset, c.atPlace = 0, c.piece.place
	}
	c.atPlace = c.atPlace.after(c.raw[c.atOffset:offset])
	c.atOffset = offset
	return c.atPlace
}

func (c *checker) problem(offset int, pointer, code, message, hint string) {
	if c.full.Load() {
		c.block.problems = append(c.block.problems, Problem{Pointer: pointer, Code: code, Message: message, Hint: hint})
		return
	}
	if c.idKept == "" {
		c.idKept = strings.Clone(c.id)
	}
	at := c.at(offset)
	c.block.problems = append(c.block.problems, Problem{
		Record: c.piece.record, Line: at.line, Column: at.column, ExternalEntitlementID: c.idKept,
		Pointer: pointer, Code: code, Message: message, Hint: hint,
	})
}

func (c *checker) warning(offset int, field, code, message, hint string) {
	at := c.at(offset)
	c.block.warnings = append(c.block.warnings, Warning{
		Code: code, Field: field, Count: 1, Record: c.piece.record, Line: at.line, Column: at.column,
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
