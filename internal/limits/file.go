package limits

import "slices"

// File is what is known of a whole file's failures in file order: one streak
// for each stretch that reported, neighbours that are final joined into one.
// It stays small however many batches there are, because only open batches
// and gaps keep stretches apart.
type File struct {
	Stretches []Stretch `json:"stretches"` // by first record
}

// Stretch is a streak that may still change (a batch at work) or is final.
type Stretch struct {
	Streak
	Final bool `json:"final"`
}

// Set records a stretch's streak, in place of what was known of it before,
// and joins what is final.
func (f *File) Set(s Streak, final bool) {
	i, found := slices.BinarySearchFunc(f.Stretches, s.First, func(t Stretch, first int) int { return t.First - first })
	if found {
		f.Stretches[i] = Stretch{Streak: s, Final: final}
	} else {
		f.Stretches = slices.Insert(f.Stretches, i, Stretch{Streak: s, Final: final})
	}
	f.compact()
}

func (f *File) compact() {
	out := f.Stretches[:0]
	for _, s := range f.Stretches {
		if last := len(out) - 1; last >= 0 && out[last].Final && s.Final && adjoins(out[last], s) {
			out[last].Streak = Join(out[last].Streak, s.Streak)
			continue
		}
		out = append(out, s)
	}
	f.Stretches = out
}

func adjoins(a, b Stretch) bool { return a.First+a.Length == b.First }

// Longest gives the longest run of failed neighbours known so far and where it
// starts, over the borders of stretches that adjoin.
func (f *File) Longest() (length, first int) {
	var run Streak
	for i, s := range f.Stretches {
		if i > 0 && adjoins(f.Stretches[i-1], s) {
			run = Join(run, s.Streak)
		} else {
			run = s.Streak
		}
		if run.Longest > length {
			length, first = run.Longest, run.LongestFirst
		}
	}
	return length, first
}
