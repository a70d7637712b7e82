package entitlement

import "time"

// Choose picks the record's entitlement among those that the target holds
// under its external id, and compares it. A target that keeps external ids
// unique holds one at most, and that one is picked whatever it is like. Among
// several it is the only one that is the record's by Compare; ok is false where
// none is or more than one, because then nobody can tell, and for an empty list.
func Choose(r *Record, found []Entitlement, now time.Time) (e Entitlement, c Comparison, ok bool) {
	if len(found) == 1 {
		return found[0], Compare(r, found[0], now), true
	}
	for i := range found {
		seen := Compare(r, found[i], now)
		if !seen.Same() {
			continue
		}
		if ok {
			return Entitlement{}, Comparison{}, false
		}
		e, c, ok = found[i], seen, true
	}
	return e, c, ok
}
