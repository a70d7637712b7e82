package chaos

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/entitlement"
)

// scribe is a plant that writes down what is done to it.
type scribe struct {
	mu   sync.Mutex
	done []string
}

func (s *scribe) note(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done = append(s.done, what)
}

func (s *scribe) notes() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string{}, s.done...)
}

func (s *scribe) KillWorkers()                          { s.note("kill worker") }
func (s *scribe) DrainWorkers()                         { s.note("drain worker") }
func (s *scribe) FreezeWorkers() func()                 { s.note("freeze"); return func() { s.note("thaw") } }
func (s *scribe) KillTemporal()                         { s.note("kill temporal") }
func (s *scribe) RestartTemporal(context.Context) error { s.note("start temporal"); return nil }
func (s *scribe) KillStore()                            { s.note("kill store") }
func (s *scribe) RestartStore(context.Context) error    { s.note("start store"); return nil }
func (s *scribe) Outage(on bool) {
	if on {
		s.note("away")
	} else {
		s.note("back")
	}
}
func (s *scribe) Net(Net) func() { s.note("cut"); return func() { s.note("mended") } }

func setupDirector(t *testing.T, faults ...Fault) (*director, *scribe) {
	t.Helper()
	s := &scribe{}
	d := newDirector(t.Context(), s, faults)
	t.Cleanup(func() { _, _ = d.close() })
	return d, s
}

func atWrite(n int, k Kind, amount int) Fault {
	return Fault{Kind: k, When: When{Nth: n}, Amount: amount}
}

func TestWorkerIsKilledAtTheStepThatWasNamed(t *testing.T) {
	t.Parallel()
	d, _ := setupDirector(t, Fault{Kind: WorkerKilledInStep, When: When{Step: entitlement.Suspend, Nth: 2}})
	require.Empty(t, d.wrote(entitlement.Suspend).kind)
	require.Empty(t, d.wrote(entitlement.Create).kind)
	require.Equal(t, WorkerKilledInStep, d.wrote(entitlement.Suspend).kind)
	require.Empty(t, d.wrote(entitlement.Suspend).kind)
	injected, err := d.close()
	require.NoError(t, err)
	require.Equal(t, map[Kind]int{WorkerKilledInStep: 1}, injected)
}

func TestWindowHitsTheCallsThatFollow(t *testing.T) {
	t.Parallel()
	d, _ := setupDirector(t, atWrite(1, AnswersLost, 2), atWrite(1, Throttled, 1), atWrite(9, ErrorsAfter, 1))
	require.Empty(t, d.called(apiCall{step: "create"}).kind)
	require.Empty(t, d.wrote(entitlement.Create).kind, "it begins with the next one")
	require.Equal(t, Throttled, d.called(apiCall{step: "get"}).kind)
	require.Empty(t, d.called(apiCall{step: "get"}).kind, "one was to be hit")
	require.Equal(t, AnswersLost, d.wrote(entitlement.Create).kind)
	require.Equal(t, AnswersLost, d.wrote(entitlement.Activate).kind)
	require.Empty(t, d.wrote(entitlement.Create).kind)
	injected, err := d.close()
	require.NoError(t, err)
	require.Equal(t, map[Kind]int{AnswersLost: 1, Throttled: 1}, injected, "the moment of the third never came")
}

func TestMomentInsideAWindowIsNotMissed(t *testing.T) {
	t.Parallel()
	d, _ := setupDirector(t, atWrite(1, AnswersLost, 5), atWrite(2, WorkerKilledInStep, 0))
	d.wrote(entitlement.Create)
	require.Equal(t, WorkerKilledInStep, d.wrote(entitlement.Create).kind)
	require.Equal(t, AnswersLost, d.wrote(entitlement.Create).kind)
}

// A run that holds itself sends nothing but probes, seldom.
func TestBurstEndsWhenTheRunHoldsItself(t *testing.T) {
	t.Parallel()
	d, _ := setupDirector(t, atWrite(1, ErrorsBefore, 50))
	d.wrote(entitlement.Create)
	require.Equal(t, ErrorsBefore, d.called(apiCall{step: "create"}).kind)
	require.Empty(t, d.called(apiCall{step: "echo"}).kind)
	require.Empty(t, d.called(apiCall{step: "create"}).kind)
}

func TestLateWritesAreWrites(t *testing.T) {
	t.Parallel()
	d, _ := setupDirector(t, atWrite(1, WritesLate, 1))
	d.wrote(entitlement.Create)
	require.Empty(t, d.called(apiCall{step: "report"}).kind)
	require.Equal(t, WritesLate, d.called(apiCall{step: "activate"}).kind)
}

func TestStoreGoesAwayAndComesBack(t *testing.T) {
	t.Parallel()
	d, s := setupDirector(t, Fault{Kind: StoreStopped, When: When{Nth: 2, Object: "PUT outcomes/"}, Amount: 3})
	require.Empty(t, d.stored("PUT outcomes/000001.ndjson").kind)
	require.Empty(t, d.stored("PUT reload.json").kind)
	require.Equal(t, StoreStopped, d.stored("PUT outcomes/000002.ndjson").kind)
	require.Eventually(t, func() bool { return len(s.notes()) == 1 }, patience, pollStep)
	d.storeRefused()
	d.storeRefused()
	require.Equal(t, []string{"kill store"}, s.notes())
	d.storeRefused()
	require.Eventually(t, func() bool { return len(s.notes()) == 2 }, patience, pollStep)
	require.Equal(t, []string{"kill store", "start store"}, s.notes())
}

func TestOutageLastsUntilTheRunHasAsked(t *testing.T) {
	t.Parallel()
	d, s := setupDirector(t, atWrite(1, Outage, 2))
	d.wrote(entitlement.Create)
	require.Eventually(t, func() bool { return len(s.notes()) == 1 }, patience, pollStep)
	d.called(apiCall{step: "echo"})
	d.called(apiCall{step: "create"})
	require.Equal(t, []string{"away"}, s.notes())
	d.called(apiCall{step: "echo"})
	require.Eventually(t, func() bool { return len(s.notes()) == 2 }, patience, pollStep)
	require.Equal(t, []string{"away", "back"}, s.notes())
}

// The end of a run mends everything, whatever has not come about.
func TestEndMendsEverything(t *testing.T) {
	t.Parallel()
	d, s := setupDirector(t,
		atWrite(1, WorkerFrozen, 100), atWrite(1, Outage, 100), atWrite(1, TemporalKilled, 0),
		Fault{Kind: TargetReset, When: When{Nth: 1}, For: patience}, atWrite(1, TemporalAndWorker, 0),
	)
	d.wrote(entitlement.Create)
	injected, err := d.close()
	require.NoError(t, err)
	require.Len(t, injected, 5)
	require.ElementsMatch(t, []string{
		"freeze", "thaw", "away", "back", "cut", "mended",
		"kill temporal", "start temporal", "kill temporal", "kill worker", "start temporal",
	}, s.notes())
}
