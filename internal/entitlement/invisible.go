package entitlement

import (
	"fmt"
	"unicode"
	"unicode/utf8"
)

// Invisible is a character that nobody sees in a key or id, and that makes
// another key or id of it: a target may trim it, drop it or keep it.
type Invisible struct {
	Code string // CodeControlCharacter, CodeSurroundingSpace or CodeInvisibleCharacter
	Char rune
	At   int // in characters, from 1
	Last bool
}

// FindInvisible finds the first character of a key or id that doesn't belong
// there: a control character; white space of any script at the start or the
// end; a line or paragraph separator; a format character (Unicode's Cf) or
// another that has no shape of its own, where its script has no use for it. The
// joiners U+200C and U+200D are used within words of the scripts that join, and
// U+200D between emoji.
func FindInvisible(s string) (Invisible, bool) {
	if plainASCII(s) {
		return Invisible{}, false
	}
	runes := []rune(s)
	for i, r := range runes {
		var code string
		switch {
		case unicode.IsControl(r):
			code = CodeControlCharacter
		case unicode.In(r, unicode.Zl, unicode.Zp), shapeless(r) && !usedThere(runes, i):
			code = CodeInvisibleCharacter
		case (i == 0 || i == len(runes)-1) && unicode.Is(unicode.Zs, r):
			code = CodeSurroundingSpace
		default:
			continue
		}
		return Invisible{Code: code, Char: r, At: i + 1, Last: i > 0 && i == len(runes)-1}, true
	}
	return Invisible{}, false
}

// plainASCII is most keys and ids: visible ASCII with no blank around it.
func plainASCII(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == ' ' && (i == 0 || i == len(s)-1) {
			return false
		}
	}
	return true
}

