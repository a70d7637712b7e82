package redact

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestVisible(t *testing.T) {
	t.Parallel()
	for in, out := range map[string]string{
		"":                         "",
		"ext-1 é ß 漢字 – ’ 👍":       "ext-1 é ß 漢字 – ’ 👍",
		"a\nb\r\tc":                `a\nb\r\tc`,
		"ext\u202e1\u2066x\u2069":  `ext\u202e1\u2066x\u2069`,
		"\x1b[31mred\x00":          `\x1b[31mred\x00`,
		"\ufeffid\u00a0":           `\ufeffid\u00a0`,
		"a\u2028b\u2029c\u0085":    `a\u2028b\u2029c\u0085`,
		"a\u200db":                 `a\u200db`,
		"می\u200cخواهم":            "می\u200cخواهم",
		"👩\u200d💻":                 "👩\u200d💻",
		"\u200c\u200d":             `\u200c\u200d`,
		"bad \xff\xfe":             `bad \xff\xfe`,
		"\ufffd is a character":    "\ufffd is a character",
		"tag \U000e0041\U000e007f": `tag \U000e0041\U000e007f`,
	} {
		require.Equal(t, out, Visible(in))
	}
}
