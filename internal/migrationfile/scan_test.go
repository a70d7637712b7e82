package migrationfile

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// walked is what a walk tells of a record.
type walked struct {
	members []string
	places  [][2]int
	twice   []int // duplicateIn of each member
	err     string
}

// see walks over raw; strictly: without the scanner.
func see(raw string, quotes []quote, strictly bool) (walked, bool) {
	w := newWalker(0)
	var out walked
	visit := func(m *member) {
		out.members = append(out.members, string(m.name), string(m.value))
		out.places = append(out.places, [2]int{m.nameAt, m.valueAt})
		out.twice = append(out.twice, w.duplicateIn(m))
		if strings.Contains(string(m.value), `\`) && m.value.Kind() == '"' && !m.escaped {
			out.err = "an escape was overlooked"
		}
	}
	walk := w.walkStrictly
	if !strictly {
		walk = func(raw []byte, visit func(*member)) error { return w.walk(raw, quotes, visit) }
	}
	if err := walk([]byte(raw), visit); err != nil {
		out.err = err.Error()
	}
	return out, w.scanner.scan([]byte(raw), quotes)
}

// quotesOf are the ends of the strings of an element, as the splitter sees it;
// ok is false if raw is not one element.
func quotesOf(raw string) (quotes []quote, ok bool) {
	if raw == "" || raw[0] != '{' {
		return nil, false
	}
	scan := valueScan{max: len(raw)}
	n := scan.advance([]byte(raw))
	return scan.quotes, scan.done && n == len(raw)
}

// requireScanAgrees holds the scanner to jsontext: it sees the same members at
// the same places, and takes nothing that jsontext refuses.
func requireScanAgrees(t require.TestingT, raw string) (taken bool) {
	want, _ := see(raw, nil, true)
	got, taken := see(raw, nil, false)
	require.Equal(t, want, got)
	if taken {
		require.Empty(t, want.err)
	}
	if quotes, ok := quotesOf(raw); ok {
		got, takenToo := see(raw, quotes, false)
		require.Equal(t, want, got)
		require.Equal(t, taken, takenToo)
	}
	return taken
}

func TestTheScannerTakesWhatIsSound(t *testing.T) {
	t.Parallel()
	for line := range strings.Lines(madeUp(t, GenOptions{Records: 300, Lines: true})) {
		require.True(t, requireScanAgrees(t, strings.TrimSpace(line)))
	}
	for _, raw := range []string{
		`{}`, ` { } `, `{"a":{}}`, `{"a":[]}`, `{"":""}`, `{"a":0}`, `{"a":-0.10e+5,"b":1E-9}`, `{"a":"\\\"\/\b\f\n\r\t\u00e9\ud83d\ude00"}`,
		"{\t\"a\" :\r\n[ true , false,null ] }", `{"a":[[[{"b":{"c":[1,{"d":2}]}}]]]}`, `{"é":"ノ` + "\x7f\u2028" + `"}`,
	} {
		require.True(t, requireScanAgrees(t, raw), raw)
	}
}

func TestTheScannerTakesNothingElse(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{
		``, ` `, `{`, `}`, `[]`, `"a"`, `{]`, `{,}`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{"a":1 "b":2}`, `{"a":1}}`, `{"a":1}x`, `{a:1}`, `{'a':1}`,
		`{"a":01}`, `{"a":1.}`, `{"a":.1}`, `{"a":+1}`, `{"a":-}`, `{"a":1e}`, `{"a":1e+}`, `{"a":NaN}`, `{"a":Infinity}`, `{"a":tru}`, `{"a":nullx}`,
		`{"a":"`, `{"a":"\`, `{"a":"\x"}`, `{"a":"\u12"}`, `{"a":"\ud800"}`, `{"a":"\udc00\ud800"}`, `{"a":"\ud800\u0041"}`, `{"a":"\ud800x"}`,
		"{\"a\":\"\xff\"}", "{\"a\xc3\":1}", "{\"a\":\"\xed\xa0\x80\"}", "{\"a\":\"\xc0\x80\"}", "{\"a\":\"\x00\"}", "{\"a\":\"\t\"}", "\ufeff{}",
		`{"a":[1,]}`, `{"a":[1 2]}`, `{"a":[}`, `{"a":{"b":1,}}`, `{"a":{"b"}}`, `{"a":{b:1}}`, `{"a":{]}`, "{\"a\":1}\x00",
		`{"a":` + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000) + `}`,
	} {
		require.False(t, requireScanAgrees(t, raw), raw)
	}
}

// Where keys may be equal, the scanner says that it doesn't know.
func TestEqualKeysInsideAValueAreFound(t *testing.T) {
	t.Parallel()
	many := func(last string) string {
		var keys strings.Builder
		for i := range scanKeys + 5 {
			keys.WriteString(`"k` + strings.Repeat("x", i) + `":0,`)
		}
		return `{"a":{` + keys.String() + last + `:0}}`
	}
	for raw, twice := range map[string]bool{
		`{"a":{"b":1,"b":2}}`: true, `{"a":{"b":1,"\u0062":2}}`: true, `{"a":[{"b":1},{"b":2}]}`: false, `{"a":{"b":{"b":{"b":1}}}}`: false,
		`{"a":{"b":1,"c":{"b":1,"d":2},"b":3}}`: true, `{"a":[[{"b":1,"c":[{}],"c":1}]]}`: true, `{"a":{"":1,"":2}}`: true,
		many(`"kx"`): true, many(`"z"`): false,
	} {
		requireScanAgrees(t, raw)
		got, _ := see(raw, nil, false)
		require.Equal(t, twice, got.twice[0] >= 0, raw)
	}
}

// scraps are what mutated records are made with.
var scraps = []string{
	`"`, `\`, "\n", "{", "}", "[", "]", ",", ":", "é", "\xff", `\ud800`, `\u0041`, `\udc00`, "null", "1", "-", "e9", ".5", " ", "\t", "\x00",
	`"a":1,`, `{"a":{"b":1,"b":2}},`, `"x":[1,{}],`, "tru", "NaN", `"status":"X",`, `"":0,`, "00", `"offerKey":"",`, `"productKey":null,`, "\ufeff",
}

// mutated is a text with a few bytes left out and a few scraps put in, mostly
// where the structure is.
func mutated(t *rapid.T, text string) string {
	for range rapid.IntRange(0, 3).Draw(t, "changes") {
		at := rapid.IntRange(0, len(text)).Draw(t, "at")
		if next := strings.IndexAny(text[at:], `{}[],:"`); next >= 0 && rapid.Bool().Draw(t, "at the structure") {
			at += next
		}
		end := min(len(text), at+rapid.IntRange(0, 2).Draw(t, "left out"))
		text = text[:at] + rapid.SampledFrom(append(scraps, "")).Draw(t, "put in") + text[end:]
	}
	return text
}

func TestTheScannerAgreesWithJSONText(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		line := madeUp(t, GenOptions{Records: 1, Seed: rapid.Uint64().Draw(rt, "seed"), Lines: true})
		requireScanAgrees(rt, mutated(rt, strings.TrimSpace(line)))
	})
}

func TestDepthIsTheSameForScannerAndWalker(t *testing.T) {
	t.Parallel()
	nested := func(depth int) string { // the record being 1
		return `{"a":` + strings.Repeat(`[{"b":`, depth/2) + "0" + strings.Repeat("}]", depth/2) + "}"
	}
	for allowed := 1; allowed < 80; allowed++ {
		for _, depth := range []int{1, 3, 5, 31, 33, 63, 65, 67, 79} {
			w := newWalker(allowed)
			err := w.walk([]byte(nested(depth-1)), nil, func(*member) {})
			if depth > allowed {
				require.ErrorIs(t, err, errTooDeep, "%d levels of %d", depth, allowed)
			} else {
				require.NoError(t, err, "%d levels of %d", depth, allowed)
			}
		}
	}
}

func TestCompactLeavesOutWhiteSpaceAlone(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		`{}`: `{}`, " {\r\n\t} ": `{}`, `{ "a b" : [ 1 , "\" ,\\" , "" ] }`: `{"a b":[1,"\" ,\\",""]}`, `{"\\":" \\"} `: `{"\\":" \\"}`,
	} {
		require.Equal(t, want, string(compact(nil, []byte(raw))))
	}
}
