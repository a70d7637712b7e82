package chaos

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/entitlement"
)

func schedule(t *testing.T, seed uint64, records int) Schedule {
	t.Helper()
	f, err := NewFile(seed, records)
	require.NoError(t, err)
	return NewSchedule(seed, f)
}

func TestSameSeedSameScheduleAndFile(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		a, err := NewFile(seed, 80)
		require.NoError(t, err)
		b, err := NewFile(seed, 80)
		require.NoError(t, err)
		require.Equal(t, a.Body, b.Body)
		require.Equal(t, NewSchedule(seed, a), NewSchedule(seed, b))
	}
	require.NotEqual(t, schedule(t, 1, 80).String(), schedule(t, 2, 80).String())
}

// The schedule that a seed stands for is what a report of a bug names: it must
// not change unnoticed.
func TestScheduleOfASeedStays(t *testing.T) {
	t.Parallel()
	require.Equal(t, `seed 7: 200 records, retry budget 5m0s, weather {LatencyMs:4 ErrorRate:0 ThrottleRate:0 AcceptedRate:0}
  target: writes answered 204, 0.03 of all
  target: Retry-After: 300
  target: external ids trimmed and folded, for the whole run
  target: three reports that ask for record 101 answered 400
  run: at effective suspend 19: worker killed between a step's write and its answer
  run: at effective write 190: answers of the target cut in the middle, for 379ms
  run: at effective write 402: 5xx without the write, × 35
  run: at effective write 64: 5xx without the write, × 29
  run: at S3 request 1 for PUT correlation.csv: S3 stopped and started, × 6
  run: at S3 request 1 for PUT records.ndjson: S3 stopped and started, × 6
  run: at effective create 101: creates cut off and done later, CONFLICT "under way" meanwhile, × 3, for 2.313s
  then: identifiers expired between run and reload
  then: uniqueness of external ids off at the reload
  reload: at S3 request 1 for PUT correlation.csv: S3 errors without the write, × 6
`, schedule(t, 7, 200).String())
}

// Fifty seeds are what is promised, so all that can go wrong goes wrong in
// them, and every moment is one that comes in a run without faults.
func TestFiftySeedsHaveEverything(t *testing.T) {
	t.Parallel()
	kindsSeen, killedAt := map[Kind]bool{}, map[entitlement.Step]bool{}
	forgot, notUnique, short := 0, 0, 0
	for seed := uint64(1); seed <= 50; seed++ {
		f, err := NewFile(seed, 200)
		require.NoError(t, err)
		s := NewSchedule(seed, f)
		require.NotEmpty(t, s.Run)
		for _, k := range s.Oddities.kinds() {
			kindsSeen[k] = true
		}
		for _, fault := range append(s.Run, s.Reload...) {
			kindsSeen[fault.Kind] = true
			if fault.Kind == WorkerKilledInStep {
				killedAt[fault.When.Step] = true
			}
		}
		requireMoments(t, s.Run, f.Effective)
		requireMoments(t, s.Reload, f.Leftover)
		if s.Forget {
			forgot++
		}
		if s.NotUnique {
			notUnique++
		}
		if s.RetryBudget == shortBudget {
			short++
		}
	}
	for _, k := range kinds {
		require.True(t, kindsSeen[k.kind], "no seed has: %s", k.kind)
	}
	for _, k := range []Kind{OddAnswers, StrangersInReports, LongRetryAfter, IDsKept, PageRefused, RecordForbidden, CreatesUnderWay} {
		require.True(t, kindsSeen[k], "no seed has: %s", k)
		require.Contains(t, AllKinds(), k)
	}
	require.Len(t, killedAt, 5, "the boundary of every step")
	require.Positive(t, forgot)
	require.Positive(t, notUnique)
	require.Positive(t, short)
}

func requireMoments(t *testing.T, faults []Fault, writes map[entitlement.Step]int) {
	t.Helper()
	for _, f := range faults {
		switch {
		case f.When.Object != "":
			require.Positive(t, f.When.Nth)
		case f.When.Step != "":
			require.LessOrEqual(t, f.When.Nth, writes[f.When.Step], "%s", f)
		default:
			require.LessOrEqual(t, f.When.Nth, total(writes), "%s", f)
		}
	}
}

func TestFileKnowsWhatMustBecomeOfIt(t *testing.T) {
	t.Parallel()
	f, err := NewFile(3, 200)
	require.NoError(t, err)
	require.Len(t, f.Records, 200)
	statuses, refused := map[string]bool{}, 0
	for _, r := range f.Records {
		statuses[text(r.Fields, "status")] = true
		if r.Refused != "" {
			refused++
			require.Equal(t, "nova-fail-"+string(r.Refused), text(r.Fields, "productKey"))
		}
		require.Equal(t, text(r.Fields, "status"), string(r.statusAfter(len(r.Steps))))
	}
	require.Len(t, statuses, 6)
	require.Equal(t, 8, refused)
	require.Positive(t, total(f.Leftover))
}

func TestBoundaryPlanKillsAtEveryWriteOfItsStep(t *testing.T) {
	t.Parallel()
	all, err := Boundaries(20)
	require.NoError(t, err)
	require.Len(t, all, 5)
	for _, p := range all {
		require.Len(t, p.File.Records, 20)
		kills := map[int]bool{}
		for _, f := range p.Schedule.Run {
			require.Equal(t, WorkerKilledInStep, f.Kind)
			require.Equal(t, p.Step, f.When.Step)
			kills[f.When.Nth] = true
		}
		require.Len(t, kills, 20, "%s", p.Step)
	}
}
