package migrationfile

import "iter"

const (
	indexChunk = 4096
	longLine   = 1<<16 - 1
)

// Index finds the records of a staged file: offset and length of every line,
// in little more than two bytes a record.
type Index struct {
	chunks  []*indexLines
	records int
	bytes   int64
	long    map[int]int64 // lengths from longLine up, by record
}

// indexLines are the lengths of consecutive lines, of which the first starts
// at base.
type indexLines struct {
	base    int64
	lengths [indexChunk]uint16
}

// Records is the number of lines.
func (x *Index) Records() int { return x.records }

// Bytes is the size of the staged file.
func (x *Index) Bytes() int64 { return x.bytes }

// add appends a line of so many bytes, its end included.
func (x *Index) add(length int) {
	if x.records%indexChunk == 0 {
		x.chunks = append(x.chunks, &indexLines{base: x.bytes})
	}
	short := uint16(longLine)
	if length < longLine {
		short = uint16(length) //nolint:gosec // a length is not negative, and longLine fits
	} else {
		if x.long == nil {
			x.long = make(map[int]int64)
		}
		x.long[x.records] = int64(length)
	}
	x.chunks[len(x.chunks)-1].lengths[x.records%indexChunk] = short
	x.records++
	x.bytes += int64(length)
}

func (x *Index) length(i int) int64 {
	n := int64(x.chunks[i/indexChunk].lengths[i%indexChunk])
	if n == longLine {
		return x.long[i]
	}
	return n
}

// At gives where the line of a record (from 1) starts and its length in bytes,
// the line end included; ok is false for a record that there isn't.
func (x *Index) At(record int) (offset, length int64, ok bool) {
	i := record - 1
	if i < 0 || i >= x.records {
		return 0, 0, false
	}
	offset = x.chunks[i/indexChunk].base
	for j := i - i%indexChunk; j < i; j++ {
		offset += x.length(j)
	}
	return offset, x.length(i), true
}

// Lengths gives the length of every line in order.
func (x *Index) Lengths() iter.Seq[int64] {
	return func(yield func(int64) bool) {
		for i := range x.records {
			if !yield(x.length(i)) {
				return
			}
		}
	}
}
