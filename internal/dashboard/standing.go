package dashboard

import (
	"time"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/operator"
)

// standing is how a migration stands, from whoever knows best.
type standing struct {
	summary migration.Summary
	known   bool   // there is such a migration
	open    bool   // it may still change by itself
	trouble string // what could not be asked, in words
	at      time.Time
	pace    paceView
	files   []file
	plan    planned
}

// paceView is what pace tells a page.
type paceView struct {
	Measured          bool
	PerSecond         float64 // records
	LeftKnown         bool
	Shortest, Longest time.Duration // left
	Slots             []float64     // records per second, the latest last
}

func (p *pace) view() paceView {
	var v paceView
	v.PerSecond, v.Measured = p.rate()
	v.Shortest, v.Longest, v.LeftKnown = p.timeLeft()
	v.Slots = append(v.Slots, p.slots...)
	return v
}

// planned is the part of plan.json that a page shows.
type planned struct {
	Hash     string                     `json:"hash"`
	Records  int                        `json:"records"`
	Batches  int                        `json:"batches"`
	Steps    map[entitlement.Step]int   `json:"steps"`
	Statuses map[entitlement.Status]int `json:"statuses"`
}

// file is one of a migration's top-level files in the work bucket.
type file struct {
	Name     string
	Bytes    int64
	Personal bool // it holds records, so it is for operators
}

// ofRun is the summary of what Temporal alone tells.
func ofRun(run operator.Run) migration.Summary {
	return migration.Summary{
		Migration: run.ID, File: run.File, Route: run.Route,
		StartedAt: run.StartedAt, FinishedAt: run.ClosedAt,
	}
}

// interrupted is a migration that was closed without a result.
func interrupted(s migration.Summary, reason string) migration.Summary {
	s.Phase, s.Result, s.Reason = migration.Done, migration.Interrupted, reason
	return s
}
