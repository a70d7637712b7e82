package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/workflows"
)

// limitFlags are the error limits as flags.
type limitFlags struct {
	errorRate                           float64
	minSample, consecutive, maxFailures int
}

func (l *limitFlags) addFlags(flags *pflag.FlagSet) {
	flags.Float64Var(&l.errorRate, "error-rate", 0, "stop at this share of failures, 0 to 1 (0: off)")
	flags.IntVar(&l.minSample, "min-sample", 0, "records that must have finished before the rate counts")
	flags.IntVar(&l.consecutive, "consecutive", 0, "stop at this many failures in a row (0: off)")
	flags.IntVar(&l.maxFailures, "max-failures", 0, "stop at this many failures (0: off)")
}

// input gives the limits that were set on the command line; nil for none.
func (l *limitFlags) input(flags *pflag.FlagSet) *workflows.LimitsInput {
	in := workflows.LimitsInput{
		ErrorRate:   given(flags, "error-rate", &l.errorRate),
		MinSample:   given(flags, "min-sample", &l.minSample),
		Consecutive: given(flags, "consecutive", &l.consecutive),
		MaxFailures: given(flags, "max-failures", &l.maxFailures),
	}
	if in == (workflows.LimitsInput{}) {
		return nil
	}
	return &in
}

// widthFlags are concurrency and pace as flags.
type widthFlags struct {
	batches, perBatch int
	rps               float64
}

func (w *widthFlags) addFlags(flags *pflag.FlagSet) {
	flags.IntVar(&w.batches, "batches", 0, "batches at once")
	flags.IntVar(&w.perBatch, "per-batch", 0, "records at once in each batch")
	flags.Float64Var(&w.rps, "rps", 0, "requests per second and worker (0: unlimited)")
}

func (w *widthFlags) input(flags *pflag.FlagSet) (*workflows.ConcurrencyInput, *float64) {
	rps := given(flags, "rps", &w.rps)
	in := workflows.ConcurrencyInput{
		Batches:  given(flags, "batches", &w.batches),
		PerBatch: given(flags, "per-batch", &w.perBatch),
	}
	if in == (workflows.ConcurrencyInput{}) {
		return nil, rps
	}
	return &in, rps
}

// overrides are all settings that a start may change.
type overrides struct {
	limits                             limitFlags
	width                              widthFlags
	noWaves, noReconcile, needApproval bool
	firstWave                          bool
}

func (o *overrides) addFlags(flags *pflag.FlagSet) {
	o.limits.addFlags(flags)
	o.width.addFlags(flags)
	flags.BoolVar(&o.noWaves, "no-waves", false, "start all records without trial waves")
	flags.BoolVar(&o.noReconcile, "no-reconcile", false, "don't read the result back from the target")
	flags.BoolVar(&o.needApproval, "require-approval", false, "wait for 'ferry approve' after the plan")
	flags.BoolVar(&o.firstWave, "approve-first-wave", false, "wait for 'ferry approve' after the first wave, too")
}

// apply puts what was set on the command line into an input. --no-waves=false
// asks for waves whatever the worker's configuration says. A value out of its
// range is a usage error here, before it spends the migration's id.
func (o *overrides) apply(flags *pflag.FlagSet, in *workflows.MigrateFileInput) error {
	in.Limits = o.limits.input(flags)
	in.Concurrency, in.RequestsPerSecond = o.width.input(flags)
	if err := checkLimits(in.Limits); err != nil {
		return err
	}
	if err := checkWidth(in.Concurrency, in.RequestsPerSecond); err != nil {
		return err
	}
	in.Waves = given(flags, "no-waves", opposite(o.noWaves))
	in.Reconcile = given(flags, "no-reconcile", opposite(o.noReconcile))
	in.RequireApproval = given(flags, "require-approval", &o.needApproval)
	in.ApproveFirstWave = given(flags, "approve-first-wave", &o.firstWave)
	return nil
}

// checkLimits judges the limits that are given.
func checkLimits(in *workflows.LimitsInput) error {
	if in == nil {
		return nil
	}
	return outOfRange(in.Check())
}

// checkWidth judges concurrency and pace as far as they are given.
func checkWidth(in *workflows.ConcurrencyInput, rps *float64) error {
	var wrong []error
	if in != nil {
		wrong = append(wrong, in.Check())
	}
	if rps != nil {
		wrong = append(wrong, migration.CheckRequestsPerSecond(*rps))
	}
	return outOfRange(errors.Join(wrong...))
}

// flagNames are the flags of the settings that a user may set.
var flagNames = map[string]string{
	"limits.errorRate": "--error-rate", "limits.minSample": "--min-sample",
	"limits.consecutive": "--consecutive", "limits.maxFailures": "--max-failures",
	"concurrency.batches": "--batches", "concurrency.perBatch": "--per-batch", "requestsPerSecond": "--rps",
}

// outOfRange is a usage error that names the flags.
func outOfRange(err error) error {
	var wrong []string
	for _, e := range migration.EachOutOfRange(err) {
		wrong = append(wrong, fmt.Sprintf("%s %v is out of range: use %s", flagNames[e.Setting], e.Value, e.Use))
	}
	if len(wrong) == 0 {
		return nil
	}
	return usagef("%s", strings.Join(wrong, "; "))
}

func opposite(b bool) *bool {
	b = !b
	return &b
}

// given is the value of a flag that was set, else nil.
func given[T any](flags *pflag.FlagSet, name string, value *T) *T {
	if !flags.Changed(name) {
		return nil
	}
	return value
}
