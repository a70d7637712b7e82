package migrationfile

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/require"
)

// requireRefused says that a file has problems, each with its place and what
// to do.
func requireRefused(t *testing.T, res *Result) {
	t.Helper()
	require.NotEmpty(t, res.Problems)
	require.Nil(t, res.Index)
	for _, p := range res.Problems {
		require.Positive(t, p.Line, p)
		require.Positive(t, p.Column, p)
		require.NotEmpty(t, p.Message, p)
		require.NotEmpty(t, p.Hint, p)
	}
}

// A file cut anywhere is never taken for a whole one, in whatever layout; of
// lines, those before the cut are whole records.
func TestAFileCutAnywhere(t *testing.T) {
	t.Parallel()
	array, lines := madeUp(t, GenOptions{Records: 3}), madeUp(t, GenOptions{Records: 3, Lines: true})
	b := setup(t)
	for cut := range len(array) - 2 { // the bracket and the last line end
		requireRefused(t, b.text(t, array[:cut]))
	}
	for cut := range len(lines) {
		res := b.text(t, lines[:cut])
		if whole := strings.TrimSuffix(lines[:cut], "\n"); whole != "" && strings.HasSuffix(whole, "}") && strings.HasPrefix(lines[len(whole):], "\n") {
			require.Empty(t, res.Problems, "cut after %d bytes", cut)
			continue
		}
		requireRefused(t, res)
	}
	for _, file := range []string{array, lines} {
		gz := packed(t, file)
		for cut := range len(gz) {
			if cut > 0 {
				requireRefused(t, b.text(t, gz[:cut]))
			}
		}
	}
}

// Damage to packed data shows, whatever it makes of the records.
func TestAByteChangedInPackedData(t *testing.T) {
	t.Parallel()
	b := setup(t)
	gz := packed(t, madeUp(t, GenOptions{Records: 3}))
	for i := len("0123456789"); i < len(gz); i++ { // past the header
		damaged := []byte(gz)
		damaged[i] ^= 0x10
		res := b.read(t, bytes.NewReader(damaged))
		requireRefused(t, res)
		require.Positive(t, res.ProblemCounts[CodeBadGzip]+res.ProblemCounts[CodeTruncated], "byte %d: %v", i, res.ProblemCounts)
		require.Equal(t, int64(len(gz)), res.Bytes)
	}
}

func TestFilesOfAnotherKindAreNamed(t *testing.T) {
	t.Parallel()
	array := "[" + sound(1, "") + "]"
	utf16le := func(s string) string {
		var out []byte
		for _, u := range utf16.Encode([]rune(s)) {
			out = append(out, byte(u), byte(u>>8))
		}
		return string(out)
	}
	swapped := func(s string) string {
		out := []byte(s)
		for i := 0; i+1 < len(out); i += 2 {
			out[i], out[i+1] = out[i+1], out[i]
		}
		return string(out)
	}
	utf32 := strings.NewReplacer("[", "[\x00\x00\x00", "{", "{\x00\x00\x00").Replace("[{")
	for file, words := range map[string][2]string{
		utf16le("\ufeff" + array):          {CodeBadUTF8, "UTF-16"},
		swapped(utf16le("\ufeff" + array)): {CodeBadUTF8, "UTF-16"},
		utf16le(array):                     {CodeBadUTF8, "UTF-16"},
		swapped(utf16le(array)):            {CodeBadUTF8, "UTF-16"},
		utf16le(sound(1, "")):              {CodeBadUTF8, "UTF-16"},
		utf32:                              {CodeBadUTF8, "UTF-32"},
		"\x00\x00\xfe\xff":                 {CodeBadUTF8, "UTF-32"},
		packed(t, packed(t, array)):        {CodeNotJSON, "twice"},
		packed(t, utf16le(array)):          {CodeBadUTF8, "UTF-16"},
		"PK\x03\x04\x14\x00":               {CodeNotJSON, "zip"},
		"\x28\xb5\x2f\xfd\x04":             {CodeNotJSON, "zstd"},
		"BZh91AY&SY":                       {CodeNotJSON, "bzip2"},
		"\xfd7zXZ\x00":                     {CodeNotJSON, "xz"},
	} {
		res := setup(t).text(t, file)
		require.Len(t, res.Problems, 1, words)
		require.Equal(t, words[0], res.Problems[0].Code)
		require.Contains(t, res.Problems[0].Message, words[1])
		require.Equal(t, [2]int{1, 1}, [2]int{res.Problems[0].Line, res.Problems[0].Column})
		require.NotEmpty(t, res.Problems[0].Hint)
		require.Equal(t, int64(len(file)), res.Bytes)
	}
}

