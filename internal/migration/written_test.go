package migration

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

func sumOf(batch int) string { return OutcomesSum(fmt.Appendf(nil, "outcomes %d", batch)) }

func writtenOf(order []int) *Written {
	w := &Written{}
	for _, batch := range order {
		w.Add(batch, sumOf(batch))
	}
	return w
}

// firstWrong reads batches 1 to n, of which one was changed (0: none).
func firstWrong(w *Written, n, changed int) (first, last int) {
	c := NewCheck(w)
	for batch := 1; batch <= n; batch++ {
		sum := sumOf(batch)
		if batch == changed {
			sum = OutcomesSum([]byte("changed"))
		}
		if first, last = c.See(batch, sum); first > 0 {
			return first, last
		}
	}
	return 0, 0
}

func TestAChangedBatchIsNamed(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 2, 3, 100, 511, 512, 513, 1023, 1024, 1025, 5000} {
		w := writtenOf(sequence(n))
		first, last := firstWrong(w, n, 0)
		require.Zero(t, first, "%d batches: nothing was changed", n)
		require.Zero(t, last)
		for _, changed := range []int{1, n/2 + 1, n} {
			first, last := firstWrong(w, n, changed)
			require.LessOrEqual(t, first, changed, "%d batches, %d changed", n, changed)
			require.GreaterOrEqual(t, last, changed, "%d batches, %d changed", n, changed)
			require.Positive(t, first)
			if n < maxSums {
				require.Equal(t, first, last, "told apart while there are few")
			}
		}
	}
}

func TestBatchesAddUpInAnyOrder(t *testing.T) {
	t.Parallel()
	for _, n := range []int{5, 700, 3000} {
		order := sequence(n)
		rand.New(rand.NewPCG(1, uint64(n))).Shuffle(n, func(i, j int) { order[i], order[j] = order[j], order[i] })
		require.Equal(t, writtenOf(sequence(n)), writtenOf(order))
	}
	early := writtenOf([]int{1, 2, 5})
	first, _ := NewCheck(early).See(5, OutcomesSum([]byte("changed")))
	require.Equal(t, 5, first, "also what is over before its turn")
	early.Add(2, "another")
	require.Equal(t, writtenOf([]int{1, 2, 5}), early, "what is known is not replaced")
}

func TestWhatNobodyKnowsIsNotChecked(t *testing.T) {
	t.Parallel()
	w := &Written{}
	w.Add(1, sumOf(1))
	w.Add(2, "")
	c := NewCheck(w)
	for _, batch := range []int{2, 3} {
		first, _ := c.See(batch, OutcomesSum([]byte("anything")))
		require.Zero(t, first)
	}
	first, _ := NewCheck(nil).See(1, "anything")
	require.Zero(t, first)
	first, _ = NewCheck(w).See(1, "")
	require.Equal(t, 1, first, "a file that is gone is a change")
}

func TestWhatWasWrittenStaysSmall(t *testing.T) {
	t.Parallel()
	w := writtenOf(sequence(100_000))
	body, err := json.Marshal(w)
	require.NoError(t, err)
	require.Less(t, len(body), 24<<10)
	var back Written
	require.NoError(t, json.Unmarshal(body, &back))
	first, last := firstWrong(&back, 100_000, 77_777)
	require.LessOrEqual(t, first, 77_777)
	require.GreaterOrEqual(t, last, 77_777)
	require.Less(t, last-first, 512)
}

func sequence(n int) []int {
	s := make([]int, n)
	for i := range s {
		s[i] = i + 1
	}
	return s
}
