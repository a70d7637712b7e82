package migrationfile

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/entitlement"
)

func seeds(f *testing.F) {
	f.Helper()
	a, c := sound(1, ""), sound(2, `,"extensionData":{"a":[1, 2.50],"é":"\ud83d\ude00"}, "colour":null`)
	for _, s := range []string{
		"[" + a + ",\n" + c + "]", a + "\r\n" + c + "\n", "\ufeff[" + c + "]", packed(f, "["+a+"]"), packed(f, a+"\n")[:40],
		"[" + a + "," + a + "]", "[,{]}", `[{"a":"b` + "\n" + `"}]`, `{"a":1,"a":{"b":1,"b":2}}`, "[" + strings.Repeat("[", 40) + "]",
		with("entitlementId", `"`+someID+`"`), with("status", `"SUSPENDED"`), "\xff\xfe", "", "[]", "[{}]x", `[{"a":"\ud800"},1,nul]`,
		strings.Replace(sound(1, `,"dateEnded":"2026-05-31T00:00:00Z"`), `"ACTIVE"`, `"ACTIVE-ENDING"`, 1),
	} {
		f.Add([]byte(s))
	}
}

// Whatever a file holds, it is read to its end, judged the same however it
// arrives, and taken only if each record is sound.
func FuzzImport(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, file []byte) {
		b := setup(t)
		res := b.read(t, bytes.NewReader(file))
		staged := b.stage.String()
		require.Equal(t, int64(len(file)), res.Bytes)
		require.Equal(t, res.ProblemTotal() == 0, res.Index != nil)
		require.Equal(t, res, b.read(t, iotest.OneByteReader(bytes.NewReader(file))))
		for _, p := range res.Problems {
			require.Positive(t, p.Line)
			require.Positive(t, p.Column)
			require.LessOrEqual(t, p.Record, res.Records)
			require.NotEmpty(t, p.Code)
		}
		if res.Index == nil {
			return
		}
		require.Equal(t, res.Records, strings.Count(staged, "\n"))
		for line := range strings.Lines(staged) {
			r, err := Decode([]byte(line))
			require.NoError(t, err)
			for _, v := range entitlement.Validate(&r, now) {
				require.True(t, v.Warning, v.Code)
			}
		}
	})
}

// What is staged is what was given but for white space, and staging that again
// changes nothing.
func FuzzStaging(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, file []byte) {
		b := setup(t)
		if b.read(t, bytes.NewReader(file)).Index == nil {
			return
		}
		staged := b.stage.String()
		var elements []json.RawMessage
		if json.Unmarshal(file, &elements) == nil {
			var want bytes.Buffer
			for _, e := range elements {
				require.NoError(t, json.Compact(&want, e))
				want.WriteByte('\n')
			}
			require.Equal(t, want.String(), staged)
		}
		require.Empty(t, b.text(t, staged).Problems)
		require.Equal(t, staged, b.stage.String())
	})
}

// A reload file of an accepted file's records is accepted itself, with the
// ids that it was given.
func FuzzReload(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, file []byte) {
		b := setup(t)
		b.opts.Reload = true
		if b.read(t, bytes.NewReader(file)).Index == nil {
			return
		}
		staged := strings.Clone(b.stage.String())
		for _, id := range []string{"", someID} {
			var out bytes.Buffer
			w := NewReloadWriter(&out)
			for line := range strings.Lines(staged) {
				require.NoError(t, w.Add([]byte(line), id))
			}
			require.NoError(t, w.Close())
			require.Empty(t, b.read(t, &out).Problems)
			if id == "" {
				require.Equal(t, staged, b.stage.String())
			}
			again := strings.SplitAfter(b.stage.String(), "\n")
			for i, line := range strings.SplitAfter(strings.TrimSuffix(staged, "\n"), "\n") {
				was, err := Decode([]byte(line))
				require.NoError(t, err)
				is, err := Decode([]byte(again[i]))
				require.NoError(t, err)
				if id != "" {
					was.EntitlementID = id
				}
				require.Equal(t, was, is)
			}
		}
	})
}

// Any number of workers finds and stages the same. Copies of the file make it
// several blocks long.
func FuzzParallel(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, file []byte) {
		b := setup(t)
		times := 1 + blockBytes/(len(file)+1)
		text := strings.Repeat(string(file), times)
		if inside, isArray := strings.CutPrefix(string(file), "["); isArray {
			inside = strings.TrimSuffix(strings.TrimSpace(inside), "]")
			text = "[" + strings.Repeat(inside+",", times) + inside + "]"
		}
		want, staged := b.workers(t, 1, text)
		for _, n := range []int{2, 5} {
			got, stagedToo := b.workers(t, n, text)
			require.Equal(t, want, got)
			require.Equal(t, staged, stagedToo)
		}
	})
}

// The scanner sees what jsontext sees, or gives up.
func FuzzScanner(f *testing.F) {
	for _, s := range []string{
		sound(1, `,"extensionData":{"a":[1,-2.50e+7,true,null],"\u00e9":"\ud83d\ude00","b":{"a":{}}} `), `{ "a" : "\ud800" }`, `{"a":[{"b":1,"b":2}]}`,
		"{\"a\":\"\xff\"}", `{"a":01}`, `{"a":"b",}`, `{"":{"":""}}x`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) { requireScanAgrees(t, raw) })
}
