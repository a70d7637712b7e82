package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/f0a90b9a/ferry/activities"
	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
)

// report writes the reload and error files, and takes over their counts: they
// are read from what the batches left, so they are the truth.
func (r *fileRun) report() {
	r.enter(migration.Reporting)
	code := r.Stop
	if code == "" {
		code = fault.CodeAborted
	}
	var res activities.WriteReportsResult
	in := activities.WriteReportsInput{
		Migration: r.id, Opened: r.Next - 1, Code: code, Written: r.Written,
		Files: r.imported(), Alone: !r.Heir && !wasReset(r.ctx),
	}
	ctx := withLong(r.ctx)
	if r.Behaviour >= behaviourWary { // tried for so long, then it is told what it waits for
		ctx = withReading(r.ctx, r.Settings.HoldAfter())
	}
	if !r.insist(ctx, activities.WriteReportsName, in, &res) {
		return
	}
	r.final = &res
	for _, name := range []string{migration.FileReload, migration.FileErrors} {
		if info, ok := res.Files[name]; ok {
			r.keep(name, info)
		}
	}
}

// reconcile reads every migrated record back, and looks twice at what differs.
// An abort ends it; so nothing of it is reported then.
func (r *fileRun) reconcile() {
	if !r.Settings.Reconcile {
		return
	}
	r.enter(migration.Reconciling)
	ctx, cancel := workflow.WithCancel(r.ctx)
	r.stopping = cancel
	defer func() { r.stopping = nil }()
	in := activities.ReconcileInput{
		Migration: r.id, Route: r.in.Route, RequestsPerSecond: r.Settings.RequestsPerSecond,
		SecondLookSeconds: &r.Settings.SecondLookSeconds, Written: r.wrote(),
	}
	var res activities.ReconcileResult
	read := r.insist
	if r.Stop == fault.CodeAborted {
		read = r.attempt
	}
	if !read(withReading(ctx, r.readingLimit()), activities.ReconcileName, in, &res) {
		return
	}
	r.found, r.differing = &res.Found, res.Different
	r.keep(migration.FileCorrelation, res.File)
	if says := res.Says(); says != "" && r.Reason == "" {
		r.Reason = fmt.Sprintf("%s (see %s)", says, migration.FileCorrelation)
	}
}

// readingLimit is how long the reconciliation is tried before the run holds
// itself. An aborted run holds itself no more.
func (r *fileRun) readingLimit() time.Duration {
	if r.Stop == fault.CodeAborted {
		return 0
	}
	return r.Settings.HoldAfter()
}

const (
	attempts    = 3
	attemptWait = 2 * time.Second
)

// attempt tries what can be left out a few times, whatever the target asks to
// wait: who aborts a run because the target is away must not have to wait for
// it. False if it did not succeed.
func (r *fileRun) attempt(ctx workflow.Context, name string, in, out any) bool {
	var err error
	for range attempts {
		if err = workflow.ExecuteActivity(ctx, name, in).Get(ctx, out); err == nil {
			return true
		}
		if workflow.Sleep(ctx, attemptWait) != nil {
			return false
		}
	}
	f := fault.FromActivity(err)
	r.Reason += fmt.Sprintf("; not read back from the target (%s: %s): 'ferry reconcile %s' does it later", f.Code, f.Message, r.id)
	return false
}

// conclude decides the result. COMPLETED never hides a failure.
func (r *fileRun) conclude() {
	o := r.outcomes()
	switch {
	case r.Tripped != nil:
		r.result = migration.StoppedByLimit
	case r.Stop != "":
		r.result = migration.Aborted
	case o.Failed > 0 || o.NotAttempted > 0 || r.differing > 0 || o.Total() != r.Records:
		r.result = migration.CompletedWithFailures
	default:
		r.result = migration.Completed
	}
	if r.final != nil && r.final.Records != r.Records {
		r.Reason = fmt.Sprintf("the reports hold %d records, the file had %d: call for help before using them", r.final.Records, r.Records)
	}
}

// finish writes the summary, last of all, and gives it back.
func (r *fileRun) finish() *Summary {
	now := workflow.Now(r.ctx).UTC()
	r.finished, r.Hold = &now, false
	r.enter(migration.Done)
	mark(r.ctx, r.Marks.result(r.result))
	in := activities.WriteSummaryInput{Summary: *r.summary(), Audit: r.Audit}
	var files map[string]migration.FileInfo
	r.insist(withPatient(r.ctx), activities.WriteSummaryName, in, &files)
	if audit, ok := files[migration.FileAudit]; ok {
		r.keep(migration.FileAudit, audit)
	}
	r.notify()
	_ = workflow.Await(r.ctx, func() bool { return workflow.AllHandlersFinished(r.ctx) })
	return r.summary()
}