// Marks and line ends that stand where they shouldn't are called by name, and
// the records around them are checked all the same.
func TestStrayMarksAndLineEnds(t *testing.T) {
	t.Parallel()
	a, c := sound(1, ""), sound(2, "")
	bad := strings.Replace(c, "ACTIVE", "X", 1)
	status := fmt.Sprintf("2:2:%d /status UNKNOWN_STATUS", strings.Index(bad, `"X"`)+len(" ")+1)
	long := strings.Repeat(a+"\r", DefaultMaxRecordBytes/len(a)+2)
	for name, f := range map[string]struct {
		file string
		want []string
		hint string
	}{
		"a mark in an array":       {"[" + a + ",\n\ufeff" + bad + "]", []string{"1:2:1  BAD_JSON", status}, "byte order|mark of each"},
		"a mark on a line":         {a + "\n\ufeff" + bad + "\n", []string{"2:2:1  BAD_JSON", status}, "mark of each"},
		"a mark alone on a line":   {a + "\n\ufeff\n" + c, []string{"2:2:1  BAD_JSON"}, "mark of each"},
		"two marks at the start":   {"\ufeff\ufeff" + a, []string{"0:1:1  NOT_JSON"}, "first character"},
		"a mark, a repeated id":    {a + "\n\ufeff" + a + "\n", []string{"2:2:1  BAD_JSON", "2:2:27 /externalEntitlementId DUPLICATE_ID", "2:2:56 /customerIdentifier TOO_MANY_LIVING"}, "mark of each"},
		"CR alone ends lines":      {a + "\r" + c + "\r", []string{"1:1:1  TRAILING_DATA"}, "CR alone"},
		"CR alone, a long file":    {long, []string{"1:1:1  RECORD_TOO_LARGE"}, "CR alone"},
		"zero bytes at the end":    {"[" + a + "]\x00\x00", []string{fmt.Sprintf("1:1:%d  TRAILING_DATA", len(a)+3)}, "nothing else"},
		"zero bytes between":       {a + "\n\x00\x00\n" + c, []string{"2:2:1  NOT_AN_OBJECT"}, "zero bytes"},
		"an array among the lines": {a + "\n[" + c + "]\n", []string{"2:2:1  NOT_AN_OBJECT"}, "not arrays"},
		"lines after the array":    {"[" + a + "]\n" + c, []string{"1:2:1  TRAILING_DATA"}, "one array"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			res := setup(t).text(t, f.file)
			require.Equal(t, f.want, refused(res))
			requireRefused(t, res)
			words := strings.Split(f.hint, "|")
			require.Contains(t, res.Problems[0].Hint, words[len(words)-1])
		})
	}
}

// What other languages take for JSON gets the hint that fits.
func TestHintsOfSyntax(t *testing.T) {
	t.Parallel()
	for value, hint := range map[string]string{
		"NaN": "null", "-Infinity": "null", "Infinity": "null", "undefined": "null", "None": "null", "True": "true", "False": "false",
		"'x'": "double quotes", "“x”": "straight", "1, // x": "comment", "/* x */ 1": "comment", "# x": "comment", "[1,]": "comma",
		"\"a\tb\"": `\t`, `"\x"`: `\\`, "\"a\x00b\"": "zero", "1;": "missing or doubled",
	} {
		res := setup(t).text(t, "["+sound(1, `,"x":`+value)+"]")
		require.Equal(t, map[string]int{CodeBadJSON: 1}, res.ProblemCounts, value)
		require.Contains(t, res.Problems[0].Hint, hint, value)
	}
}

// endless gives the same bytes over and over, so many times.
type endless struct {
	text  string
	times int
	at    int
}

