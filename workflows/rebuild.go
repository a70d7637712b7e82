package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/f0a90b9a/ferry/activities"
	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
)

// LongestCall is how long a call to the target may still be under way, or wait
// for its turn, in a worker whose workflow was closed by force. The worker
// itself may go on for one workflow task more.
const LongestCall = callTimeout

// RebuildReportsInput names a migration whose root closed without a result,
// and says what is known of its end.
type RebuildReportsInput struct {
	Migration     string     `json:"migration"`
	How           string     `json:"how"` // the root closed: terminated, timed out, …
	StartedAt     *time.Time `json:"startedAt,omitempty"`
	ClosedAt      time.Time  `json:"closedAt"`
	SettleSeconds float64    `json:"settleSeconds"` // calls may be under way for so long after ClosedAt

	// Seen is the last state that the root could still tell, for what is in no
	// file: settings, limits, problems, audit. Nil if it could not be asked.
	Seen *Summary `json:"seen,omitempty"`
	// Written is what the root knew of its batches' outcomes; nil likewise.
	Written *migration.Written `json:"written,omitempty"`
}

// RebuildReports makes the files of a migration that was ended by force: what
// its batches left is kept, and of all other records the target is asked. It
// never writes to the target. It may be repeated, and gives the same files. It
// fails with BAD_INPUT if there is nothing to rebuild, with UNAUTHORIZED, and
// with STORE_FAULT if files were changed; a target or store that is away is
// waited for.
func RebuildReports(ctx workflow.Context, in RebuildReportsInput) (*Summary, error) {
	r := &rebuildRun{in: in, ctx: ctx, sum: Summary{
		Migration: in.Migration, Phase: migration.Checking, StartedAt: in.StartedAt,
		Errors: []migration.ErrorGroup{}, Audit: []migration.AuditEntry{}, Files: map[string]migration.FileInfo{},
	}}
	err := workflow.SetQueryHandlerWithOptions(ctx, QueryProgress, func() (Summary, error) { return r.sum, nil },
		workflow.QueryHandlerOptions{Description: describeProgress})
	if err != nil {
		return nil, err
	}
	for _, part := range []func() error{r.settle, r.inspect, r.outcomes, r.report, r.reconcile, r.finish} {
		if err := part(); err != nil {
			return nil, err
		}
	}
	return &r.sum, nil
}

// rebuildRun is the state of the workflow.
type rebuildRun struct {
	in      RebuildReportsInput
	ctx     workflow.Context
	batches int
	final   activities.WriteReportsResult
	sum     Summary // as far as it is known
}

// inspect reads what the migration was to do.
func (r *rebuildRun) inspect() error {
	var left activities.InspectMigrationResult
	in := activities.InspectMigrationInput{Migration: r.in.Migration}
	if r.in.Seen != nil {
		in.Files = r.in.Seen.Files
	}
	if err := r.insist(r.reading(), activities.InspectMigrationName, in, &left); err != nil {
		return err
	}
	r.batches = left.Batches
	s := &r.sum
	s.File, s.SHA256, s.Route, s.Parent, s.Records = left.File, left.SHA256, left.Route, left.Parent, left.Records
	s.Settings, s.Files = left.Settings, left.Files
	s.Limits.Limits = left.Settings.Limits
	if seen := r.in.Seen; seen != nil {
		s.Settings, s.Limits, s.Problems, s.Audit = seen.Settings, seen.Limits, seen.Problems, lastAudit(seen.Audit)
	}
	return nil
}

// outcomes sees to it that every batch has outcomes.
func (r *rebuildRun) outcomes() error {
	r.enter(migration.Reporting)
	return pagesOf(r.batches, func(from, to int) error {
		var counted migration.Outcomes
		in := activities.RebuildOutcomesInput{
			Migration: r.in.Migration, Route: r.sum.Route, From: from, To: to,
			RequestsPerSecond: r.sum.Settings.RequestsPerSecond, Written: r.in.Written,
		}
		if err := r.insist(r.reading(), activities.RebuildOutcomesName, in, &counted); err != nil {
			return err
		}
		r.sum.Outcomes = r.sum.Outcomes.Plus(counted)
		return nil
	})
}

// report writes the reload and error files, and takes over their counts.
func (r *rebuildRun) report() error {
	in := activities.WriteReportsInput{Migration: r.in.Migration, Opened: r.batches, Code: fault.CodeOperatorStopped}
	if err := r.insist(r.reading(), activities.WriteReportsName, in, &r.final); err != nil {
		return err
	}
	s := &r.sum
	s.Outcomes, s.Partial, s.Errors = r.final.Outcomes, r.final.Partial, r.final.Errors
	s.Statuses = migration.CountStatuses(r.final.Expected, r.final.Migrated, nil)
	s.Steps, s.Written = r.final.Steps, r.final.Written
	for _, name := range []string{migration.FileReload, migration.FileErrors} {
		if info, ok := r.final.Files[name]; ok {
			s.Files[name] = info
		}
	}
	return nil
}

// reconcile reads every migrated record back, if the migration was to do so.
func (r *rebuildRun) reconcile() error {
	r.sum.Reason = fmt.Sprintf("%s at %s; the files were rebuilt from what its batches left and what the target has",
		r.in.How, r.in.ClosedAt.UTC().Format(time.RFC3339))
	if r.in.Seen == nil {
		r.sum.Reason += "; who steered it, and with what limits, could not be told any more"
	}
	if !r.sum.Settings.Reconcile {
		return nil
	}
	r.enter(migration.Reconciling)
	var res activities.ReconcileResult
	in := activities.ReconcileInput{
		Migration: r.in.Migration, Route: r.sum.Route, RequestsPerSecond: r.sum.Settings.RequestsPerSecond,
	}
	if err := r.insist(r.reading(), activities.ReconcileName, in, &res); err != nil {
		return err
	}
	r.sum.Statuses = migration.CountStatuses(r.final.Expected, r.final.Migrated, &res.Found)
	r.sum.Files[migration.FileCorrelation] = res.File
	if says := res.Says(); says != "" {
		r.sum.Reason += fmt.Sprintf("; %s (see %s)", says, migration.FileCorrelation)
	}
	return nil
}

// finish writes the summary, last of all. It ended when its root was closed,
// however late its files were rebuilt.
func (r *rebuildRun) finish() error {
	if r.final.Records != r.sum.Records {
		r.sum.Reason = fmt.Sprintf("the reports hold %d records, the file had %d: call for help before using them", r.final.Records, r.sum.Records)
	}
	closed := r.in.ClosedAt.UTC()
	written := r.sum
	written.Phase, written.Result, written.FinishedAt = migration.Done, migration.Interrupted, &closed
	var files map[string]migration.FileInfo
	in := activities.WriteSummaryInput{Summary: written, Audit: written.Audit}
	if err := r.insist(withPatient(r.ctx), activities.WriteSummaryName, in, &files); err != nil {
		return err
	}
	written.Files = files
	r.sum = written
	r.enter(migration.Done)
	return nil
}
