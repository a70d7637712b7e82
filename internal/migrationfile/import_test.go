package migrationfile

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/f0a90b9a/ferry/internal/entitlement"
)

func TestEveryLayoutIsReadAlike(t *testing.T) {
	t.Parallel()
	a, c := sound(1, ""), sound(2, `,"extensionData":{"a": [1, 2.50 ], "b":"x  y"}`)
	want := a + "\n" + sound(2, `,"extensionData":{"a":[1,2.50],"b":"x  y"}`) + "\n"
	array, lines := "["+a+","+c+"]", a+"\n"+c
	pretty := strings.NewReplacer(",", " ,\r\n\t", "{", "{\r\n", "}", "\r\n}").Replace(sound(1, ""))
	for name, file := range map[string]string{
		"array":            array,
		"array, roomy":     " \r\n[ " + a + "\t,\n\n" + c + " ]\r\n",
		"array, many-line": "[" + pretty + "," + c + "]",
		"lines":            lines,
		"lines, CRLF":      "\r\n" + a + "\r\n\r\n  " + c + " \r\n\r\n",
		"byte order mark":  "\ufeff" + array,
		"gzip":             packed(t, array),
		"gzip of lines":    packed(t, "\ufeff"+lines),
		"gzip in parts":    packed(t, lines[:100]) + packed(t, lines[100:]),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			res := b.text(t, file)
			require.Empty(t, res.Problems)
			require.Equal(t, 2, res.Records)
			require.Equal(t, want, b.stage.String())
			require.Equal(t, int64(len(file)), res.Bytes)
			sum := sha256.Sum256([]byte(file))
			require.Equal(t, hex.EncodeToString(sum[:]), res.SHA256)
			require.Equal(t, map[entitlement.Status]int{entitlement.Active: 2}, res.Statuses)
			require.Equal(t, map[entitlement.Step]int{entitlement.Create: 2, entitlement.Activate: 2}, res.Steps)
		})
	}
}

// How the source's reads fall makes no difference.
func TestReadsOfAnySize(t *testing.T) {
	t.Parallel()
	file := "[" + sound(1, `,"entitlementDisplayName":"für \"zwei\" ノ"`) + ",\n" + sound(2, `,"colour":1,"status":"x"`) + "\n,," + sound(1, "") + "]x"
	for _, src := range []string{file, packed(t, file)} {
		b := setup(t)
		whole := b.text(t, src)
		require.Len(t, whole.Problems, 5)
		require.Equal(t, whole, b.read(t, iotest.OneByteReader(strings.NewReader(src))))
		require.Equal(t, whole, b.read(t, iotest.HalfReader(strings.NewReader(src))))
		require.Equal(t, whole, b.read(t, iotest.DataErrReader(strings.NewReader(src))))
	}
}

func TestCounts(t *testing.T) {
	t.Parallel()
	b := setup(t)
	res := b.text(t, madeUp(t, GenOptions{Records: 500, Seed: 7, FailShare: 0.1}))
	require.Empty(t, res.Problems)
	require.Equal(t, 500, res.Steps[entitlement.Create])
	total := 0
	for _, s := range entitlement.AllStatuses() {
		require.Positive(t, res.Statuses[s], s)
		total += res.Statuses[s]
	}
	require.Equal(t, 500, total)
	require.Equal(t, 500, res.Index.Records())
	require.Equal(t, int64(b.stage.Len()), res.Index.Bytes())
}

func TestNoRouteNoRouteRules(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.opts.Route, b.opts.Stage = nil, nil
	file := strings.ReplaceAll("["+sound(1, "")+","+strings.Replace(sound(1, ""), "ext-1", "ext-2", 1)+"]", "nova-basic", "gold")
	require.Empty(t, b.text(t, file).Problems)
}

func TestEndPassed(t *testing.T) {
	t.Parallel()
	ended := strings.Replace(sound(1, `,"dateEnded":"2026-05-31T00:00:00Z"`), `"ACTIVE"`, `"ACTIVE-ENDING"`, 1)
	b := setup(t)
	require.Equal(t, []string{"1:1:237 /dateEnded END_PASSED"}, refused(b.text(t, ended)))

	partial := strings.Replace(ended, "{", `{"entitlementId":"12345678-1234-1234-1234-123456789012",`, 1)
	for _, file := range []string{ended, partial} {
		b.opts.Reload = file == ended
		res := b.text(t, file)
		require.Empty(t, res.Problems)
		require.Equal(t, map[string]int{"END_PASSED": 1}, res.WarningCounts)
		require.Equal(t, map[entitlement.Status]int{entitlement.Cancelled: 1}, res.Statuses)
		require.Equal(t, 1, res.Steps[entitlement.Cancel])
	}
}

