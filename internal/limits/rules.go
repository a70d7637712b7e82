package limits

import "math"

// RateReached reports whether failed ÷ finished has reached rate once at least
// minSample records have finished. A rate of 0 is off. "Reached" means equal or
// above, so that 10 of 100 trips a rate of 0.10.
func RateReached(rate float64, minSample, failed, finished int) bool {
	if rate <= 0 || failed == 0 || finished < max(minSample, 1) {
		return false
	}
	return float64(failed) >= rate*float64(finished)-1e-9
}

// CapReached reports whether failed has reached the limit of failures; 0 is off.
func CapReached(limit, failed int) bool { return limit > 0 && failed >= limit }

// RunReached reports whether a run of failed neighbours has reached the limit;
// 0 is off.
func RunReached(limit, longest int) bool { return limit > 0 && longest >= limit }

// CanaryReached reports whether a finished wave of size records says that the
// rest would fail too: all failed, or at least the larger of 2 and
// rate × size. A rate of 0 leaves "all failed" alone.
func CanaryReached(rate float64, failed, size int) bool {
	if size == 0 || failed == 0 {
		return false
	}
	if failed >= size {
		return true
	}
	if rate <= 0 {
		return false
	}
	return failed >= max(2, int(math.Ceil(rate*float64(size)-1e-9)))
}
