package limits

import "slices"

// Rule is what a run was stopped by.
type Rule string

// Rules of a Run.
const (
	InARow    Rule = "consecutive"
	ErrorRate Rule = "errorRate"
	Cap       Rule = "maxFailures"
)

// Limits are all limits of a run. A value of 0 switches one off.
type Limits struct {
	Rules
	Consecutive int // neighbours in file order
}

// Trip is a limit that was reached.
type Trip struct {
	Rule        Rule
	First, Last int   // records that failed in a row, for InARow
	At          Count // when it was reached
}

// Run is the root's book of failures: what all batches have reported. Batches
// that are over stay as sums. Its exported fields outlive a continue-as-new,
// at which no batch is open.
type Run struct {
	Closed  Count `json:"closed"`
	InOrder File  `json:"inOrder"`

	open []Report
}

// Hear takes over a batch's report, the last one with final, and says whether
// a limit was reached: in file order by all that is known, by count after each
// record that finished since the batch's last report. Nil if none was.
func (r *Run) Hear(report Report, final bool, l Limits) *Trip {
	before := r.Count()
	at := r.find(report)
	news := report.Order
	if at >= 0 {
		news = news[min(len(r.open[at].Order), len(news)):]
	}
	switch {
	case final:
		r.forget(at)
		c := report.Count()
		r.Closed = Count{r.Closed.Failed + c.Failed, r.Closed.Finished + c.Finished}
	case at >= 0:
		r.open[at] = report
	default:
		r.open = append(r.open, report)
	}
	r.InOrder.Set(report.Streak, final)
	if t := r.inARow(l); t != nil {
		return t
	}
	return trip(l.Read(before, news))
}

// Check looks at the limits anew after they were changed.
func (r *Run) Check(l Limits) *Trip {
	if t := r.inARow(l); t != nil {
		return t
	}
	c := r.Count()
	return trip(c, l.Judge(c))
}

// Forget drops what an open batch has reported: it is started again.
func (r *Run) Forget(first int) { r.forget(r.find(Report{Streak: Streak{First: first}})) }

// Count is what has finished and failed by all that was reported.
func (r *Run) Count() Count {
	sum := r.Closed
	for _, open := range r.open {
		c := open.Count()
		sum.Failed += c.Failed
		sum.Finished += c.Finished
	}
	return sum
}

func (r *Run) find(report Report) int {
	return slices.IndexFunc(r.open, func(o Report) bool { return o.Streak.First == report.Streak.First })
}

func (r *Run) forget(at int) {
	if at >= 0 {
		r.open = slices.Delete(r.open, at, at+1)
	}
}

func (r *Run) inARow(l Limits) *Trip {
	longest, first := r.InOrder.Longest()
	if !RunReached(l.Consecutive, longest) {
		return nil
	}
	return &Trip{Rule: InARow, First: first, Last: first + l.Consecutive - 1, At: r.Count()}
}

func trip(at Count, v Verdict) *Trip {
	switch v {
	case TooHighARate:
		return &Trip{Rule: ErrorRate, At: at}
	case TooManyFailures:
		return &Trip{Rule: Cap, At: at}
	case Fine:
	}
	return nil
}
