package workflows

import (
	"errors"
	"fmt"
	"strings"

	"github.com/f0a90b9a/ferry/internal/migration"
)

// changes tells what of the settings was changed to what, as the audit trail
// says it; empty if nothing was.
func changes(was, now migration.Settings) string {
	var all []string
	add := func(name string, was, now any) {
		if was != now {
			all = append(all, fmt.Sprintf("%s %v → %v", name, was, now))
		}
	}
	add("errorRate", was.Limits.ErrorRate, now.Limits.ErrorRate)
	add("minSample", was.Limits.MinSample, now.Limits.MinSample)
	add("consecutive", was.Limits.Consecutive, now.Limits.Consecutive)
	add("maxFailures", was.Limits.MaxFailures, now.Limits.MaxFailures)
	add("batches", was.Concurrency.Batches, now.Concurrency.Batches)
	add("perBatch", was.Concurrency.PerBatch, now.Concurrency.PerBatch)
	add("requestsPerSecond", was.RequestsPerSecond, now.RequestsPerSecond)
	return strings.Join(all, ", ")
}

// with is the settings as an update makes them.
func (in SetLimitsInput) with(s migration.Settings) migration.Settings {
	s.Limits = in.Limits.over(s.Limits)
	return s
}

// with is the settings as an update makes them.
func (in SetConcurrencyInput) with(s migration.Settings) migration.Settings {
	s.Concurrency = in.Concurrency.over(s.Concurrency)
	set(&s.RequestsPerSecond, in.RequestsPerSecond)
	return s
}

// Check joins everything that is wrong with the input.
func (in SetLimitsInput) Check() error {
	return errors.Join(in.OperatorAction.Check(), in.Limits.Check())
}

// Check joins everything that is wrong with the input.
func (in SetConcurrencyInput) Check() error {
	var pace error
	if in.RequestsPerSecond != nil {
		pace = migration.CheckRequestsPerSecond(*in.RequestsPerSecond)
	}
	return errors.Join(in.OperatorAction.Check(), in.Concurrency.Check(), pace)
}

// mayBecome refuses a change of nothing: who asked for it may have misspelt a
// value, or not seen that somebody else was quicker.
func (r *fileRun) mayBecome(s migration.Settings) error {
	if changes(r.Settings, s) != "" {
		return nil
	}
	l, c := r.Settings.Limits, r.Settings.Concurrency
	return fmt.Errorf("nothing would change: errorRate is %v, minSample %d, consecutive %d, maxFailures %d, batches %d, perBatch %d, requestsPerSecond %v",
		l.ErrorRate, l.MinSample, l.Consecutive, l.MaxFailures, c.Batches, c.PerBatch, r.Settings.RequestsPerSecond)
}
