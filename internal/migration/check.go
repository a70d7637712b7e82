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

// MaxCount bounds limits that count records: no file holds as many.
const MaxCount = 100_000_000

// Bounds of requests per second, where they are not unlimited: below them a
// call's turn would not come within minutes, above them no worker gets.
const (
	MinRequestsPerSecond = 0.01
	MaxRequestsPerSecond = 100_000
)

// OutOfRangeError is a setting whose value can't be used.
type OutOfRangeError struct {
	Setting string // as in a start's input, such as limits.errorRate
	Value   any
	Use     string // what can be used
}

// Error names the setting, its value and what can be used.
func (e *OutOfRangeError) Error() string {
	return fmt.Sprintf("%s %v is out of range: use %s", e.Setting, e.Value, e.Use)
}

// Check joins everything that is wrong with the limits, each an *OutOfRangeError.
func (l Limits) Check() error {
	return errors.Join(
		check("limits.errorRate", l.ErrorRate, l.ErrorRate >= 0 && l.ErrorRate <= 1, "0 (off) to 1, e.g. 0.1 for 10 %"),
		checkCount("limits.minSample", l.MinSample, "0"),
		checkCount("limits.consecutive", l.Consecutive, "0 (off)"),
		checkCount("limits.maxFailures", l.MaxFailures, "0 (off)"),
	)
}

// Check joins everything that is wrong with the concurrency, each an
// *OutOfRangeError.
func (c Concurrency) Check() error {
	return errors.Join(
		check("concurrency.batches", c.Batches, c.Batches >= 1 && c.Batches <= MaxBatches, fmt.Sprintf("1 to %d", MaxBatches)),
		check("concurrency.perBatch", c.PerBatch, c.PerBatch >= 1 && c.PerBatch <= MaxPerBatch, fmt.Sprintf("1 to %d", MaxPerBatch)),
	)
}

// CheckRequestsPerSecond refuses a pace that can't be kept, as an *OutOfRangeError.
func CheckRequestsPerSecond(rps float64) error {
	return check("requestsPerSecond", rps, rps == 0 || rps >= MinRequestsPerSecond && rps <= MaxRequestsPerSecond,
		fmt.Sprintf("0 (unlimited), or %v to %d", MinRequestsPerSecond, MaxRequestsPerSecond))
}

// Check joins everything that is wrong with what a start, the configuration or
// an operator may set.
func (s Settings) Check() error {
	return errors.Join(s.Limits.Check(), s.Concurrency.Check(), CheckRequestsPerSecond(s.RequestsPerSecond), s.checkWaves())
}

func (s Settings) checkWaves() error {
	if s.ApproveFirstWave && !s.Waves {
		return errors.New("approveFirstWave needs waves: switch waves on, or use requireApproval, which waits before the first record")
	}
	return nil
}

func checkCount(setting string, value int, least string) error {
	return check(setting, value, value >= 0 && value <= MaxCount, fmt.Sprintf("%s to %d", least, MaxCount))
}

func check(setting string, value any, ok bool, use string) error {
	if ok {
		return nil
	}
	return &OutOfRangeError{Setting: setting, Value: value, Use: use}
}

// EachOutOfRange gives the single settings of an error that Check joined.
func EachOutOfRange(err error) []*OutOfRangeError {
	var all []*OutOfRangeError
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			all = append(all, EachOutOfRange(e)...)
		}
		return all
	}
	if one, ok := errors.AsType[*OutOfRangeError](err); ok {
		all = append(all, one)
	}
	return all
}
