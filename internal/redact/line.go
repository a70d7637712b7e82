package redact

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Ellipsis marks the end of a text that was cut.
const Ellipsis = "…"

// Line is the text as valid UTF-8 without control and formatting characters, in one line.
func Line(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
	return strings.Join(strings.Fields(s), " ")
}

// Cut shortens a text to limit bytes, at a rune's edge, and marks the cut with
// Ellipsis. The limit is at least Ellipsis' own length.
func Cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	end := limit - len(Ellipsis)
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + Ellipsis
}
