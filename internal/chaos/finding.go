package chaos

import "fmt"

// Verdict is what is wrong.
type Verdict string

// The verdicts. Wrong is everything else that isn't as the file or Ferry's own
// reports say.
const (
	Lost     Verdict = "lost"
	Doubled  Verdict = "doubled"
	Wrong    Verdict = "wrong"
	NotEnded Verdict = "not ended"
)

// Verdicts lists all of them.
func Verdicts() []Verdict { return []Verdict{Lost, Doubled, Wrong, NotEnded} }

// Finding is one thing that must not be. It names fields, never values.
type Finding struct {
	Kind   Verdict `json:"kind"`
	Record int     `json:"record,omitempty"` // in the file; 0: of no record
	What   string  `json:"what"`
}

// String says it in a line.
func (f Finding) String() string {
	if f.Record == 0 {
		return fmt.Sprintf("%s: %s", f.Kind, f.What)
	}
	return fmt.Sprintf("%s: record %d: %s", f.Kind, f.Record, f.What)
}
