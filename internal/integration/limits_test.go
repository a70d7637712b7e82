package integration

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/workflows"
)

// failingAt makes a file of ACTIVE records of which some can't be created.
func (s *stack) failingAt(prefix string, records int, ranges ...[2]int) []byte {
	s.t.Helper()
	all := decodeRecords(s.t, activeRecords(s.t, prefix, records))
	for _, r := range ranges {
		for n := r[0]; n <= r[1]; n++ {
			all[n-1]["productKey"] = "nova-fail-create"
		}
	}
	return encodeRecords(s.t, all)
}

// Failures at a limit, one below it and one above, wherever they lie: thirty
// records in batches of ten.
func TestLimitsAtTheirBorders(t *testing.T) {
	t.Parallel()
	inARow := workflows.LimitsInput{ErrorRate: new(0.0), Consecutive: new(5)}
	atOnce := &workflows.ConcurrencyInput{Batches: new(3), PerBatch: new(10)}
	oneByOne := &workflows.ConcurrencyInput{Batches: new(1), PerBatch: new(1)}
	rate := workflows.LimitsInput{ErrorRate: new(0.2), MinSample: new(30), Consecutive: new(0)}
	limit := workflows.LimitsInput{ErrorRate: new(0.0), Consecutive: new(0), MaxFailures: new(3)}
	waves := workflows.LimitsInput{ErrorRate: new(0.6), Consecutive: new(5)}
	type tripped = migration.Tripped
	cases := []struct {
		name    string
		limits  workflows.LimitsInput
		width   *workflows.ConcurrencyInput
		waves   bool
		failing [][2]int
		want    *tripped
	}{
		{"in a row at the start", inARow, atOnce, false, [][2]int{{1, 5}}, &tripped{Rule: "consecutive", First: 1, Last: 5}},
		{"one less at the start", inARow, atOnce, false, [][2]int{{1, 4}}, nil},
		{"one more", inARow, oneByOne, false, [][2]int{{3, 8}}, &tripped{Rule: "consecutive", First: 3, Last: 7}},
		{"over a batch's border", inARow, atOnce, false, [][2]int{{8, 12}}, &tripped{Rule: "consecutive", First: 8, Last: 12}},
		{"one less over a batch's border", inARow, atOnce, false, [][2]int{{8, 11}}, nil},
		{"at the end", inARow, atOnce, false, [][2]int{{26, 30}}, &tripped{Rule: "consecutive", First: 26, Last: 30}},
		{"many, never in a row", inARow, atOnce, false, [][2]int{{1, 4}, {6, 9}, {11, 14}, {16, 19}, {21, 24}, {26, 29}}, nil},
		{"at the rate", rate, oneByOne, false, [][2]int{{25, 30}}, &tripped{Rule: "errorRate"}},
		{"below the rate", rate, oneByOne, false, [][2]int{{26, 30}}, nil},
		{"at the cap", limit, oneByOne, false, [][2]int{{2, 2}, {12, 12}, {22, 22}}, &tripped{Rule: "maxFailures"}},
		{"below the cap", limit, oneByOne, false, [][2]int{{2, 2}, {12, 12}}, nil},
		{"the first wave", waves, atOnce, true, [][2]int{{1, 2}}, &tripped{Rule: "canary", First: 1, Last: 3}},
		{"one less in the first wave", waves, atOnce, true, [][2]int{{1, 1}}, nil},
		{"over a wave's border", waves, atOnce, true, [][2]int{{3, 7}}, &tripped{Rule: "consecutive", First: 3, Last: 7}},
	}
	s := setup(t)
	s.settings.BatchSize = 10
	s.stopWorker()
	s.startWorker()
	for i, c := range cases {
		id := fmt.Sprintf("border-%d", i)
		in := inputFor(s.upload(id+".json", s.failingAt(s.id(id), 30, c.failing...)))
		in.Limits, in.Concurrency, in.Waves = &c.limits, c.width, &c.waves
		sum := s.migrate(id, in)
		require.Equal(t, c.want, sum.Limits.Tripped, "%s: %s", c.name, sum.Reason)
		if c.want == nil {
			require.Equal(t, migration.CompletedWithFailures, sum.Result, c.name)
			require.Zero(t, sum.Outcomes.NotAttempted, c.name)
			continue
		}
		require.Equal(t, migration.StoppedByLimit, sum.Result, c.name)
		require.Contains(t, sum.Reason, "ferry reload", c.name)
	}
	require.Zero(t, s.stats().DuplicateExternalIDs)
}

// The same file at any width gets the same verdict in file order.
func TestTheWidthChangesNoVerdict(t *testing.T) {
	t.Parallel()
	s := setup(t)
	s.settings.BatchSize = 20
	s.stopWorker()
	s.startWorker()
	for _, width := range []int{1, 10, 50} {
		id := fmt.Sprintf("width-%d", width)
		in := inputFor(s.upload(id+".json", s.failingAt(s.id(id), 60, [2]int{37, 46}, [2]int{2, 9})))
		in.Limits = &workflows.LimitsInput{ErrorRate: new(0.0)}
		in.Concurrency = &workflows.ConcurrencyInput{Batches: new(3), PerBatch: new(width)}
		in.Waves = new(false)
		sum := s.migrate(id, in)
		require.Equal(t, &migration.Tripped{Rule: "consecutive", First: 37, Last: 46}, sum.Limits.Tripped, "width %d", width)
	}
}

// Three records that can't be repaired stop a file at its first wave, but not
// the reload of what was never tried behind them, nor the reload of that.
func TestReloadAfterALimitMigratesWhatWasNeverTried(t *testing.T) {
	t.Parallel()
	s := setup(t)
	s.settings.BatchSize = 10
	s.stopWorker()
	s.startWorker()
	in := inputFor(s.upload("first.json", s.failingAt(s.bucket, 40, [2]int{1, 3}, [2]int{20, 21})))
	in.Waves = new(true)
	sum := s.migrate("first", in)
	require.Equal(t, migration.StoppedByLimit, sum.Result)
	require.Equal(t, 3, sum.Outcomes.Failed)
	require.Contains(t, sum.Reason, "--only not-attempted")
	require.Equal(t, []string{"NOT_AVAILABLE", "STOPPED_BY_LIMIT"}, []string{sum.Errors[0].Code, sum.Errors[1].Code})

	in = inputFor(s.upload("second.json", s.file("first", migration.FileReload)))
	in.Parent, in.Waves = s.id("first"), new(true)
	in.Limits = &workflows.LimitsInput{ErrorRate: new(0.5)}
	sum = s.migrate("second", in)
	require.Equal(t, migration.CompletedWithFailures, sum.Result, sum.Reason)
	require.Equal(t, migration.Outcomes{Migrated: 35, Failed: 5}, sum.Outcomes, "what was never tried came first")
	require.Len(t, decodeRecords(t, s.file("second", migration.FileReload)), 5)
}
