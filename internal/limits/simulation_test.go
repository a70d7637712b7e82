package limits

import (
	"container/heap"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// Ten thousand cases, unless the command line says otherwise.
func TestMain(m *testing.M) {
	_ = flag.Set("rapid.checks", "10000")
	os.Exit(m.Run())
}

// simulation is a run as root and batches play it: batches report by messages
// that take their time, the root judges what it hears, and its stop takes its
// time, too. Times are plain numbers. A stop that goes from one batch over the
// root to another is two signals, and never slower than a record; a batch that
// is opened has to be started, read and looked up at the target before its
// first record, which takes longer than that.
type simulation struct {
	failed  []bool
	takes   []int // each record's time, at least twice signalMost
	ends    []int // record after the last of each batch
	width   int
	batches int
	delay   func() int
	limits  Limits

	now     int
	queue   events
	seq     int
	open    []*simBatch
	next    int
	root    Run
	trip    *Trip
	tripAt  int
	opening int // records of batches that were being opened at the trip

	started, finished []int // by record; -1: never
	heard             []byte
}

const (
	signalMost = 5
	opening    = 2*signalMost + 1
)

type simBatch struct {
	first, end, next int
	book             *Batch
	inFlight         int
	stopped, over    bool
	lastMessage      int // messages of a batch overtake none
	heard            int // marks of its order that the root has read
}

type event struct {
	at, seq int
	do      func()
}

type events []event

func (e events) Len() int { return len(e) }
func (e events) Less(i, j int) bool {
	return e[i].at < e[j].at || e[i].at == e[j].at && e[i].seq < e[j].seq
}
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	last := len(*e) - 1
	x := (*e)[last]
	*e = (*e)[:last]
	return x
}

func (s *simulation) after(d int, do func()) {
	s.seq++
	heap.Push(&s.queue, event{s.now + d, s.seq, do})
}

func drawSimulation(t *rapid.T) *simulation {
	n := rapid.IntRange(1, 150).Draw(t, "records")
	share := rapid.IntRange(0, 100).Draw(t, "failing of a hundred")
	luck := rapid.SliceOfN(rapid.IntRange(0, 99), n, n).Draw(t, "luck")
	s := &simulation{
		takes:   rapid.SliceOfN(rapid.IntRange(2*signalMost, 60), n, n).Draw(t, "takes"),
		width:   rapid.IntRange(1, 60).Draw(t, "width"),
		batches: rapid.IntRange(1, 6).Draw(t, "batches"),
	}
	for _, l := range luck {
		s.failed = append(s.failed, l < share)
	}
	for at := 0; at < n; {
		at = min(at+rapid.IntRange(1, 60).Draw(t, "batch"), n)
		s.ends = append(s.ends, at)
	}
	delays := rapid.SliceOfN(rapid.IntRange(0, signalMost), 16, 16).Draw(t, "delays")
	turn := 0
	s.delay = func() int {
		turn++
		return delays[turn%len(delays)]
	}
	s.started, s.finished = slices.Repeat([]int{-1}, n), slices.Repeat([]int{-1}, n)
	return s
}

func (s *simulation) run() {
	s.openMore()
	for len(s.queue) > 0 {
		e := heap.Pop(&s.queue).(event)
		s.now = e.at
		e.do()
	}
}

func (s *simulation) openMore() {
	for s.trip == nil && len(s.open) < s.batches && s.next < len(s.ends) {
		first := 0
		if s.next > 0 {
			first = s.ends[s.next-1]
		}
		b := &simBatch{first: first, next: first, end: s.ends[s.next], book: NewBatch(first+1, s.ends[s.next]-first)}
		s.next++
		s.open = append(s.open, b)
		s.after(opening, func() { s.fill(b) })
	}
}

