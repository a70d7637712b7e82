package entitlement

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestInvisibleCharactersAreNamedWithTheirPlace(t *testing.T) {
	t.Parallel()
	for id, says := range map[string]string{
		"a ":               "SURROUNDING_SPACE U+0020 SPACE at the end",
		" ":                "SURROUNDING_SPACE U+0020 SPACE at the start",
		"\u00a0a":          "SURROUNDING_SPACE U+00A0 NO-BREAK SPACE at the start",
		"a\u3000":          "SURROUNDING_SPACE U+3000 IDEOGRAPHIC SPACE at the end",
		"a\u202f":          "SURROUNDING_SPACE U+202F NARROW NO-BREAK SPACE at the end",
		"\ufeffa":          "INVISIBLE_CHARACTER U+FEFF ZERO WIDTH NO-BREAK SPACE (byte order mark) at the start",
		"a\u200bb":         "INVISIBLE_CHARACTER U+200B ZERO WIDTH SPACE at position 2",
		"ü\u00adb":         "INVISIBLE_CHARACTER U+00AD SOFT HYPHEN at position 2",
		"ab\u202ecd":       "INVISIBLE_CHARACTER U+202E RIGHT-TO-LEFT OVERRIDE at position 3",
		"ab\u2069":         "INVISIBLE_CHARACTER U+2069 POP DIRECTIONAL ISOLATE at the end",
		"a\u2028b":         "INVISIBLE_CHARACTER U+2028 LINE SEPARATOR at position 2",
		"a\u2029":          "INVISIBLE_CHARACTER U+2029 PARAGRAPH SEPARATOR at the end",
		"a\u2060b":         "INVISIBLE_CHARACTER U+2060 WORD JOINER at position 2",
		"a\u200db":         "INVISIBLE_CHARACTER U+200D ZERO WIDTH JOINER at position 2",
		"a\u200c":          "INVISIBLE_CHARACTER U+200C ZERO WIDTH NON-JOINER at the end",
		"\u0645\u200c":     "INVISIBLE_CHARACTER U+200C ZERO WIDTH NON-JOINER at the end",
		"a\U000E0041b":     "INVISIBLE_CHARACTER U+E0041 TAG CHARACTER at position 2",
		"a\ufe0fb":         "INVISIBLE_CHARACTER U+FE0F VARIATION SELECTOR-16 at position 2",
		"a\u3164":          "INVISIBLE_CHARACTER U+3164 HANGUL FILLER at the end",
		"a\u180eb":         "INVISIBLE_CHARACTER U+180E MONGOLIAN VOWEL SEPARATOR at position 2",
		"a\tb":             "CONTROL_CHARACTER U+0009 CHARACTER TABULATION at position 2",
		"a\u0085":          "CONTROL_CHARACTER U+0085 NEXT LINE at the end",
		"a\x01":            "CONTROL_CHARACTER U+0001 CONTROL CHARACTER at the end",
		"\U0001F469\u200d": "INVISIBLE_CHARACTER U+200D ZERO WIDTH JOINER at the end",
	} {
		found, ok := FindInvisible(id)
		require.True(t, ok, "%+q", id)
		require.Equal(t, says, found.Code+" "+found.String(), "%+q", id)
	}
}

func TestCharactersWithAUseStay(t *testing.T) {
	t.Parallel()
	for name, id := range map[string]string{
		"nothing":            "",
		"ASCII":              "a b-c_d~1",
		"letters":            "Zoë-Ωmega-漢字",
		"Persian":            "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
		"Hindi":              "\u0915\u094d\u200d\u0937",
		"an Arabic sign":     "\u0600\u0661",
		"a family":           "\U0001F468\u200d\U0001F469\u200d\U0001F467",
		"a heart":            "\u2764\ufe0f\u200d\U0001F525",
		"a keycap":           "1\ufe0f\u20e3",
		"a space inside":     "a\u00a0b",
		"a full-width gap":   "漢\u3000字",
		"a combining accent": "e\u0301",
	} {
		found, ok := FindInvisible(id)
		require.False(t, ok, "%s: %s", name, found)
	}
}
