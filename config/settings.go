package config

import (
	"time"

	"github.com/f0a90b9a/ferry/internal/migration"
)

// Settings are the defaults of a migration, which a start may overlay.
func (c *Config) Settings() migration.Settings {
	m := c.Migration
	return migration.Settings{
		Environment:      c.Target.Environment,
		RequireApproval:  m.RequireApproval,
		ApproveFirstWave: m.ApproveFirstWave,
		Reconcile:        m.Reconcile,
		Waves:            m.Waves,
		Limits: migration.Limits{
			ErrorRate:   m.Limits.ErrorRate,
			MinSample:   m.Limits.MinSample,
			Consecutive: m.Limits.Consecutive,
			MaxFailures: m.Limits.MaxFailures,
		},
		Concurrency: migration.Concurrency{
			Batches:  m.Concurrency.Batches,
			PerBatch: m.Concurrency.PerBatch,
		},
		BatchSize:           m.BatchSize,
		RequestsPerSecond:   m.RequestsPerSecond,
		MaxProblems:         m.MaxProblems,
		RetryBudgetSeconds:  int(m.RetryBudget / time.Second),
		HoldAfterSeconds:    int(m.HoldAfter / time.Second),
		SecondLookSeconds:   int(m.SecondLook / time.Second),
		ContinueAfterEvents: m.ContinueAfterEvents,
		Notify:              c.Notify.URL != "",
	}
}