// fill starts records of a batch, or ends the batch.
func (s *simulation) fill(b *simBatch) {
	for !b.stopped && b.next < b.end && b.inFlight < s.width {
		i := b.next
		b.next++
		b.inFlight++
		s.started[i] = s.now
		s.after(s.takes[i], func() { s.finish(b, i) })
	}
	if b.inFlight == 0 && (b.stopped || b.next == b.end) {
		s.end(b)
	}
}

func (s *simulation) finish(b *simBatch, i int) {
	s.finished[i] = s.now
	b.inFlight--
	if s.failed[i] {
		b.book.Failed(i + 1)
	} else {
		b.book.Passed()
	}
	last := b.inFlight == 0 && (b.stopped || b.next == b.end)
	switch {
	case !b.stopped && RunReached(s.limits.Consecutive, b.book.Report().Streak.Longest):
		b.stopped = true
		s.noteTrip()
		s.tell(b, false)
	case !last && b.book.News():
		s.tell(b, false)
	}
	s.fill(b)
}

// noteTrip notes the moment of the first decision.
func (s *simulation) noteTrip() {
	if s.tripAt == 0 {
		s.tripAt = s.now
		for _, b := range s.open {
			if b.next == b.first {
				s.opening += min(s.width, b.end-b.first)
			}
		}
	}
}

// tell sends the batch's report to the root. final is its result.
func (s *simulation) tell(b *simBatch, final bool) {
	report := b.book.Report()
	b.lastMessage = max(b.lastMessage, s.now+s.delay())
	s.after(b.lastMessage-s.now, func() { s.hear(b, report, final) })
}

func (s *simulation) hear(b *simBatch, report Report, final bool) {
	if !slices.Contains(s.open, b) {
		return
	}
	s.heard = append(s.heard, report.Order[b.heard:]...)
	b.heard = len(report.Order)
	t := s.root.Hear(report, final, s.limits)
	if final {
		s.open = slices.DeleteFunc(s.open, func(o *simBatch) bool { return o == b })
	}
	if t != nil && s.trip == nil {
		s.trip = t
		s.noteTrip()
		for _, o := range s.open {
			s.after(s.delay(), func() { o.stopped = true })
		}
	}
	s.openMore()
}

// end sends a batch's result.
func (s *simulation) end(b *simBatch) {
	if !b.over {
		b.over = true
		s.tell(b, true)
	}
}

// checkBound holds the run to its promise: after the trip no more records are
// started than were under way at that moment. The first records of a batch
// that was being opened count as under way: nothing can call them back before
// the stop has reached the batch.
func (s *simulation) checkBound(t *rapid.T) {
	after, inFlight := 0, s.opening
	for i, at := range s.started {
		switch {
		case at < 0:
		case at > s.tripAt:
			after++
		case s.finished[i] > s.tripAt:
			inFlight++
		}
	}
	require.LessOrEqual(t, after, inFlight, "started after the trip, against in flight at the trip")
}

func TestInARowEqualsAPlainReaderOfTheFile(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := drawSimulation(t)
		s.limits.Consecutive = rapid.IntRange(1, 15).Draw(t, "limit")
		s.run()
		longest, _ := plain(1, s.failed)
		require.Equal(t, longest >= s.limits.Consecutive, s.trip != nil, "the longest run is %d", longest)
		if s.trip == nil {
			return
		}
		require.Equal(t, s.limits.Consecutive, s.trip.Last-s.trip.First+1)
		for n := s.trip.First; n <= s.trip.Last; n++ {
			require.True(t, s.failed[n-1] && s.finished[n-1] >= 0, "record %d is named", n)
		}
		s.checkBound(t)
	})
}

func TestRateAndCapEqualAPlainReaderOfTheCompletions(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := drawSimulation(t)
		if rapid.Bool().Draw(t, "rate or cap") {
			s.limits.ErrorRate = rapid.SampledFrom([]float64{0.01, 0.05, 0.1, 0.25, 0.5, 1}).Draw(t, "rate")
			s.limits.MinSample = rapid.IntRange(0, 120).Draw(t, "sample")
		} else {
			s.limits.MaxFailures = rapid.IntRange(1, 60).Draw(t, "cap")
		}
		s.run()
		want := s.readCompletions()
		require.Equal(t, want, s.trip)
		if s.trip != nil {
			s.checkBound(t)
		}
	})
}

