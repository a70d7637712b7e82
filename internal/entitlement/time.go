package entitlement

import (
	"errors"
	"time"
)

// What ParseTime finds wrong. Their texts never hold the value.
var (
	// ErrTimeFormat is text that isn't a date-time at all.
	ErrTimeFormat = errors.New("is not an ISO 8601 date-time")
	// ErrTimeZone is a date-time without a zone, which is no instant.
	ErrTimeZone = errors.New("has no time zone")
	// ErrTimeRange is a date-time that no calendar or clock has.
	ErrTimeRange = errors.New("is not a real date and time")
)

// ParseTime reads an instant in ISO 8601's extended format:
//
//	YYYY-MM-DDThh:mm[:ss[(.|,)f…]](Z|±hh|±hhmm|±hh:mm)
//
// T and Z are capitals. Seconds may be left out, a fraction has one to nine
// digits. Only dates of the Gregorian calendar and times from 00:00:00 to
// 23:59:59 are accepted (no 24:00, no leap second), offsets up to 23:59, and
// instants whose year in UTC is 1 to 9999. The result keeps the offset. The
// error is ErrTimeFormat, ErrTimeZone or ErrTimeRange.
func ParseTime(s string) (time.Time, error) {
	p := timeParser{rest: s}
	year, month, day := p.number(4), p.after('-'), p.after('-')
	hour, minute := p.after('T'), p.after(':')
	second, nanos := p.seconds()
	if p.bad {
		return time.Time{}, ErrTimeFormat
	}
	if p.rest == "" {
		return time.Time{}, ErrTimeZone
	}
	loc := p.zone()
	if p.bad || p.rest != "" {
		return time.Time{}, ErrTimeFormat
	}
	t := time.Date(year, time.Month(month), day, hour, minute, second, nanos, time.UTC)
	exists := t.Year() == year && int(t.Month()) == month && t.Day() == day
	if !exists || hour > 23 || minute > 59 || second > 59 || loc == nil {
		return time.Time{}, ErrTimeRange
	}
	t = time.Date(year, time.Month(month), day, hour, minute, second, nanos, loc)
	if y := t.UTC().Year(); y < 1 || y > 9999 {
		return time.Time{}, ErrTimeRange
	}
	return t, nil
}

// timeParser eats a date-time from the left; bad stays true once it is set.
type timeParser struct {
	rest string
	bad  bool
}

// number eats exactly n digits.
func (p *timeParser) number(n int) int {
	if p.bad || len(p.rest) < n {
		p.bad = true
		return 0
	}
	v := 0
	for _, c := range []byte(p.rest[:n]) {
		if c < '0' || c > '9' {
			p.bad = true
			return 0
		}
		v = v*10 + int(c-'0')
	}
	p.rest = p.rest[n:]
	return v
}

// after eats the separator and then exactly two digits.
func (p *timeParser) after(sep byte) int {
	if !p.eat(sep) {
		p.bad = true
	}
	return p.number(2)
}

func (p *timeParser) eat(c byte) bool {
	if p.rest == "" || p.rest[0] != c {
		return false
	}
	p.rest = p.rest[1:]
	return true
}

func (p *timeParser) seconds() (second, nanos int) {
	if p.bad || !p.eat(':') {
		return 0, 0
	}
	second = p.number(2)
	if !p.eat('.') && !p.eat(',') {
		return second, 0
	}
	digits := 0
	for digits < len(p.rest) && p.rest[digits] >= '0' && p.rest[digits] <= '9' {
		digits++
	}
	if digits == 0 || digits > 9 {
		p.bad = true
		return second, 0
	}
	nanos = p.number(digits)
	for ; digits < 9; digits++ {
		nanos *= 10
	}
	return second, nanos
}

// zone eats the zone; nil is an offset that no clock has.
func (p *timeParser) zone() *time.Location {
	if p.eat('Z') {
		return time.UTC
	}
	sign := 1
	if p.eat('-') {
		sign = -1
	} else if !p.eat('+') {
		p.bad = true
		return nil
	}
	hours, minutes := p.number(2), 0
	if p.eat(':') || p.rest != "" {
		minutes = p.number(2)
	}
	if hours > 23 || minutes > 59 {
		return nil
	}
	if hours == 0 && minutes == 0 {
		return time.UTC
	}
	return time.FixedZone("", sign*(hours*3600+minutes*60))
}
