package resale

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// retryAfterLimit bounds what a target may ask for, so that a nonsense value
// can't stop a run for ever.
const retryAfterLimit = 24 * time.Hour

// retryAfter reads the Retry-After header, seconds or an HTTP date; 0 if there
// is none, it makes no sense, or it has passed. A date is measured against the
// answer's own Date, because the two clocks may differ.
func retryAfter(h http.Header) time.Duration {
	value := strings.TrimSpace(h.Get("Retry-After"))
	if value == "" {
		return 0
	}
	if seconds, err := strconv.ParseUint(value, 10, 63); err == nil {
		if seconds > uint64(retryAfterLimit/time.Second) {
			return retryAfterLimit
		}
		return time.Duration(seconds) * time.Second
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	now, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		now = time.Now()
	}
	return min(max(at.Sub(now), 0), retryAfterLimit)
}
