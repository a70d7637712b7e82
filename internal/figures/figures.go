// Package figures writes numbers for people, the same on a terminal and on a
// web page. The CLI's view and the dashboard call it. It never rounds a size to
// nothing and knows no language but English.
package figures

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Bytes writes a size in the largest fitting unit, up to TiB: 512 B, 1.5 KiB.
func Bytes(n int64) string {
	const step = 1024
	if n < step {
		return fmt.Sprintf("%d B", n)
	}
	value, unit := float64(n)/step, 0
	for value >= step && unit < 3 {
		value /= step
		unit++
	}
	return fmt.Sprintf("%.1f %ciB", value, "KMGT"[unit])
}

// Number groups thousands: 12,345.
func Number(n int) string {
	text := strconv.Itoa(n)
	sign := ""
	if n < 0 {
		sign, text = "-", text[1:]
	}
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return sign + text
}

// Plural counts what has a plural in s: 1 record, 1,200 records.
func Plural(n int, unit string) string {
	if n == 1 {
		return "1 " + unit
	}
	return Number(n) + " " + unit + "s"
}

// Span is a length of time in words, rounded as people say it.
func Span(d time.Duration) string {
	switch {
	case d < time.Second:
		return "less than a second"
	case d < 90*time.Second:
		return Plural(int(math.Round(d.Seconds())), "second")
	case d < 90*time.Minute:
		return Plural(int(math.Round(d.Minutes())), "minute")
	case d < 48*time.Hour:
		return fmt.Sprintf("%.1f hours", d.Hours())
	}
	return fmt.Sprintf("%.1f days", d.Hours()/24)
}

// SpanRange is a range of lengths of time in words: 18 to 44 seconds, or about 3
// minutes.
func SpanRange(shortest, longest time.Duration) string {
	from, to := Span(shortest), Span(longest)
	if from == to {
		return "about " + to
	}
	fromNumber, fromUnit, _ := strings.Cut(from, " ")
	_, toUnit, _ := strings.Cut(to, " ")
	if strings.TrimSuffix(fromUnit, "s") == strings.TrimSuffix(toUnit, "s") {
		from = fromNumber
	}
	return from + " to " + to
}
