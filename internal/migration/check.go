package migration

import (
	"errors"
	"fmt"
)

// MaxPerBatch bounds records under way in a batch, and a batch's size: a
// batch's outcomes must stay far below the largest payload.
const MaxPerBatch = 200

// MaxBatches bounds batches under way.
const MaxBatches = 32

// Check joins everything that is wrong with the limits.
func (l Limits) Check() error {
	var errs []error
	if !(l.ErrorRate >= 0 && l.ErrorRate <= 1) {
		errs = append(errs, fmt.Errorf("limits.errorRate %v is out of range: use 0 (off) to 1, e.g. 0.1 for 10 %%", l.ErrorRate))
	}
	for _, v := range []struct {
		name  string
		value int
	}{{"minSample", l.MinSample}, {"consecutive", l.Consecutive}, {"maxFailures", l.MaxFailures}} {
		if v.value < 0 {
			errs = append(errs, fmt.Errorf("limits.%s %d is negative: use 0 (off) or more", v.name, v.value))
		}
	}
	return errors.Join(errs...)
}

// Check joins everything that is wrong with the concurrency.
func (c Concurrency) Check() error {
	var errs []error
	if c.Batches < 1 || c.Batches > MaxBatches {
		errs = append(errs, fmt.Errorf("concurrency.batches %d is out of range: use 1 to %d", c.Batches, MaxBatches))
	}
	if c.PerBatch < 1 || c.PerBatch > MaxPerBatch {
		errs = append(errs, fmt.Errorf("concurrency.perBatch %d is out of range: use 1 to %d", c.PerBatch, MaxPerBatch))
	}
	return errors.Join(errs...)
}