func TestUnknownFieldsWarnOncePerName(t *testing.T) {
	t.Parallel()
	b := setup(t)
	res := b.text(t, "["+sound(1, `,"colour":1,"notificationURL":"x"`)+","+sound(2, `,"colour":{"a":null}`)+","+
		sound(3, `,"bl\u00fc":1`)+"]")
	require.Empty(t, res.Problems)
	require.Equal(t, map[string]int{"UNKNOWN_FIELD": 4}, res.WarningCounts)
	require.Len(t, res.Warnings, 3)
	require.Equal(t, "colour", res.Warnings[0].Field)
	require.Equal(t, 2, res.Warnings[0].Count)
	require.Equal(t, 1, res.Warnings[0].Record)
	require.Equal(t, "did you mean notificationUrl?", res.Warnings[1].Hint)
	require.Empty(t, res.Warnings[2].Field, "an odd name isn't repeated")
	require.Contains(t, b.stage.String(), `"colour":{"a":null}`)
	require.Contains(t, b.stage.String(), `"bl\u00fc":1`)
}

func TestKeptWarningsAreBounded(t *testing.T) {
	t.Parallel()
	var file strings.Builder
	for i := range 300 {
		file.WriteString(sound(i, fmt.Sprintf(`,"x%d":0`, i)) + "\n")
	}
	res := setup(t).text(t, file.String())
	require.Len(t, res.Warnings, maxWarnings)
	require.Equal(t, 300, res.WarningCounts[CodeUnknownField])
}

func TestKeptProblemsAreBounded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.opts.MaxProblems = 3
	res := b.text(t, "["+strings.Repeat("{},", 9)+"{}]")
	require.Len(t, res.Problems, 3)
	require.Equal(t, 60, res.ProblemTotal())
	require.Equal(t, map[string]int{"REQUIRED": 60}, res.ProblemCounts)
	require.Nil(t, res.Index)
	require.Zero(t, b.stage.Len())
}

func TestProgress(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var bytes, records int64
	b.opts.Progress = func(n, r int64) {
		require.GreaterOrEqual(t, n, bytes)
		require.GreaterOrEqual(t, r, records)
		bytes, records = n, r
	}
	file := madeUp(t, GenOptions{Records: 2000})
	b.text(t, file)
	require.Equal(t, int64(len(file)), bytes)
	require.Equal(t, int64(2000), records)
}

// What is only hashed is told of as well.
func TestProgressGoesOnPastDamage(t *testing.T) {
	t.Parallel()
	b := setup(t)
	calls := 0
	b.opts.Progress = func(int64, int64) { calls++ }
	b.text(t, "[]x"+strings.Repeat(" ", 20*windowBytes))
	require.Greater(t, calls, 20)
}

var errCable = errors.New("cable pulled")

func TestAFailingSourceIsAnErrorNotAProblem(t *testing.T) {
	t.Parallel()
	file := "[" + sound(1, "") + "," + sound(2, "") + "]"
	for _, whole := range []string{file, packed(t, file), "[" + sound(1, "") + "]x" + strings.Repeat(" ", 2*windowBytes)} {
		for _, cut := range []int{0, 1, 9, len(whole) / 2, len(whole)} {
			src := io.MultiReader(strings.NewReader(whole[:cut]), iotest.ErrReader(errCable))
			_, err := Import(context.Background(), src, setup(t).opts)
			require.ErrorIs(t, err, errCable)
		}
	}
	src := io.MultiReader(strings.NewReader(packed(t, file)[:30]), iotest.ErrReader(io.ErrUnexpectedEOF))
	_, err := Import(context.Background(), src, setup(t).opts)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errCable }

func TestAFailingStageIsAnError(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.opts.Stage = fullDisk{}
	for _, records := range []int{1, 2000} {
		_, err := Import(context.Background(), strings.NewReader(madeUp(t, GenOptions{Records: records})), b.opts)
		require.ErrorIs(t, err, errCable)
	}
}

func TestImportEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	b := setup(t)
	b.opts.Progress = func(int64, int64) { cancel() }
	_, err := Import(ctx, strings.NewReader(madeUp(t, GenOptions{Records: 5000})), b.opts)
	require.ErrorIs(t, err, context.Canceled)
}

// Staged lines are the records as they were, but for white space, and decode
// to the same.
func TestStagingKeepsRecords(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		b := setup(t)
		file := madeUp(t, GenOptions{
			Records: rapid.IntRange(1, 30).Draw(rt, "records"), Seed: rapid.Uint64().Draw(rt, "seed"),
			Lines: rapid.Bool().Draw(rt, "lines"), FailShare: rapid.Float64Range(0, 1).Draw(rt, "fail share"),
		})
		res := b.text(t, file)
		require.Empty(rt, res.Problems)
		var given []string
		for line := range strings.Lines(file) {
			if line = strings.TrimRight(line, ",\n"); line != "[" && line != "]" {
				given = append(given, line)
			}
		}
		require.Equal(rt, len(given), res.Records)
		staged := b.stage.String()
		for i, line := range given {
			offset, length, ok := res.Index.At(i + 1)
			require.True(rt, ok)
			require.Equal(rt, line+"\n", staged[offset:offset+length])
			r, err := Decode([]byte(staged[offset : offset+length]))
			require.NoError(rt, err)
			require.Empty(rt, entitlement.Validate(&r, now))
		}
	})
}
