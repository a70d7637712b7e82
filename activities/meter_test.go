package activities

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/sandbox"
	"github.com/f0a90b9a/ferry/internal/throttle"
)

// tally is a meter that keeps what it is told.
type tally struct {
	mu    sync.Mutex
	told  map[string]int
	steps []StepAttempt
	route func() throttle.State
}

func (m *tally) count(what string, n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.told == nil {
		m.told = map[string]int{}
	}
	m.told[what] += n
}

func said(err error) string {
	if f, ok := fault.As(err); ok {
		return f.Code
	}
	return fmt.Sprint(err)
}

func (m *tally) Call(call string, _ time.Duration, err error) { m.count("call "+call+" "+said(err), 1) }
func (m *tally) Waited(reason WaitReason, _ time.Duration)    { m.count("wait "+string(reason), 1) }
func (m *tally) LookUp(known bool, err error)                 { m.count(fmt.Sprint("look ", known, " ", said(err)), 1) }
func (m *tally) Probe(_ time.Time, err error)                 { m.count("probe "+said(err), 1) }
func (m *tally) Imported(n int, b int64, problems map[string]int) {
	m.count("records", n)
	m.count("bytes", int(b))
	for code, n := range problems {
		m.count("problem "+code, n)
	}
}

func (m *tally) Outcomes(outs []migration.Outcome) {
	for i := range outs {
		m.count("outcome "+string(outs[i].Fate), 1)
	}
}
func (m *tally) Finished(s migration.Summary) { m.count("finished "+string(s.Result), 1) }

func (m *tally) Step(a StepAttempt) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.steps = append(m.steps, a)
}

func (m *tally) Route(route string, state func() throttle.State) {
	m.count("route "+route, 1)
	m.route = state
}

// metered gives a bundle whose activities tell a tally.
func metered(t *testing.T) (*bundle, *tally) {
	t.Helper()
	b, m := setup(t), &tally{}
	b.acts = New(Options{
		Store: b.store, Target: b.target, Defaults: b.settings, Namespace: "default", Now: b.clock.Now, Meter: m,
	})
	return b, m
}

func TestMeterIsToldOfStepsAndCalls(t *testing.T) {
	t.Parallel()
	b, m := metered(t)
	in := b.one(nil)
	in.RequestsPerSecond = 1000
	clear(m.told) // of the import
	_, err := b.env().ExecuteLocalActivity(b.acts.PerformStep, in)
	require.NoError(t, err)
	// The answer was lost, and an ordinary attempt follows.
	run[PerformStepResult](b, PerformStepName, in)
	require.NoError(t, b.box.ChangeFaults(func(f *sandbox.Faults) error { f.Outage = true; return nil }))
	require.Equal(t, fault.CodeServiceUnavailable, refused(b, PerformStepName, in).Code)

	require.Equal(t, map[string]int{
		"call create <nil>": 1, "call report <nil>": 2, "call report SERVICE_UNAVAILABLE": 1,
		"wait pace": 4, "wait place": 4, "route acme-nova": 1,
		"look false <nil>": 1, "look true <nil>": 1, "look false SERVICE_UNAVAILABLE": 1,
	}, m.told)
	require.Len(t, m.steps, 3)
	for i, expected := range []StepAttempt{{}, {Again: true, Found: true}, {Again: true}} {
		require.Equal(t, entitlement.Create, m.steps[i].Step)
		require.Equal(t, expected.Again, m.steps[i].Again, "attempt %d", i)
		require.Equal(t, expected.Found, m.steps[i].Found, "attempt %d", i)
		require.Equal(t, i == 2, m.steps[i].Err != nil, "attempt %d", i)
	}
	require.Equal(t, throttle.State{Limit: DefaultMaxInFlight / 2}, m.route(), "an outage halves the limit")
}

func TestMeterIsToldOfBatchesOnce(t *testing.T) {
	t.Parallel()
	b, m := metered(t)
	ref := b.stage("acme", array(sounds(5)...))[0]
	in := WriteOutcomesInput{BatchRef: ref, Code: fault.CodeStoppedByLimit, Outcomes: []migration.Outcome{
		outcome(1, migration.Migrated), outcome(2, migration.Failed),
	}}
	run[any](b, WriteOutcomesName, in)
	run[any](b, WriteOutcomesName, in) // as after a signal that came between
	in.Migration = "other"
	b.stage("other", array(sounds(5)...))
	run[any](b, WriteOutcomesName, in)
	for what, n := range map[string]int{
		"records": 10, "outcome MIGRATED": 2, "outcome FAILED": 2, "outcome NOT_ATTEMPTED": 6,
	} {
		require.Equal(t, n, m.told[what], what)
	}
}

func TestMeterIsToldOfTheEndAndOfProbes(t *testing.T) {
	t.Parallel()
	b, m := metered(t)
	run[any](b, WriteSummaryName, WriteSummaryInput{Summary: migration.Summary{Migration: "acme", Result: migration.Completed}})
	run[any](b, ProbeTargetName, nil)
	require.NoError(t, b.box.ChangeFaults(func(f *sandbox.Faults) error { f.Outage = true; return nil }))
	require.Equal(t, fault.CodeServiceUnavailable, refused(b, ProbeTargetName, nil).Code)
	require.Equal(t, map[string]int{
		"finished COMPLETED": 1, "call echo <nil>": 1, "call echo SERVICE_UNAVAILABLE": 1,
		"probe <nil>": 1, "probe SERVICE_UNAVAILABLE": 1,
	}, m.told)
}
