package migrationfile

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/f0a90b9a/ferry/internal/entitlement"
)

const (
	numberMessage = " is a number, where a text belongs"
	numberHint    = "export it from its source again, as text: a number has lost its leading zeros, and a long one is rounded, so quotes put around it now may make another of it"
	markedHint    = "remove that character from the name, wherever it stands: it is often the byte order mark of an export"
)

// markedField finds the field whose name it is once what can't be seen is taken
// away, and says what that is.
func markedField(name []byte) (f field, mark string, ok bool) {
	if visible(name) {
		return noField, "", false
	}
	plain := strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.Cf, unicode.Zs, unicode.Zl, unicode.Zp, unicode.Cc) {
			return -1
		}
		return r
	}, string(name))
	found, odd := entitlement.FindInvisible(string(name))
	if f = fieldNamed(plain); f == noField || !odd {
		return noField, "", false
	}
	return f, found.String(), true
}

// visible is nearly every name.
func visible(name []byte) bool {
	for _, c := range name {
		if c <= ' ' || c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// systematic reports whether a problem is one of a whole export rather than of
// the record in which it shows.
func (p *Problem) systematic() bool {
	switch p.Code {
	case entitlement.CodeNotAString:
		return strings.HasSuffix(p.Message, numberMessage)
	case entitlement.CodeInvisibleCharacter:
		return p.Hint == markedHint
	case CodeBadJSON:
		return foreignSyntax(p.Hint) || p.Message == strayMark().message
	}
	return false
}

// foreignSyntax reports whether a hint is about another language than JSON.
func foreignSyntax(hint string) bool {
	for _, h := range syntaxHints[:foreignSyntaxes] {
		if h.hint == hint {
			return true
		}
	}
	return false
}

// foreignSyntaxes are the first of syntaxHints.
const foreignSyntaxes = 10

type systematicKey struct{ code, pointer, message string }

func (p *Problem) key() systematicKey { return systematicKey{p.Code, p.Pointer, p.Message} }

// fold makes one problem of those that say the same of record after record, of
// half of them or more. Of fewer, each keeps its place.
func (c *collector) fold() {
	kept := c.result.Problems[:0]
	told := make(map[systematicKey]bool)
	for _, p := range c.result.Problems {
		key := p.key()
		n := c.repeated[key]
		if n < 2 || 2*n < c.result.Records {
			kept = append(kept, p)
			continue
		}
		if told[key] {
			continue
		}
		told[key] = true
		p.Message += fmt.Sprintf(" (in %d of %d records)", n, c.result.Records)
		c.result.ProblemCounts[p.Code] -= n - 1
		c.problemTotal -= n - 1
		kept = append(kept, p)
	}
	c.result.Problems = kept
}
