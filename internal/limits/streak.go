// Package limits decides when a migration has failed too much. It is pure:
// streaks of failed neighbours that join in any order, and the rules over
// counts. Workflows call it; it never looks at a clock.
package limits

// Streak describes the failures of some consecutive records well enough to
// join it with its neighbours' and get what a plain reader in file order would
// have got. Records whose fate is not known (yet) count as not failed, so a
// streak only ever grows. The zero Streak is no records at all.
type Streak struct {
	First        int `json:"first"`        // number of the first record
	Length       int `json:"length"`       // records
	Leading      int `json:"leading"`      // failed at the start
	Trailing     int `json:"trailing"`     // failed at the end
	Longest      int `json:"longest"`      // longest run of failed neighbours
	LongestFirst int `json:"longestFirst"` // where that run starts; 0 if there is none
}

// Of gives the streak of records first, first+1, … of which failed tells
// whether each has failed.
func Of(first int, failed []bool) Streak {
	s := Streak{First: first}
	for i, f := range failed {
		s = Join(s, single(first+i, f))
	}
	return s
}

func single(record int, failed bool) Streak {
	if !failed {
		return Streak{First: record, Length: 1}
	}
	return Streak{First: record, Length: 1, Leading: 1, Trailing: 1, Longest: 1, LongestFirst: record}
}

// Join gives the streak of a's records followed directly by b's. It is
// associative; the earliest of equally long runs is the one that is named.
func Join(a, b Streak) Streak {
	if a.Length == 0 {
		return b.rebased(a.First)
	}
	if b.Length == 0 {
		return a
	}
	j := Streak{
		First: a.First, Length: a.Length + b.Length,
		Leading: a.Leading, Trailing: b.Trailing,
		Longest: a.Longest, LongestFirst: a.LongestFirst,
	}
	if a.Leading == a.Length {
		j.Leading = a.Length + b.Leading
	}
	if b.Trailing == b.Length {
		j.Trailing = b.Length + a.Trailing
	}
	if across := a.Trailing + b.Leading; across > j.Longest {
		j.Longest, j.LongestFirst = across, b.First-a.Trailing
	}
	if b.Longest > j.Longest {
		j.Longest, j.LongestFirst = b.Longest, b.LongestFirst
	}
	return j
}

// rebased gives an empty streak's place to the streak that follows it.
func (s Streak) rebased(first int) Streak {
	if s.Length == 0 {
		s.First = first
	}
	return s
}
