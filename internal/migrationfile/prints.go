package migrationfile

import (
	"hash/maphash"
	"math"
	"math/bits"
)

// fingerprint stands for a text in memory: keyed by a secret of this import,
// so that nobody can make two texts meet, and saying nothing of the text.
type fingerprint struct{ high, low uint64 }

// fingerprinter makes the fingerprints of one import.
type fingerprinter struct{ seeds [2]maphash.Seed }

func newFingerprinter() fingerprinter {
	return fingerprinter{[2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}}
}

func (f *fingerprinter) of(b []byte) fingerprint {
	return fingerprint{maphash.Bytes(f.seeds[0], b), maphash.Bytes(f.seeds[1], b)}
}

const (
	printShards = 256
	// A shard is filled to 4/5 and then grows by half.
	shardStart = 8
)

// prints remembers which record brought each text first. It keeps 104 bits of
// a fingerprint: two of ten million different texts are taken for equal in one
// import of 10^17, and no one can choose such texts, as the key is this
// import's own. That is the exact look; there is no second.
//
// A text costs 20 to 30 bytes, 24 at the mean, and 5 to 8 more where texts are
// counted. Shards grow by themselves, so growing needs no second copy of all.
type prints struct {
	shards   [printShards]printShard
	counting bool
}

type printShard struct {
	slots  []printSlot
	counts []uint32 // of each slot's text, if counting
	used   int
}

// printSlot is empty if it has no record. Its shard is 8 bits more.
type printSlot struct {
	high   uint64
	low    uint32
	record uint32
}

// newPrints makes an empty set; counting says that texts may come often and
// are counted.
func newPrints(counting bool) *prints { return &prints{counting: counting} }

// add takes a text of a record. It gives the record that brought it first and
// how often it has come; without counting that is 1 or 2.
func (p *prints) add(f fingerprint, record int) (first, count uint32) {
	s := &p.shards[f.high>>56]
	if s.used*5 >= len(s.slots)*4 {
		s.grow(p.counting)
	}
	wanted := printSlot{high: f.high<<8 | f.low>>56, low: uint32(f.low)} //nolint:gosec // the low half is meant
	i := s.find(wanted)
	slot := &s.slots[i]
	isNew := slot.record == 0
	if isNew {
		wanted.record = shortNumber(record)
		*slot = wanted
		s.used++
	}
	switch {
	case p.counting:
		s.counts[i] = max(s.counts[i], s.counts[i]+1) // stays at the largest
		return slot.record, s.counts[i]
	case isNew:
		return slot.record, 1
	}
	return slot.record, 2
}

// find gives the slot of a text, or the empty one that it belongs in. Slots
// are in the order of their fingerprints but for those that had to move on.
func (s *printShard) find(wanted printSlot) int {
	home, _ := bits.Mul64(wanted.high, uint64(len(s.slots)))
	i := int(home) //nolint:gosec // less than the number of slots
	for {
		slot := s.slots[i]
		if slot.record == 0 || slot.high == wanted.high && slot.low == wanted.low {
			return i
		}
		if i++; i == len(s.slots) {
			i = 0
		}
	}
}

func (s *printShard) grow(counting bool) {
	old := *s
	size := max(shardStart, len(old.slots)+len(old.slots)/2)
	s.slots = make([]printSlot, size)
	if counting {
		s.counts = make([]uint32, size)
	}
	for i, slot := range old.slots {
		if slot.record == 0 {
			continue
		}
		at := s.find(slot)
		s.slots[at] = slot
		if counting {
			s.counts[at] = old.counts[i]
		}
	}
}

// shortNumber keeps a record's number in 32 bits, as there is one for every id.
// It serves messages alone: those of records beyond four billion name the last
// that fits.
func shortNumber(record int) uint32 {
	return uint32(min(int64(record), math.MaxUint32)) //nolint:gosec // bounded here; records count from 1
}
