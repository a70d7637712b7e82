package migrationfile

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func indexOf(lengths ...int) *Index {
	x := &Index{}
	for _, n := range lengths {
		x.add(n)
	}
	return x
}

func TestIndexFindsEveryLine(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		length := rapid.OneOf(rapid.IntRange(2, 900), rapid.SampledFrom([]int{longLine - 1, longLine, longLine + 1, 1 << 20}))
		lengths := rapid.SliceOfN(length, 0, 40).Draw(t, "lengths")
		before := rapid.SampledFrom([]int{0, indexChunk - 3, 2*indexChunk - 20}).Draw(t, "lines before")
		lengths = append(slices.Repeat([]int{450}, before), lengths...)
		x := indexOf(lengths...)
		sum := int64(0)
		for i, want := range lengths {
			if i >= before-2 { // the others are all alike
				offset, n, ok := x.At(i + 1)
				require.True(t, ok)
				require.Equal(t, sum, offset)
				require.Equal(t, int64(want), n)
			}
			sum += int64(want)
		}
		require.Equal(t, sum, x.Bytes())
		require.Equal(t, len(lengths), x.Records())
		for _, none := range []int{0, -1, len(lengths) + 1} {
			_, _, ok := x.At(none)
			require.False(t, ok)
		}
	})
}

func waveSizes(ws []Wave) []int {
	var sizes []int
	for _, w := range ws {
		sizes = append(sizes, w.Records)
	}
	return sizes
}

func TestWaves(t *testing.T) {
	t.Parallel()
	for records, want := range map[int][]int{
		0: nil, 1: {1}, 3: {3}, 5: {3, 2}, 13: {3, 10}, 14: {3, 10, 1}, 30: {3, 10, 3, 14}, 200: {3, 10, 20, 167},
		1000: {3, 10, 100, 887}, 5000: {3, 50, 500, 4447},
	} {
		x := &Index{}
		for range records {
			x.add(450)
		}
		batches, waves := PlanBatches(x, PlanOptions{Waves: true})
		require.Equal(t, want, waveSizes(waves), "%d records", records)
		_, waves = PlanBatches(x, PlanOptions{})
		if records > 0 {
			require.Equal(t, []int{records}, waveSizes(waves))
		}
		require.Equal(t, records == 0, len(batches) == 0)
	}
}

// Batches and waves cover every record once, in order, within their bounds.
func TestPlanCoversEveryRecordOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		lengths := rapid.SliceOfN(rapid.IntRange(2, 4000), 1, 400).Draw(t, "lengths")
		opts := PlanOptions{
			Records:       rapid.IntRange(1, 60).Draw(t, "batch"),
			MaxBatchBytes: rapid.IntRange(100, 50_000).Draw(t, "bytes"),
			Waves:         rapid.Bool().Draw(t, "waves"),
		}
		x := indexOf(lengths...)
		batches, waves := PlanBatches(x, opts)
		require.True(t, Plan{batches, waves}.whole())
		records := 0
		for _, b := range batches {
			offset, _, ok := x.At(b.First)
			require.True(t, ok)
			require.Equal(t, offset, b.Offset)
			require.LessOrEqual(t, b.Count, opts.Records)
			require.True(t, b.Count == 1 || b.Length <= int64(opts.MaxBatchBytes))
			records += b.Count
			last, n, _ := x.At(b.Last())
			require.Equal(t, b.Offset+b.Length, last+n)
		}
		require.Equal(t, len(lengths), records)
		inWaves := 0
		for _, n := range waveSizes(waves) {
			inWaves += n
		}
		require.Equal(t, records, inWaves)

		var file bytes.Buffer
		require.NoError(t, EncodePlan(&file, Plan{batches, waves}))
		again, err := DecodePlan(&file)
		require.NoError(t, err)
		require.Equal(t, Plan{batches, waves}, again)
	})
}

func TestPlanFormat(t *testing.T) {
	t.Parallel()
	batches, waves := PlanBatches(indexOf(10, 20, 30, 40), PlanOptions{Records: 2, Waves: true})
	var file bytes.Buffer
	require.NoError(t, EncodePlan(&file, Plan{batches, waves}))
	require.JSONEq(t, `{"batches":[
		{"number":1,"first":1,"count":2,"offset":0,"length":30},
		{"number":2,"first":3,"count":1,"offset":30,"length":30},
		{"number":3,"first":4,"count":1,"offset":60,"length":40}],
		"waves":[{"number":1,"firstBatch":1,"lastBatch":2,"records":3},{"number":2,"firstBatch":3,"lastBatch":3,"records":1}]}`,
		file.String())
}

func TestDecodePlanRefusesGaps(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		``, `[]`,
		`{"batches":[{"number":2,"first":1,"count":1,"offset":0,"length":9}],"waves":[{"number":1,"firstBatch":1,"lastBatch":1,"records":1}]}`,
		`{"batches":[{"number":1,"first":2,"count":1,"offset":0,"length":9}],"waves":[{"number":1,"firstBatch":1,"lastBatch":1,"records":1}]}`,
		`{"batches":[{"number":1,"first":1,"count":1,"offset":0,"length":9}],"waves":[]}`,
	} {
		_, err := DecodePlan(strings.NewReader(s))
		require.Error(t, err, s)
	}
}
