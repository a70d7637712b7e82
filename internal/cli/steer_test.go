package cli

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/operator"
	"github.com/f0a90b9a/ferry/workflows"
)

func TestSteeringSendsUpdates(t *testing.T) {
	t.Parallel()
	by := workflows.OperatorAction{By: "kim", Reason: "merchant asked"}
	rate, failures, batches, rps := 0.2, 50, 2, 10.0
	for line, expected := range map[string]update{
		"pause a":            {"a", "pause", by},
		"resume a":           {"a", "resume", by},
		"abort a":            {"a", "abort", by},
		"approve a --plan=h": {"a", "approve", workflows.ApproveInput{OperatorAction: by, Plan: "h"}},
		"limits a --error-rate=0.2 --max-failures=50": {"a", "set-limits", workflows.SetLimitsInput{
			OperatorAction: by, Limits: workflows.LimitsInput{ErrorRate: &rate, MaxFailures: &failures},
		}},
		"concurrency a --batches=2": {"a", "set-concurrency", workflows.SetConcurrencyInput{
			OperatorAction: by, Concurrency: workflows.ConcurrencyInput{Batches: &batches},
		}},
		"concurrency a --rps=10": {"a", "set-concurrency", workflows.SetConcurrencyInput{
			OperatorAction: by, RequestsPerSecond: &rps,
		}},
	} {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.temporal.progress["a"] = migration.Summary{Migration: "a", Phase: migration.Paused, Records: 9}
			r := b.run(append(strings.Fields(line), "--by=kim", "--reason=merchant asked")...)
			requireEnd(t, r, exitOK, "a  PAUSED\n  finished     0 of 9 records\n", "")
			require.Equal(t, []update{expected}, b.temporal.updates)
			r = b.run(append(strings.Fields(line), "--json")...)
			require.Equal(t, migration.Paused, asSummary(t, r).Phase)
		})
	}
}

func TestSteeringNamesTheUserByDefault(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.Equal(t, exitOK, b.run("pause", "a").code)
	require.NotEmpty(t, b.temporal.updates[0].input.(workflows.OperatorAction).By)
}

func TestSteeringThatIsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err  error
		code int
	}{
		"refused":   {fmt.Errorf("migration a: pause: %w: paused already", operator.ErrRefused), exitRefused},
		"unknown":   {fmt.Errorf("migration a: %w", operator.ErrUnknown), exitUnable},
		"no worker": {fmt.Errorf("migration a: pause: %w task queue ferry", operator.ErrNoWorker), exitUnable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.temporal.updateEr = c.err
			requireEnd(t, b.run("pause", "a"), c.code, "", "ferry: migration a: ")
		})
	}
}