// readCompletions reads what the root has heard as a plain reader would.
func (s *simulation) readCompletions() *Trip {
	failed := 0
	for i, mark := range s.heard {
		finished := i + 1
		if mark == Failed {
			failed++
		}
		at := Count{Failed: failed, Finished: finished}
		if s.limits.MaxFailures > 0 && failed >= s.limits.MaxFailures {
			return &Trip{Rule: Cap, At: at}
		}
		if s.limits.ErrorRate > 0 && failed > 0 && finished >= s.limits.MinSample &&
			float64(failed)+1e-9 >= s.limits.ErrorRate*float64(finished) {
			return &Trip{Rule: ErrorRate, At: at}
		}
	}
	return nil
}

// What the root hears is every record once, each batch's in its own order.
func TestTheRootHearsOfEveryRecordOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := drawSimulation(t)
		s.run()
		require.Len(t, s.heard, len(s.failed))
		failures := 0
		for _, f := range s.failed {
			if f {
				failures++
			}
		}
		require.Equal(t, failures, strings.Count(string(s.heard), string(rune(Failed))))
		require.Equal(t, Count{failures, len(s.failed)}, s.root.Count())
		require.Len(t, s.root.InOrder.Stretches, 1)
	})
}

// The same file at any width and in batches of any size gets the same verdict.
func TestTheVerdictDoesNotDependOnTheWidth(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ from, to int }{{1, 10}, {45, 54}, {96, 105}, {141, 150}, {45, 53}, {50, 60}} {
		for _, width := range []int{1, 10, 50} {
			for _, size := range []int{3, 10, 50} {
				s := &simulation{width: width, batches: 4, delay: func() int { return 2 }, limits: Limits{Consecutive: 10}}
				for n := 1; n <= 150; n++ {
					s.failed = append(s.failed, n >= c.from && n <= c.to)
					s.takes = append(s.takes, 10+n*7%11)
					if n%size == 0 {
						s.ends = append(s.ends, n)
					}
				}
				s.started, s.finished = slices.Repeat([]int{-1}, 150), slices.Repeat([]int{-1}, 150)
				s.run()
				name := fmt.Sprintf("%d to %d, width %d, batches of %d", c.from, c.to, width, size)
				if c.to-c.from+1 < 10 {
					require.Nil(t, s.trip, name)
					continue
				}
				require.NotNil(t, s.trip, name)
				require.GreaterOrEqual(t, s.trip.First, c.from, name)
				require.LessOrEqual(t, s.trip.Last, c.to, name)
			}
		}
	}
}

func TestABatchThatIsStartedAgainCountsOnce(t *testing.T) {
	t.Parallel()
	var r Run
	l := Limits{Rules: Rules{MaxFailures: 3}}
	b := NewBatch(1, 4)
	b.Failed(1)
	b.Failed(2)
	require.Nil(t, r.Hear(b.Report(), false, l))
	r.Forget(1)
	require.Equal(t, Count{}, r.Count())
	b = NewBatch(1, 4)
	b.Failed(1)
	b.Failed(2)
	b.Passed()
	require.Nil(t, r.Hear(b.Report(), false, l))
	b.Failed(4)
	require.Equal(t, &Trip{Rule: Cap, At: Count{3, 4}}, r.Hear(b.Report(), true, l))
	require.Nil(t, r.Check(Limits{Rules: Rules{MaxFailures: 4}}))
	require.Equal(t, ErrorRate, r.Check(Limits{Rules: Rules{ErrorRate: 0.5}}).Rule)
	require.Equal(t, InARow, r.Check(Limits{Consecutive: 2}).Rule)
}