// continueAsNew hands the state to a fresh history. No batch is under way, so
// what is still in the signal channels is old news, but for what operators ask.
func (r *fileRun) continueAsNew() error {
	_ = workflow.Await(r.ctx, func() bool { return workflow.AllHandlersFinished(r.ctx) })
	r.hearLastOperators(r.ctx)
	in := r.in
	carried := r.Carried
	if r.Behaviour >= behaviourWary {
		carried.Of = runOf{Run: workflow.GetInfo(r.ctx).WorkflowExecution.RunID, First: firstRun(workflow.GetInfo(r.ctx))}
	}
	in.Carried = &carried
	return workflow.NewContinueAsNewError(r.ctx, MigrateFileName, in)
}

// shown is the phase as operators see it.
func (r *fileRun) shown() migration.Phase {
	switch {
	case r.Hold:
		return migration.Paused
	case r.Stop != "" && r.result == "" && r.beforeReports():
		return migration.Stopping
	case r.phase == migration.AwaitingApproval && r.Approved:
		return migration.Migrating
	}
	return r.phase
}

// beforeReports reports whether the run is still at what a stop ends.
func (r *fileRun) beforeReports() bool {
	switch r.phase {
	case migration.Checking, migration.Importing, migration.AwaitingApproval, migration.Migrating:
		return true
	default:
		return false
	}
}

func (r *fileRun) outcomes() migration.Outcomes {
	switch {
	case r.final != nil:
		return r.final.Outcomes
	case r.result == migration.Rejected || r.result == migration.DryRun:
		return migration.Outcomes{NotAttempted: r.Records}
	}
	return r.total().Outcomes
}

// summary is the run as it stands.
func (r *fileRun) summary() *Summary {
	total := r.total()
	expected, migrated, partial, errors := r.Expected, total.Migrated, total.Partial, total.Groups.Top()
	steps := r.Planned.Plus(total.Steps)
	if r.final != nil {
		expected, migrated, partial, errors = r.final.Expected, r.final.Migrated, r.final.Partial, r.final.Errors
		steps = r.final.Steps
	}
	longest, _ := r.Failures.InOrder.Longest()
	files := make(map[string]migration.FileInfo, len(r.Files))
	for _, f := range r.Files {
		files[f.Name] = f.Info
	}
	started := r.StartedAt
	return &Summary{
		Migration: r.id, File: r.in.File, SHA256: r.SHA256, Route: r.in.Route, Parent: r.in.Parent,
		Phase: r.shown(), Result: r.result, Reason: r.Reason, Records: r.Records,
		Outcomes: r.outcomes(), Statuses: migration.CountStatuses(expected, migrated, r.found),
		Steps:   steps,
		Partial: partial, Errors: errors, Problems: r.Problems,
		Limits: migration.LimitsState{Limits: r.Settings.Limits, LongestRun: longest, Tripped: r.Tripped},
		Audit:  lastAudit(r.Audit), StartedAt: &started, FinishedAt: r.finished,
		Settings: r.Settings, PlanHash: r.PlanHash, Files: files, Written: r.summedUp(),
	}
}

// wrote is what is known of the batches' outcomes: once the reports are
// written, of all.
func (r *fileRun) wrote() *migration.Written {
	if r.final != nil && r.final.Written != nil {
		return r.final.Written
	}
	return r.Written
}

// summedUp is the same for the summary, which tells it at the end alone.
func (r *fileRun) summedUp() *migration.Written {
	if r.finished == nil || r.final == nil {
		return nil
	}
	return r.wrote()
}

// imported are the files that the import wrote, by which later readers know
// them.
func (r *fileRun) imported() map[string]migration.FileInfo {
	files := map[string]migration.FileInfo{}
	for _, name := range []string{migration.FileRecords, migration.FileBatches} {
		if info := r.kept(name); info.SHA256 != "" {
			files[name] = info
		}
	}
	return files
}

// kept is what the run knows of one of its files; empty if it knows nothing.
func (r *fileRun) kept(name string) migration.FileInfo {
	for _, f := range r.Files {
		if f.Name == name {
			return f.Info
		}
	}
	return migration.FileInfo{}
}

func lastAudit(all []migration.AuditEntry) []migration.AuditEntry {
	from := max(0, len(all)-migration.MaxAuditEntries)
	return append([]migration.AuditEntry{}, all[from:]...)
}