// inBulk makes the text longer and the times fewer.
func (e *endless) inBulk() {
	for len(e.text) < 1<<10 && e.times%2 == 0 {
		e.text, e.times = e.text+e.text, e.times/2
	}
}

func (e *endless) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) && e.times > 0 {
		m := copy(p[n:], e.text[e.at:])
		n += m
		if e.at += m; e.at == len(e.text) {
			e.at = 0
			e.times--
		}
	}
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

// Files that would fill the memory, or take hours, if they were read naively.
func TestGiants(t *testing.T) { //nolint:paralleltest // what others allocate would be counted
	const mib = 1 << 20
	for name, f := range map[string]struct { //nolint:paralleltest // as above
		start string
		then  *endless
		end   string
		want  map[string]int
	}{
		"a text without an end": {`[{"a":"`, &endless{text: "x", times: 32 * mib}, "", map[string]int{CodeTruncated: 1}},
		"a long text":           {`[{"a":"`, &endless{text: "x", times: 32 * mib}, `"}]`, map[string]int{CodeRecordTooLarge: 1}},
		"a text of escapes":     {`[{"a":"`, &endless{text: `\\`, times: 8 * mib}, `"}]`, map[string]int{CodeRecordTooLarge: 1}},
		"a record of texts":     {`[{"a":[`, &endless{text: `"",`, times: 8 * mib}, `""]}]`, map[string]int{CodeRecordTooLarge: 1}},
		"a line without an end": {`{"a":"`, &endless{text: "x", times: 32 * mib}, "", map[string]int{CodeRecordTooLarge: 1}},
		"brackets":              {"", &endless{text: "[", times: 32 * mib}, "", map[string]int{CodeTruncated: 1}},
		"braces":                {"", &endless{text: `{"a":`, times: 4 * mib}, "", map[string]int{CodeRecordTooLarge: 1}},
		"blanks":                {"[", &endless{text: " ", times: 32 * mib}, "]", map[string]int{CodeNoRecords: 1}},
		"blanks on lines":       {"", &endless{text: strings.Repeat(" ", 999) + "\n", times: 32 << 10}, "", map[string]int{CodeNoRecords: 1}},
		"commas":                {"[", &endless{text: ",", times: mib / 4}, "]", map[string]int{CodeBadJSON: mib/4 + 1}},
		"empty records":         {"[", &endless{text: "{},", times: mib / 16}, "{}]", map[string]int{"REQUIRED": 6 * (mib/16 + 1)}},
		"a number":              {"[", &endless{text: "1", times: 32 * mib}, "]", map[string]int{CodeRecordTooLarge: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			b := setup(t)
			b.opts.MaxProblems = 100
			f.then.inBulk()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			res := b.read(t, io.MultiReader(strings.NewReader(f.start), f.then, strings.NewReader(f.end)))
			runtime.ReadMemStats(&after)
			if res.ProblemTotal() < 100 { // what checking a record leaves behind is soon collected
				require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(4*mib))
			}
			require.Equal(t, f.want, res.ProblemCounts)
			requireRefused(t, res)
			require.LessOrEqual(t, len(res.Problems), 100)
		})
	}
}

// A bomb is not unpacked to its end, wherever it stands.
func TestGzipBombs(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"between records": "[" + sound(1, "") + ", ", "in a text": `[{"a":"`, "after the array": "[" + sound(1, "") + "]", "after damage": "[]x",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var bomb bytes.Buffer
			z, err := gzip.NewWriterLevel(&bomb, gzip.BestSpeed)
			require.NoError(t, err)
			blank := strings.Repeat(" ", 1<<20)
			_, err = io.Copy(z, io.MultiReader(strings.NewReader(text), &endless{text: blank, times: 20}))
			require.NoError(t, err)
			require.NoError(t, z.Close())
			read := int64(0)
			b := setup(t)
			b.opts.Progress = func(n, _ int64) { read = n }
			res := b.read(t, bytes.NewReader(bomb.Bytes()))
			require.Positive(t, res.ProblemCounts[CodeGzipRatio], res.ProblemCounts)
			requireRefused(t, res)
			require.Equal(t, int64(bomb.Len()), read)
		})
	}
}
