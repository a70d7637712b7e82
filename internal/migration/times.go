package migration

import "time"

// CompareTimes orders moments of which one may not be known: none is earlier
// than any.
func CompareTimes(a, b *time.Time) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return -1
	case b == nil:
		return 1
	}
	return a.Compare(*b)
}
