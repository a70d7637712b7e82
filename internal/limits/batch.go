package limits

import (
	"bytes"
	"strings"
)

// A batch tells of every so many finished records, and of every so many
// failures.
const (
	tellEveryFinished = 25
	tellEveryFailures = 5
)

// Report is what a batch tells of its records. It is always the whole, so that
// a later one replaces an earlier.
type Report struct {
	Streak Streak `json:"streak"`          // in file order
	Order  string `json:"order,omitempty"` // marks of the records that count, as they finished
}

// Count is what a report's order comes to.
func (r Report) Count() Count {
	return Count{Failed: strings.Count(r.Order, string(rune(Failed))), Finished: len(r.Order)}
}

// Batch is a batch's own book of failures.
type Batch struct {
	first  int
	failed []bool
	order  []byte

	finished     int // since the last report
	toldFailures int
}

// NewBatch begins the book of count records from first.
func NewBatch(first, count int) *Batch { return &Batch{first: first, failed: make([]bool, count)} }

// Passed notes a record that was carried to its end.
func (b *Batch) Passed() {
	b.finished++
	b.order = append(b.order, Passed)
}

// Failed notes a record that failed on its own account.
func (b *Batch) Failed(record int) {
	b.finished++
	b.order = append(b.order, Failed)
	b.failed[record-b.first] = true
}

// Uncounted notes a record whose end counts for no limit.
func (b *Batch) Uncounted() { b.finished++ }

// Report gives the book as it stands.
func (b *Batch) Report() Report {
	return Report{Streak: Of(b.first, b.failed), Order: string(b.order)}
}

// News reports whether the root is to hear of the batch now. It is to be asked
// after each record, and takes it that it is done.
func (b *Batch) News() bool {
	failures := b.failures()
	fresh := failures > 0 && failures%tellEveryFailures == 0 && failures != b.toldFailures
	if b.finished < tellEveryFinished && !fresh {
		return false
	}
	b.Told()
	return true
}

// Untold reports whether records have ended since the root was told.
func (b *Batch) Untold() bool { return b.finished > 0 }

// Told notes that the root was told.
func (b *Batch) Told() { b.finished, b.toldFailures = 0, b.failures() }

func (b *Batch) failures() int { return bytes.Count(b.order, []byte{Failed}) }
