package entitlement

import (
	"slices"
	"strings"
)

// FieldPendingAction is a field of the target's answers alone.
const FieldPendingAction = "pendingAction"

// Oddity is a field of the target's answer that isn't understood.
type Oddity struct {
	Field string // its JSON name
	Why   string // such as "is null"; never a value of the customer's
}

// IsOdd reports whether a field isn't understood.
func (e *Entitlement) IsOdd(field string) bool {
	return slices.ContainsFunc(e.Odd, func(o Oddity) bool { return o.Field == field })
}

// WhyOdd tells of all that isn't understood, in a few words; empty if all is.
func (e *Entitlement) WhyOdd() string {
	whys := make([]string, len(e.Odd))
	for i, o := range e.Odd {
		whys[i] = o.Field + " " + o.Why
	}
	return strings.Join(whys, ", ")
}

// SameKey reports whether two ids or keys are equal for a target that looks
// neither at the case of letters nor at blanks at the ends.
func SameKey(a, b string) bool { return FoldKey(a) == FoldKey(b) }

// FoldKey is an id or key as such a target compares it.
func FoldKey(s string) string { return strings.ToLower(strings.TrimSpace(s)) }
