package workflows

import (
	"errors"
	"fmt"

	"github.com/f0a90b9a/ferry/internal/migration"
)

// UnmarshalJSON reads the input strictly: a misspelt field would otherwise be
// passed over, and a dry run turn into a real one. What is wrong is kept for
// the workflow to fail with, because an input that doesn't decode tells an
// operator nothing.
func (in *MigrateFileInput) UnmarshalJSON(b []byte) error {
	type plain MigrateFileInput
	var p plain
	if err := decodeStrictly(b, &p); err != nil {
		p.problem = fmt.Sprintf(`the input can't be used: %v (give {"file":"s3://bucket/key","route":"name"} and see the README for the rest)`, err)
	}
	*in = MigrateFileInput(p)
	return nil
}

// Bounds of a start's texts, in bytes.
const (
	maxFile  = 1100 // s3://, a bucket's 63, a key's 1024
	maxRoute = 100
)

// Check joins what is wrong with an input by itself: its texts, and values out
// of their range. Whether there is such a file and route is for the run to
// find.
func (in MigrateFileInput) Check() error {
	wrong := []error{in.checkTexts()}
	if in.Limits != nil {
		wrong = append(wrong, in.Limits.Check())
	}
	if in.Concurrency != nil {
		wrong = append(wrong, in.Concurrency.Check())
	}
	if in.RequestsPerSecond != nil {
		wrong = append(wrong, migration.CheckRequestsPerSecond(*in.RequestsPerSecond))
	}
	return errors.Join(wrong...)
}

// checkTexts refuses texts that are too long to be what they name.
func (in MigrateFileInput) checkTexts() error {
	var parent error
	if in.Parent != "" && !migration.ValidID(in.Parent) {
		parent = fmt.Errorf("parent %q names no migration: it must match %s", cut(in.Parent), migration.IDPattern)
	}
	return errors.Join(checkLength("file", in.File, maxFile), checkLength("route", in.Route, maxRoute), parent)
}

func checkLength(name, text string, most int) error {
	if len(text) <= most {
		return nil
	}
	return fmt.Errorf("%s is %d bytes long: use at most %d", name, len(text), most)
}

// Check joins everything that is wrong with the limits that are given, each a
// *migration.OutOfRangeError.
func (l LimitsInput) Check() error { return l.over(migration.Limits{}).Check() }

// Check joins everything that is wrong with what is given, each a
// *migration.OutOfRangeError.
func (c ConcurrencyInput) Check() error {
	return c.over(migration.Concurrency{Batches: 1, PerBatch: 1}).Check()
}

func (l LimitsInput) over(base migration.Limits) migration.Limits {
	set(&base.ErrorRate, l.ErrorRate)
	set(&base.MinSample, l.MinSample)
	set(&base.Consecutive, l.Consecutive)
	set(&base.MaxFailures, l.MaxFailures)
	return base
}

func (c ConcurrencyInput) over(base migration.Concurrency) migration.Concurrency {
	set(&base.Batches, c.Batches)
	set(&base.PerBatch, c.PerBatch)
	return base
}

func set[T any](value *T, with *T) {
	if with != nil {
		*value = *with
	}
}
