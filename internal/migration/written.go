package migration

import (
	"crypto/sha256"
	"encoding/base64"
)

// maxSums bounds the sums that a Written holds: that many batches can be told
// apart, and then two, four, eight … of them together.
const maxSums = 512

// Written says what batches wrote down as their outcomes, by checksums that
// come from the batches' own results. Who reads the outcomes holds them against
// it, so that a file which somebody changed is named and not believed.
//
// Batches are taken in any order. A batch of whose file nothing is known (a
// worker of an earlier release wrote it) is not checked, nor are those that are
// summed up together with it.
type Written struct {
	Group int            `json:"group"`           // batches to a sum, a power of two
	Sums  []string       `json:"sums"`            // of batches 1 to Group, then of as many more, and so on
	Tail  []string       `json:"tail,omitempty"`  // of the batches after those, one each
	Early map[int]string `json:"early,omitempty"` // of batches that were over before one in front of them
}

// OutcomesSum is the checksum of a batch's outcomes file.
func OutcomesSum(body []byte) string {
	sum := sha256.Sum256(body)
	return shortSum(sum)
}

func shortSum(sum [sha256.Size]byte) string { return base64.RawURLEncoding.EncodeToString(sum[:16]) }

// Add takes over what a batch wrote; an empty sum says that nothing is known of
// it. A batch that was taken over before is not taken again.
func (w *Written) Add(batch int, sum string) {
	if batch < w.next() {
		return
	}
	if w.Early == nil {
		w.Early = map[int]string{}
	}
	w.Early[batch] = sum
	for {
		sum, ok := w.Early[w.next()]
		if !ok {
			break
		}
		delete(w.Early, w.next())
		w.append(sum)
	}
	if len(w.Early) == 0 {
		w.Early = nil
	}
}

// next is the number of the first batch of which nothing was heard.
func (w *Written) next() int { return len(w.Sums)*max(w.Group, 1) + len(w.Tail) + 1 }

func (w *Written) append(sum string) {
	w.Group = max(w.Group, 1)
	w.Tail = append(w.Tail, sum)
	if len(w.Tail) < w.Group {
		return
	}
	w.Sums, w.Tail = append(w.Sums, sumUp(w.Tail)), nil
	if len(w.Sums) < maxSums {
		return
	}
	halved := make([]string, 0, maxSums)
	for i := 0; i < len(w.Sums); i += 2 {
		halved = append(halved, sumUp(w.Sums[i:i+2]))
	}
	w.Sums, w.Group = halved, 2*w.Group
}

// sumUp joins the sums of a power of two of neighbours, pair by pair.
func sumUp(sums []string) string {
	if len(sums) == 1 {
		return sums[0]
	}
	one, other := sumUp(sums[:len(sums)/2]), sumUp(sums[len(sums)/2:])
	if one == "" || other == "" {
		return ""
	}
	return shortSum(sha256.Sum256([]byte(one + other)))
}

// Check holds batches' outcomes, as they are read in order, against what was
// written.
type Check struct {
	written *Written
	last    int      // batch seen last
	read    []string // of the sum that is being added up
}

// NewCheck begins a check; what is nil is not checked.
func NewCheck(w *Written) *Check { return &Check{written: w} }

// See takes the next batch's sum, empty if it has no outcomes. Once something
// is known to differ, it names the batches of which one does: first to last,
// both 0 if nothing does. A sum of several batches is checked if all of them
// are seen in a row.
func (c *Check) See(batch int, sum string) (first, last int) {
	w := c.written
	if w == nil {
		return 0, 0
	}
	group := max(w.Group, 1)
	summed := len(w.Sums) * group
	if batch > summed {
		if known := w.single(batch - summed); known != "" && known != sum {
			return batch, batch
		}
		return 0, 0
	}
	if batch != c.last+1 || (batch-1)%group == 0 {
		c.read = nil
	}
	c.last = batch
	if (batch-1)%group != len(c.read) {
		return 0, 0 // its group was entered midway
	}
	c.read = append(c.read, sum)
	if len(c.read) < group {
		return 0, 0
	}
	if known := w.Sums[(batch-1)/group]; known != "" && known != sumUp(c.read) {
		return batch - group + 1, batch
	}
	return 0, 0
}

// single is the sum of a batch after those that are summed up.
func (w *Written) single(after int) string {
	if after <= len(w.Tail) {
		return w.Tail[after-1]
	}
	return w.Early[len(w.Sums)*max(w.Group, 1)+after]
}
