package limits

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// plain is the reader that everything else must agree with.
func plain(first int, failed []bool) (longest, at int) {
	run := 0
	for i, f := range failed {
		if !f {
			run = 0
			continue
		}
		run++
		if run > longest {
			longest, at = run, first+i-run+1
		}
	}
	return longest, at
}

func TestStreakAgreesWithAPlainReader(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		failed := rapid.SliceOfN(rapid.Bool(), 0, 60).Draw(t, "failed")
		s := Of(1, failed)
		longest, at := plain(1, failed)
		require.Equal(t, longest, s.Longest)
		require.Equal(t, at, s.LongestFirst)
		require.Equal(t, len(failed), s.Length)
	})
}

func TestJoinIsAssociative(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		gen := rapid.SliceOfN(rapid.Bool(), 0, 8)
		a, b, c := gen.Draw(t, "a"), gen.Draw(t, "b"), gen.Draw(t, "c")
		x, y, z := Of(1, a), Of(1+len(a), b), Of(1+len(a)+len(b), c)
		require.Equal(t, Join(Join(x, y), z), Join(x, Join(y, z)))
	})
}

func TestFileAgreesWithAPlainReaderInAnyOrderOfCompletion(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		failed := rapid.SliceOfN(rapid.Bool(), 1, 200).Draw(t, "failed")
		var batches [][2]int
		for at := 0; at < len(failed); {
			n := rapid.IntRange(1, 20).Draw(t, "size")
			end := min(at+n, len(failed))
			batches = append(batches, [2]int{at, end})
			at = end
		}
		order := rapid.Permutation(batches).Draw(t, "order")
		var f File
		for _, b := range order {
			part := make([]bool, b[1]-b[0])
			half := (b[1] - b[0]) / 2
			copy(part, failed[b[0]:b[0]+half])
			f.Set(Of(b[0]+1, part), false) // a tally half-way
			f.Set(Of(b[0]+1, failed[b[0]:b[1]]), true)
		}
		longest, at := f.Longest()
		wantLongest, wantAt := plain(1, failed)
		require.Equal(t, wantLongest, longest)
		require.Equal(t, wantAt, at)
		require.Len(t, f.Stretches, 1, "final neighbours are joined")
	})
}

func TestFileDoesNotJoinOverAGap(t *testing.T) {
	t.Parallel()
	var f File
	f.Set(Of(1, []bool{true, true}), true)
	f.Set(Of(4, []bool{true, true}), true)
	longest, first := f.Longest()
	require.Equal(t, 2, longest)
	require.Equal(t, 1, first)
	f.Set(Of(3, []bool{true}), true)
	longest, _ = f.Longest()
	require.Equal(t, 5, longest)
}

func TestRules(t *testing.T) {
	t.Parallel()
	require.True(t, RateReached(0.1, 100, 10, 100))
	require.False(t, RateReached(0.1, 100, 9, 100))
	require.False(t, RateReached(0.1, 100, 99, 99), "below the sample")
	require.False(t, RateReached(0, 1, 99, 99), "off")
	require.True(t, CapReached(5, 5))
	require.False(t, CapReached(5, 4))
	require.False(t, CapReached(0, 1000))
	require.True(t, RunReached(10, 10))
	require.False(t, RunReached(10, 9))
	require.False(t, RunReached(0, 1000))
	require.True(t, CanaryReached(0.1, 3, 3), "all failed")
	require.True(t, CanaryReached(0.1, 1, 1), "all of one failed")
	require.False(t, CanaryReached(0.1, 1, 3))
	require.True(t, CanaryReached(0.1, 2, 3))
	require.True(t, CanaryReached(0.1, 10, 100))
	require.False(t, CanaryReached(0.1, 9, 100))
	require.False(t, CanaryReached(0, 9, 10), "the rate is off")
}
