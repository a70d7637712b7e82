package limits

// Marks of an order of completion: one for each record that counts.
const (
	Passed = 'p'
	Failed = 'f'
)

// Rules are the limits over counts. A value of 0 switches one off.
type Rules struct {
	ErrorRate   float64 // failed ÷ finished, once MinSample have finished
	MinSample   int
	MaxFailures int
}

// Count is how many records have finished, and how many of them failed.
type Count struct {
	Failed   int `json:"failed"`
	Finished int `json:"finished"`
}

// Verdict is what rules say of a count.
type Verdict int

// Verdicts.
const (
	Fine Verdict = iota
	TooHighARate
	TooManyFailures
)

// Judge looks at one count.
func (r Rules) Judge(c Count) Verdict {
	switch {
	case RateReached(r.ErrorRate, r.MinSample, c.Failed, c.Finished):
		return TooHighARate
	case CapReached(r.MaxFailures, c.Failed):
		return TooManyFailures
	}
	return Fine
}

// Read goes on from a count over records in the order in which they finished,
// one mark each, and judges after each of them: what a reader who saw every
// record finish would have said. It stops at the first that is too much, and
// gives the count there.
func (r Rules) Read(c Count, order string) (Count, Verdict) {
	for _, mark := range order {
		c.Finished++
		if mark == Failed {
			c.Failed++
		}
		if v := r.Judge(c); v != Fine {
			return c, v
		}
	}
	return c, Fine
}

// Used is how much of what the rules allow a count has used up: 0 nothing, 1
// all of it. Below the sample, failures are measured against the whole sample.
func (r Rules) Used(c Count) float64 {
	used := 0.0
	if r.ErrorRate > 0 {
		used = float64(c.Failed) / (r.ErrorRate * float64(max(c.Finished, r.MinSample, 1)))
	}
	if r.MaxFailures > 0 {
		used = max(used, float64(c.Failed)/float64(r.MaxFailures))
	}
	return used
}

// narrowSlack is how far use must fall back before a step is undone.
const narrowSlack = 0.1

// Narrow is how often the width of what is under way is to be halved, given
// how often it is halved now and how much of a limit is used up. The less is
// left, the fewer records a trip finds under way.
func Narrow(now int, used float64) int {
	narrowAt := []float64{0.5, 0.75, 0.9}
	want := 0
	for want < len(narrowAt) && used >= narrowAt[want] {
		want++
	}
	for now > want && used < narrowAt[now-1]-narrowSlack {
		now--
	}
	return max(now, want)
}
