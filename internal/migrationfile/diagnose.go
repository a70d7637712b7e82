package migrationfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/f0a90b9a/ferry/internal/entitlement"
)

// broken reports bytes that are no record.
func (c *checker) broken(err error) {
	var syntax *jsontext.SyntacticError
	switch {
	case errors.Is(err, errTooDeep):
		c.problem(0, "", CodeTooDeep, fmt.Sprintf("the record is nested deeper than %d levels", c.opts.MaxDepth),
			"flatten it: extensionData is mostly what is deep")
	case errors.Is(err, errNotObject):
		c.problem(0, "", entitlement.CodeNotAnObject, "the record is not a JSON object", objectHint(c.raw))
	case errors.Is(err, errTrailing):
		hint := "write one record a line"
		if bytes.IndexByte(c.raw, '\r') >= 0 {
			hint = loneReturns("", "").hint
		}
		c.problem(0, "", CodeTrailingData, "there is more after the record on its line", hint)
	case errors.Is(err, io.ErrUnexpectedEOF):
		c.problem(len(c.raw), "", CodeTruncated, "the record ends too early",
			"a file without [ ] around it holds one whole record a line")
	case errors.As(err, &syntax):
		c.syntax(min(int(syntax.ByteOffset), len(c.raw)))
	default:
		c.problem(0, "", CodeBadJSON, "the record is not valid JSON", syntaxHint(nil))
	}
}

func objectHint(raw []byte) string {
	if bytes.HasPrefix(raw, []byte("[")) {
		return "a file is one array of records, or one record a line: not arrays in either"
	}
	if hint, known := knownHint(raw); known && !bytes.HasPrefix(raw, []byte("}")) {
		return hint
	}
	return "write a record as { … }"
}

// syntax reports an error of JSON or of its encoding by what stands there.
func (c *checker) syntax(at int) {
	rest := c.raw[at:]
	if badText(rest) {
		c.problem(at, "", CodeBadUTF8, "a text is not valid UTF-8", "save the file as UTF-8; \\u escapes of a pair belong together")
		return
	}
	c.problem(at, "", CodeBadJSON, "the record is not valid JSON from here on", syntaxHint(rest))
}

// syntaxHints say what to do about what other languages take for JSON, by the
// characters at which it was refused.
var syntaxHints = [...]struct{ start, hint string }{
	{"NaN", "JSON has no NaN: write null"},
	{"Infinity", "JSON has no Infinity: write null"},
	{"-Infinity", "JSON has no Infinity: write null"},
	{"undefined", "write null"},
	{"None", "write null"},
	{"True", "write true"},
	{"False", "write false"},
	{"'", "put texts and keys into double quotes"},
	{"\u2018", "put texts and keys into straight double quotes"},
	{"\u201c", "put texts and keys into straight double quotes"},
	{"//", "remove the comment: JSON has none"},
	{"/*", "remove the comment: JSON has none"},
	{"#", "remove the comment: JSON has none"},
	{"}", "remove the comma before the bracket, or write what is missing"},
	{"]", "remove the comma before the bracket, or write what is missing"},
	{"\x00", "remove the zero bytes: the file is damaged, or not UTF-8"},
	{"\t", "write a tab in a text as \\t"},
	{"\n", "write a line break in a text as \\n"},
	{"\r", "write a line break in a text as \\r"},
	{"\\", "a backslash stands before \" \\ / b f n r t or u with four digits; write \\\\ for itself"},
	{byteOrderMark, "remove the byte order mark: files that are put together keep the mark of each"},
}

func syntaxHint(rest []byte) string {
	if hint, known := knownHint(rest); known {
		return hint
	}
	return "look for a missing or doubled quote, comma or bracket"
}

func knownHint(rest []byte) (hint string, known bool) {
	for _, h := range syntaxHints {
		if bytes.HasPrefix(rest, []byte(h.start)) {
			return h.hint, true
		}
	}
	return "", false
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
