package migration

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func someSettings() Settings {
	return Settings{
		Environment: "sandbox", RequireApproval: true, Reconcile: true, Waves: true,
		Limits:      Limits{ErrorRate: 0.1, MinSample: 100, Consecutive: 10},
		Concurrency: Concurrency{Batches: 4, PerBatch: 50}, BatchSize: 50, RequestsPerSecond: 12.5,
		MaxProblems: 10_000, RetryBudgetSeconds: 900, HoldAfterSeconds: 120, SecondLookSeconds: 10,
		ContinueAfterEvents: 4000, Notify: true,
	}
}

// The hash is compared over days and builds, so it may never change for what it
// stands for.
func TestPlanHashIsTheSameForEver(t *testing.T) {
	t.Parallel()
	require.Equal(t, "c141d189f0e2", HashPlan("abc123", someSettings()))
	require.Equal(t, "77e4b7da54a1", HashPlanAsFirst("abc123", someSettings()))
}

func TestPlanHashTellsWhatChanged(t *testing.T) {
	t.Parallel()
	seen := map[string]string{HashPlan("abc123", someSettings()): "nothing", HashPlan("abc124", someSettings()): "the base"}
	for name, change := range map[string]func(*Settings){
		"rate": func(s *Settings) { s.Limits.ErrorRate = 0.2 }, "sample": func(s *Settings) { s.Limits.MinSample++ },
		"row": func(s *Settings) { s.Limits.Consecutive++ }, "cap": func(s *Settings) { s.Limits.MaxFailures++ },
		"batches": func(s *Settings) { s.Concurrency.Batches++ }, "width": func(s *Settings) { s.Concurrency.PerBatch++ },
		"pace": func(s *Settings) { s.RequestsPerSecond = 0 }, "environment": func(s *Settings) { s.Environment = "production" },
	} {
		s := someSettings()
		change(&s)
		hash := HashPlan("abc123", s)
		require.Empty(t, seen[hash], name)
		seen[hash] = name
	}
}
