package entitlement

import (
	"errors"
	"strings"
)

// dateExample is a date as it should be written.
const dateExample = "2024-05-31T09:30:00Z"

// DateHint says how to write a date that ParseTime has refused with err. It
// names the most likely slip and never repeats the text.
func DateHint(s string, err error) string {
	switch {
	case errors.Is(err, ErrTimeZone):
		return "end it with Z for UTC, or with an offset such as +01:00"
	case errors.Is(err, ErrTimeRange):
		return "check the day of the month; hours and offsets go up to 23, minutes and seconds up to 59; there is no year 0"
	}
	return formatHint(s)
}

// formatHint looks at a text's outline: 9 stands for any digit.
func formatHint(s string) string {
	outline := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return '9'
		}
		return r
	}, s[:min(len(s), 40)])
	const day = "9999-99-99"
	switch {
	case s != strings.TrimSpace(s):
		return "remove the blanks around it"
	case outline == day:
		return "add a time and a zone to the day, such as T00:00:00Z"
	case strings.HasPrefix(outline, day+" 99:99"):
		return "write a T between day and time, as in " + dateExample
	case strings.HasPrefix(outline, day+"t") || strings.HasPrefix(outline, day+"T") && strings.HasSuffix(outline, "z"):
		return "T and Z are capitals, as in " + dateExample
	case strings.HasPrefix(outline, day+"T99:99"):
		return "after the time comes Z or an offset such as +01:00, and nothing else; a fraction has at most nine digits"
	case strings.Trim(outline, "9") == "":
		return "digits alone are no date (seconds since 1970, perhaps?): write it as in " + dateExample
	case strings.HasPrefix(outline, "99.99.") || strings.HasPrefix(outline, "99/99/") || strings.HasPrefix(outline, "99-99-"):
		return "write the year first, then month and day, as in " + dateExample
	}
	return "write it as in " + dateExample
}
