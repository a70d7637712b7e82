package migration

import "github.com/f0a90b9a/ferry/internal/fault"

// Consequence reports whether a code says only that the run, or an operator,
// ended before the record did. Such rows tell nobody what to repair: whatever
// lists records by reason puts the others, the causes, before them and apart.
func Consequence(code string) bool {
	switch code {
	case fault.CodeStoppedByLimit, fault.CodeAborted, fault.CodeInterrupted, fault.CodeOperatorStopped:
		return true
	}
	return false
}

// ErrorsRank is the place of a record in errors.csv, from 0 to ErrorsRanks-1:
// what failed, then what was not attempted for a reason of its own, then what
// the end of the run left half-way, and last what it left untouched. Records of
// one rank stand in file order.
func (o *Outcome) ErrorsRank() int {
	rank := 0
	if Consequence(o.Code) {
		rank = 2
	}
	if o.Fate == NotAttempted {
		rank++
	}
	return rank
}

// ErrorsRanks is the number of ranks of errors.csv.
const ErrorsRanks = 4

// Causes keeps apart what is to be repaired and what is only left over by the
// end of the run, in the order in which they were.
func Causes(groups []ErrorGroup) (causes, consequences []ErrorGroup) {
	for _, g := range groups {
		if Consequence(g.Code) {
			consequences = append(consequences, g)
		} else {
			causes = append(causes, g)
		}
	}
	return causes, consequences
}
