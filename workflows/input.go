package workflows

import (
	"bytes"
	"encoding/json"
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
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&p); err != nil {
		p.problem = fmt.Sprintf(`the input can't be used: %v (give {"file":"s3://bucket/key","route":"name"} and see the README for the rest)`, err)
	}
	*in = MigrateFileInput(p)
	return nil
}

// Check joins everything that is wrong with the limits that are given, each a
// *migration.OutOfRange.
func (l LimitsInput) Check() error { return l.over(migration.Limits{}).Check() }

// Check joins everything that is wrong with what is given, each a
// *migration.OutOfRange.
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
