package sandbox

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/f0a90b9a/ferry/internal/entitlement"
)

// FaultSpecHelp explains the words that ParseFaults takes, one line each.
const FaultSpecHelp = `errors=0.1        share of calls answered INTERNAL_ERROR
throttle=0.1      share of calls answered TOO_MANY_REQUESTS
retry-after=1s    Retry-After of throttled calls and outages, of any size
lost=0.02         share of writes that are done and get no answer
hold=create       that step's writes are done and not answered; may be repeated
accepted=0.1      share of writes answered 202
settle=1s         how long these stay pending
latency=50ms      added to every call
outage            every call answers SERVICE_UNAVAILABLE
html              errors look like a gateway's page
unauthorized      every call answers UNAUTHORIZED
duplicates        external ids need not be unique
forgetful         identifiers are not remembered
no-refusals       no product refuses a step
under-way=0.02    share of writes done later; meanwhile a repeat is CONFLICT
under-way-for=1s  how long these take
trim-ids          external ids are kept without white space at their ends
fold-ids          external ids are kept in lower case
whole-seconds     dates are kept without what is below a second
forbid=../        calls with this text get a firewall's 403 page
refuse=400:id=x   calls are refused with a status; may be repeated
answer=204        writes that succeed get another answer: ` + answerWords + `
odd=no-id:id=x    items of reads are spoilt: ` + oddWords + `
seed=7            begins the sequence of chances

refuse, answer and odd take, after colons: id=PATTERN of the external id (* is
any text), call=create, body=TEXT, rate=0.1, times=2; refuse also html, code=,
message=, retry-after=, location=; answer also instead, for a write not done.
Values with a comma or a colon go through PATCH /_sandbox/faults only.`

// Lists of the kinds of spoilt answers and items, for people.
const (
	answerWords = "201 204\n                  html empty bare other-id"
	oddWords    = "unknown-status null-customer\n                  no-id wrong-type bad-date null not-asked not-asked-broken"
)

// ParseFaults reads faults from words like "errors=0.1,latency=50ms,outage",
// starting from DefaultFaults. An unknown word or a bad value is an error that
// names it.
func ParseFaults(spec string) (Faults, error) { return DefaultFaults().Parse(spec) }

// Parse gives the faults with the words of spec applied; see ParseFaults.
func (f Faults) Parse(spec string) (Faults, error) {
	f = f.clone()
	for word := range strings.SplitSeq(spec, ",") {
		word = strings.TrimSpace(word)
		if word == "" {
			continue
		}
		name, value, hasValue := strings.Cut(word, "=")
		known, err := f.set(name, value, hasValue)
		if !known {
			return Faults{}, fmt.Errorf("fault %q: there is no such fault", name)
		}
		if err != nil {
			return Faults{}, fmt.Errorf("fault %q: %w", word, err)
		}
	}
	if err := f.validate(); err != nil {
		return Faults{}, fmt.Errorf("faults %q: %w", spec, err)
	}
	return f, nil
}

func (f *Faults) set(name, value string, hasValue bool) (known bool, err error) {
	switch name {
	case "outage", "html", "unauthorized", "duplicates", "forgetful", "no-refusals", "trim-ids", "fold-ids", "whole-seconds":
		return true, f.flag(name, value, hasValue)
	case "errors":
		f.ErrorRate, err = strconv.ParseFloat(value, 64)
	case "throttle":
		f.ThrottleRate, err = strconv.ParseFloat(value, 64)
	case "lost":
		f.LostAnswerRate, err = strconv.ParseFloat(value, 64)
	case "accepted":
		f.AcceptedRate, err = strconv.ParseFloat(value, 64)
	case "latency":
		f.LatencyMs, err = count(value, time.Millisecond)
	case "settle":
		f.SettleAfterMs, err = count(value, time.Millisecond)
	case "retry-after":
		f.RetryAfterSeconds, err = count(value, time.Second)
	case "hold":
		f.HoldAnswers = append(f.HoldAnswers, entitlement.Step(value))
	case "under-way":
		f.UnderWayRate, err = strconv.ParseFloat(value, 64)
	case "under-way-for":
		f.UnderWayMs, err = count(value, time.Millisecond)
	case "forbid", "refuse", "answer", "odd":
		err = f.addRule(name, value)
	case "seed":
		f.Seed, err = strconv.ParseUint(value, 10, 64)
	default:
		return false, nil
	}
	return true, err
}

func (f *Faults) flag(name, value string, hasValue bool) error {
	on := true
	if hasValue {
		var err error
		if on, err = strconv.ParseBool(value); err != nil {
			return err
		}
	}
	switch name {
	case "outage":
		f.Outage = on
	case "html":
		f.HTML = on
	case "unauthorized":
		f.Unauthorized = on
	case "duplicates":
		f.UniqueExternalIDs = !on
	case "forgetful":
		f.Forgetful = on
	case "trim-ids":
		f.TrimIDs = on
	case "fold-ids":
		f.FoldIDs = on
	case "whole-seconds":
		f.WholeSeconds = on
	case "no-refusals":
		f.Refusals = DefaultFaults().Refusals
		if on {
			clear(f.Refusals)
		}
	}
	return nil
}

// count is a duration in whole units.
func count(value string, unit time.Duration) (int, error) {
	d, err := time.ParseDuration(value)
	return int(d / unit), err
}
