package redact

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/entitlement"
)

func TestRecord(t *testing.T) {
	t.Parallel()
	r := &entitlement.Record{
		CustomerIdentifier: "cust-4711",
		NotificationURL:    "https://p.example.com/n?c=4711&x=1",
		ActivationCode:     "AB\"9",
		ExtensionData:      []byte(`{"a":"Ada Lovelace","b":[1815,{"c":"+49 170"}],"d":"{\"e\":\"inner\"}","f":"","g":true,"h":"x"}`),
	}
	for text, want := range map[string]string{
		"no values at all":                                       "no values at all",
		"customer cust-4711 has one":                             "customer [removed] has one",
		"cust-4711cust-4711":                                     "[removed][removed]",
		"CUST-4711 in capitals":                                  "[removed] in capitals",
		"url https://p.example.com/n?c=4711&x=1!":                "url [removed]!",
		"url https%3A%2F%2Fp.example.com%2Fn%3Fc%3D4711%26x%3D1": "url [removed]",
		`json "https://p.example.com/n?c=4711\u0026x=1"`:         `json "[removed]"`,
		`code AB"9 or "AB\"9"`:                                   `code [removed] or "[removed]"`,
		"ada lovelace born 1815, +49 170, inner":                 "[removed] born [removed], [removed], [removed]",
		"x alone, but not in text or xx":                         "[removed] alone, but not in text or xx",
		"cut within cust-47…":                                    "cut within [removed]…",
		"cut within Ada Love…":                                   "cut within [removed]…",
		"cut elsewhere…":                                         "cut elsewhere…",
		"":                                                       "",
	} {
		require.Equal(t, want, Record(text, r), text)
	}
}

func TestRecordWithoutValues(t *testing.T) {
	t.Parallel()
	r := &entitlement.Record{CustomerIdentifier: " \x00", ExtensionData: []byte(`{"broken`)}
	require.Equal(t, "a text, kept…", Record("a text, kept…", r))
}

func TestValuesThatAreNoText(t *testing.T) {
	t.Parallel()
	require.Equal(t, "a [removed] b", Values("a (.*)+[ b", "(.*)+["))
	require.NotPanics(t, func() { Values("text", "\xff\xfe bad", "") })
}

func TestLine(t *testing.T) {
	t.Parallel()
	require.Equal(t, "a b c d e?", Line(" a\r\nb\tc\u202ed\u2028\x00 e\xff"))
}

func TestCut(t *testing.T) {
	t.Parallel()
	require.Equal(t, "short", Cut("short", 5))
	require.Equal(t, "abcd…", Cut("abcdefgh", 7))
	for limit := 3; limit < 40; limit++ {
		got := Cut(strings.Repeat("äö€", 20), limit)
		require.LessOrEqual(t, len(got), limit)
		require.True(t, strings.HasSuffix(got, Ellipsis))
		require.Equal(t, got, strings.ToValidUTF8(got, "?"))
	}
}
