package dashboard

import (
	"slices"
	"time"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/operator"
	"github.com/f0a90b9a/ferry/internal/pace"
)

// standing is how a migration stands, from whoever knows best.
type standing struct {
	summary migration.Summary
	known   bool   // there is such a migration
	open    bool   // it may still change by itself
	trouble string // what could not be asked, in words
	at      time.Time
	pace    pace.Reading
	passing *passing // nil: no pass over the whole file is under way
	files   []file
	plan    planned

	reconciled     []reconciled // after its end, the latest first
	moreReconciled int          // that aren't among them
}

// moving reports whether there will be news.
func (st *standing) moving() bool { return st.open || st.trouble != "" }

// reloadable reports whether it is over and has left anything to do.
func (st *standing) reloadable() bool {
	return !st.open && st.summary.Result != "" &&
		slices.ContainsFunc(st.files, func(f file) bool { return f.Name == migration.FileReload })
}

// planned is the part of plan.json that a page shows.
type planned struct {
	Hash     string                     `json:"hash"`
	Records  int                        `json:"records"`
	Batches  int                        `json:"batches"`
	Steps    map[entitlement.Step]int   `json:"steps"`
	Statuses map[entitlement.Status]int `json:"statuses"`
}

// InOrder are the steps that are planned, in the order in which they are made.
func (p planned) InOrder() []stepCount {
	var all []stepCount
	for _, step := range entitlement.AllSteps() {
		if n := p.Steps[step]; n > 0 {
			all = append(all, stepCount{step, n})
		}
	}
	return all
}

// stepCount is how many records need a step.
type stepCount struct {
	Step  entitlement.Step
	Count int
}

// planHash names the plan as it is now; empty if there is none. Settings that
// were changed since it was written give it another name.
func (st *standing) planHash() string {
	if st.summary.PlanHash != "" {
		return st.summary.PlanHash
	}
	if hash := migration.AwaitedPlan(st.summary.Reason); hash != "" && st.summary.Phase == migration.AwaitingApproval {
		return hash
	}
	return st.plan.Hash
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

// notStarted is a migration that failed before it could begin.
func notStarted(s migration.Summary, f *operator.FailedError) migration.Summary {
	s.Phase, s.Result, s.Reason = migration.Done, migration.NotStarted, f.Code+": "+f.Message
	return s
}