// shapeless reports whether a character has no shape of its own: all format
// characters but the signs that stand before digits in Arabic and others, and
// what Unicode says may be ignored when it can't be shown.
func shapeless(r rune) bool {
	return unicode.Is(unicode.Cf, r) && !unicode.Is(unicode.Prepended_Concatenation_Mark, r) ||
		unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// joining are the scripts in whose words a joiner or non-joiner has a meaning.
var joining = []*unicode.RangeTable{
	unicode.Arabic, unicode.Syriac, unicode.Mandaic, unicode.Nko, unicode.Mongolian, unicode.Phags_Pa, unicode.Adlam,
	unicode.Hanifi_Rohingya, unicode.Devanagari, unicode.Bengali, unicode.Gurmukhi, unicode.Gujarati, unicode.Oriya,
	unicode.Tamil, unicode.Telugu, unicode.Kannada, unicode.Malayalam, unicode.Sinhala, unicode.Myanmar, unicode.Khmer,
	unicode.Tibetan, unicode.Thaana, unicode.Grantha, unicode.Newa, unicode.Tirhuta, unicode.Balinese, unicode.Javanese,
}

// usedThere reports whether a shapeless character has a use between its
// neighbours.
func usedThere(runes []rune, i int) bool {
	if i == 0 {
		return false
	}
	before, after := runes[i-1], rune(0)
	if i+1 < len(runes) {
		after = runes[i+1]
	}
	switch r := runes[i]; r {
	case 0x200c, 0x200d:
		return unicode.In(before, joining...) && unicode.In(after, joining...) || r == 0x200d && emoji(before) && emoji(after)
	case 0x180e: // the Mongolian vowel separator
		return unicode.Is(unicode.Mongolian, before) && unicode.Is(unicode.Mongolian, after)
	default:
		return unicode.Is(unicode.Variation_Selector, r) && selectable(before, after)
	}
}

// emoji reports whether a character may be part of a joined emoji.
func emoji(r rune) bool {
	return unicode.In(r, unicode.So, unicode.Sk) || r == 0xfe0f
}

// selectable reports whether a character has variants to be selected.
func selectable(r, after rune) bool {
	keycap := (r >= '0' && r <= '9' || r == '#' || r == '*') && after == 0x20e3
	return keycap || r > 0x7f && unicode.In(r, unicode.So, unicode.Sm, unicode.Po, unicode.Han, unicode.Mongolian, unicode.Myanmar, unicode.Phags_Pa)
}

// String says which character it is and where, and never what stands around it.
func (v Invisible) String() string {
	where := fmt.Sprintf("at position %d", v.At)
	switch {
	case v.At == 1:
		where = "at the start"
	case v.Last:
		where = "at the end"
	}
	return RuneName(v.Char) + " " + where
}

// RuneName is the code point and, of those that are met where they don't belong,
// Unicode's name.
func RuneName(r rune) string {
	name, known := runeNames[r]
	switch {
	case known:
	case unicode.IsControl(r):
		name = "CONTROL CHARACTER"
	case r >= 0xe0020 && r <= 0xe007f:
		name = "TAG CHARACTER"
	case unicode.Is(unicode.Variation_Selector, r):
		name = "VARIATION SELECTOR"
	case unicode.Is(unicode.Cf, r):
		name = "FORMAT CHARACTER"
	case unicode.Is(unicode.Zs, r):
		name = "SPACE CHARACTER"
	case r == utf8.RuneError:
		name = "REPLACEMENT CHARACTER"
	default:
		name = "INVISIBLE CHARACTER"
	}
	return fmt.Sprintf("U+%04X %s", r, name)
}

var runeNames = map[rune]string{
	0x00: "NULL", 0x08: "BACKSPACE", 0x09: "CHARACTER TABULATION", 0x0a: "LINE FEED", 0x0b: "LINE TABULATION",
	0x0c: "FORM FEED", 0x0d: "CARRIAGE RETURN", 0x1b: "ESCAPE", 0x1e: "RECORD SEPARATOR", 0x1f: "UNIT SEPARATOR",
	0x20: "SPACE", 0x7f: "DELETE", 0x85: "NEXT LINE", 0xa0: "NO-BREAK SPACE", 0xad: "SOFT HYPHEN",
	0x034f: "COMBINING GRAPHEME JOINER", 0x061c: "ARABIC LETTER MARK", 0x115f: "HANGUL CHOSEONG FILLER",
	0x1160: "HANGUL JUNGSEONG FILLER", 0x1680: "OGHAM SPACE MARK", 0x180e: "MONGOLIAN VOWEL SEPARATOR",
	0x2000: "EN QUAD", 0x2001: "EM QUAD", 0x2002: "EN SPACE", 0x2003: "EM SPACE", 0x2004: "THREE-PER-EM SPACE",
	0x2005: "FOUR-PER-EM SPACE", 0x2006: "SIX-PER-EM SPACE", 0x2007: "FIGURE SPACE", 0x2008: "PUNCTUATION SPACE",
	0x2009: "THIN SPACE", 0x200a: "HAIR SPACE", 0x200b: "ZERO WIDTH SPACE", 0x200c: "ZERO WIDTH NON-JOINER",
	0x200d: "ZERO WIDTH JOINER", 0x200e: "LEFT-TO-RIGHT MARK", 0x200f: "RIGHT-TO-LEFT MARK", 0x2028: "LINE SEPARATOR",
	0x2029: "PARAGRAPH SEPARATOR", 0x202a: "LEFT-TO-RIGHT EMBEDDING", 0x202b: "RIGHT-TO-LEFT EMBEDDING",
	0x202c: "POP DIRECTIONAL FORMATTING", 0x202d: "LEFT-TO-RIGHT OVERRIDE", 0x202e: "RIGHT-TO-LEFT OVERRIDE",
	0x202f: "NARROW NO-BREAK SPACE", 0x205f: "MEDIUM MATHEMATICAL SPACE", 0x2060: "WORD JOINER", 0x2061: "FUNCTION APPLICATION",
	0x2062: "INVISIBLE TIMES", 0x2063: "INVISIBLE SEPARATOR", 0x2064: "INVISIBLE PLUS", 0x2066: "LEFT-TO-RIGHT ISOLATE",
	0x2067: "RIGHT-TO-LEFT ISOLATE", 0x2068: "FIRST STRONG ISOLATE", 0x2069: "POP DIRECTIONAL ISOLATE",
	0x3000: "IDEOGRAPHIC SPACE", 0x3164: "HANGUL FILLER", 0xfe0e: "VARIATION SELECTOR-15", 0xfe0f: "VARIATION SELECTOR-16",
	0xfeff: "ZERO WIDTH NO-BREAK SPACE (byte order mark)", 0xffa0: "HALFWIDTH HANGUL FILLER",
	0xfff9: "INTERLINEAR ANNOTATION ANCHOR", 0xfffa: "INTERLINEAR ANNOTATION SEPARATOR", 0xfffb: "INTERLINEAR ANNOTATION TERMINATOR",
	0xe0001: "LANGUAGE TAG",
}

// invisibleHints say what to do about such a character.
var invisibleHints = map[string]string{
	CodeControlCharacter:   "remove tabs, line breaks and other control characters from it",
	CodeSurroundingSpace:   "remove the white space around it: a target may trim it, and then knows another",
	CodeInvisibleCharacter: "remove it: it can't be seen, and makes another key or id of what looks the same",
}

func (v *violations) checkInvisible(field, value string) {
	if found, ok := FindInvisible(value); ok {
		v.add(field, found.Code, field+" has "+found.String(), invisibleHints[found.Code])
	}
}
