package migrationfile

import (
	"strconv"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// The set does what a map does, for fingerprints that crowd into one shard and
// differ in single bits, too.
func TestPrintsAreASet(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		counting := rapid.Bool().Draw(rt, "counting")
		p := newPrints(counting)
		type seen struct{ first, count uint32 }
		model := map[fingerprint]seen{}
		word := rapid.OneOf(rapid.Uint64Range(0, 40), rapid.SampledFrom([]uint64{1 << 8, 1 << 31, 1 << 56, 1<<64 - 1}))
		for record := 1; record <= rapid.IntRange(1, 300).Draw(rt, "texts"); record++ {
			f := fingerprint{word.Draw(rt, "high") << rapid.SampledFrom([]int{0, 40}).Draw(rt, "shift"), word.Draw(rt, "low")}
			f.low &^= 0xffffff << 32 // which is not kept
			want, found := model[f]
			if !found {
				want.first = uint32(record)
			}
			want.count++
			model[f] = want
			if !counting {
				want.count = min(want.count, 2)
			}
			first, count := p.add(f, record)
			require.Equal(rt, want, seen{first, count})
		}
	})
}

func TestPrintsOfManyTexts(t *testing.T) {
	t.Parallel()
	const texts = 100_000
	prints, p := newFingerprinter(), newPrints(false)
	text := func(i int) fingerprint { return prints.of([]byte("ext-" + strconv.Itoa(i))) }
	for i := range texts {
		if first, count := p.add(text(i), i+1); first != uint32(i+1) || count != 1 {
			require.Fail(t, "a new text is known", "%d: %d, %d", i, first, count)
		}
	}
	for i := range texts {
		if first, count := p.add(text(i), texts+1); first != uint32(i+1) || count != 2 {
			require.Fail(t, "a text is not known", "%d: %d, %d", i, first, count)
		}
	}
	slots := 0
	for _, s := range p.shards {
		slots += len(s.slots)
	}
	bytes := slots * int(unsafe.Sizeof(printSlot{}))
	require.LessOrEqual(t, bytes, 31*texts, "what the comment promises")
	require.GreaterOrEqual(t, bytes, 20*texts)
}

func TestACountStaysAtItsLargest(t *testing.T) {
	t.Parallel()
	p, f := newPrints(true), fingerprint{1, 2}
	p.add(f, 1)
	shard := &p.shards[0]
	for i := range shard.slots {
		if shard.slots[i].record != 0 {
			shard.counts[i] = 1<<32 - 1
		}
	}
	_, count := p.add(f, 2)
	require.Equal(t, uint32(1<<32-1), count)
}
