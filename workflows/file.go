package workflows

import (
	"time"

	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/f0a90b9a/ferry/activities"
	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/limits"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/migrationfile"
)

// behaviour is the version of what the three workflows do. It is decided once,
// in the root, and passed down as input, so that records carry no markers.
const (
	behaviourChange  = "behaviour"
	behaviourFirst   = 1
	behaviourWary    = 2 // of odd answers and forged messages
	currentBehaviour = behaviourWary
)

// Carried is a run's state over a continue-as-new of the root.
type Carried struct {
	Behaviour  int                    `json:"behaviour"`
	StartedAt  time.Time              `json:"startedAt"`
	Settings   migration.Settings     `json:"settings"`
	ETag       string                 `json:"etag"`
	SHA256     string                 `json:"sha256"`
	Records    int                    `json:"records"`
	Expected   migration.ByGroup      `json:"expected"`
	Planned    migration.StepCounts   `json:"planned"`
	Problems   *migration.Problems    `json:"problems,omitempty"`
	PlanBase   string                 `json:"planBase"` // hash of the plan as it was made
	PlanHash   string                 `json:"planHash"` // the same with the settings as they are now
	Approved   bool                   `json:"approved,omitempty"`
	Batches    int                    `json:"batches"`
	Waves      []migrationfile.Wave   `json:"waves"`
	Files      []namedFile            `json:"files"`
	Next       int                    `json:"next"` // batch to be started
	Wave       int                    `json:"wave"` // index of the open wave
	WaveFailed int                    `json:"waveFailed"`
	Closed     Tally                  `json:"closed"` // of all batches that are over
	Failures   limits.Run             `json:"failures"`
	Tripped    *migration.Tripped     `json:"tripped,omitempty"`
	Stop       string                 `json:"stop,omitempty"`
	Hold       bool                   `json:"hold,omitempty"`
	Releases   int                    `json:"releases,omitempty"`
	Resumes    int                    `json:"resumes,omitempty"`
	Broadcasts int                    `json:"broadcasts,omitempty"`
	Narrow     int                    `json:"narrow,omitempty"` // how often the width is halved, a limit being near
	ReleasedAt time.Time              `json:"releasedAt"`
	Reason     string                 `json:"reason,omitempty"`
	Heir       bool                   `json:"heir,omitempty"` // of a run that was reset: see noteReset
	Audit      []migration.AuditEntry `json:"audit,omitempty"`
	Written    *migration.Written     `json:"written,omitempty"` // by the batches that are over
	Marks      marks                  `json:"marks,omitempty"`

	// Of is the run that continues, and the first of its chain. Runs of the first
	// behaviour don't say it.
	Of          runOf     `json:"of,omitzero"`
	BroadcastAt time.Time `json:"broadcastAt,omitzero"`
	Dropped     dropped   `json:"dropped,omitzero"`
	Refused     int       `json:"refused,omitempty"` // operators' signals that changed nothing
}

type namedFile struct {
	Name string             `json:"name"`
	Info migration.FileInfo `json:"info"`
}

// MigrateFile carries one file to the target and says what became of every
// record. It completes with a Summary for every Result; it fails only with
// FILE_NAME_USED, MIGRATION_ID_USED, BAD_INPUT or what kept it from importing.
func MigrateFile(ctx workflow.Context, in MigrateFileInput, surplus converter.RawValue) (*Summary, error) {
	r, err := newFileRun(ctx, in)
	if err != nil {
		return nil, err
	}
	r.surplus = surplus.Payload() != nil
	return r.run()
}

// fileRun is the state of a root workflow.
type fileRun struct {
	Carried
	in       MigrateFileInput
	surplus  bool // more than one input was given
	id       string
	mark     string           // of the run's own messages; empty in runs of the first behaviour
	ctx      workflow.Context // disconnected: a cancelled root stops in order
	phase    migration.Phase
	result   migration.Result
	found    *migration.ByGroup // at the target, once read back
	final    *activities.WriteReportsResult
	finished *time.Time

	soFar     string // what an approval looks back on
	rules     entitlement.Route
	problems  []string // the first of a rejected file
	page      []migrationfile.Batch
	open      []*openBatch // by number
	stopping  workflow.CancelFunc
	differing int
	lastMove  time.Time
	probing   workflow.CancelFunc
	asking    bool // whether the target is away
}

func newFileRun(ctx workflow.Context, in MigrateFileInput) (*fileRun, error) {
	calls, _ := workflow.NewDisconnectedContext(ctx)
	r := &fileRun{
		in: in, id: workflow.GetInfo(ctx).WorkflowExecution.ID, ctx: calls,
		phase: migration.Checking, lastMove: workflow.Now(ctx),
	}
	if in.problem == "" && in.Carried != nil {
		if err := checkCarried(workflow.GetInfo(ctx), in.Carried); err != nil {
			return nil, err
		}
		r.Carried, r.phase = *in.Carried, migration.Migrating
	} else {
		r.Behaviour = int(workflow.GetVersion(ctx, behaviourChange, behaviourFirst, currentBehaviour))
		r.StartedAt, r.Next = workflow.Now(ctx).UTC(), 1
	}
	if r.Behaviour >= behaviourWary {
		r.mark = runMark(workflow.GetInfo(ctx))
	}
	r.in.Carried = nil
	r.openWritten()
	r.noteReset()
	r.describe()
	if err := r.handle(); err != nil {
		return nil, err
	}
	workflow.Go(calls, r.listen)
	workflow.Go(calls, func(own workflow.Context) {
		ctx.Done().Receive(own, nil)
		cancelled := OperatorAction{By: "temporal", Reason: "the workflow was cancelled"}
		if r.mayAbort() == nil {
			r.note(UpdateAbort, cancelled, "")
		}
		r.abort(cancelled)
	})
	return r, nil
}

// openWritten begins to keep what batches write. Of those that were over before
// a release that keeps it nothing is known.
func (r *fileRun) openWritten() {
	if r.Written != nil {
		return
	}
	r.Written = &migration.Written{}
	for batch := 1; batch < r.Next; batch++ {
		r.Written.Add(batch, "")
	}
}

// run is the road of a file. Each part is over when it returns; a part that an
// abort or a limit ended leaves Stop set.
func (r *fileRun) run() (*Summary, error) {
	if r.phase != migration.Migrating {
		if err := r.prepare(); err != nil {
			return nil, err
		}
	}
	if r.result == "" && (r.Stop == "" || r.Heir) {
		if again := r.migrate(); again {
			return nil, r.continueAsNew()
		}
	}
	if r.result == "" {
		r.report()
		r.reconcile()
		r.conclude()
	}
	return r.finish(), nil
}

// prepare checks, claims, imports and plans. An error is what kept the run
// from importing; a result is set if it ends here in order.
func (r *fileRun) prepare() error {
	if problem := r.inputProblem(); problem != "" {
		return badInput("%s", problem)
	}
	ctx, cancel := workflow.WithCancel(r.ctx)
	r.stopping = cancel
	defer func() { r.stopping = nil }()
	err := r.checkAndClaim(ctx)
	if err == nil {
		err = r.importFile(ctx)
	}
	if err != nil && r.Stop != "" && temporal.IsCanceledError(err) {
		r.Records = 0
		r.result = migration.Aborted
		return nil
	}
	if err != nil {
		return fault.Run(fault.FromActivity(err))
	}
	return r.decide()
}

func (r *fileRun) checkAndClaim(ctx workflow.Context) error {
	var checked activities.CheckStartResult
	if err := workflow.ExecuteActivity(withCheck(ctx), activities.CheckStartName, r.checkInput()).Get(ctx, &checked); err != nil {
		return err
	}
	r.Settings, r.ETag, r.rules = checked.Settings, checked.ETag, checked.Rules
	r.Marks = checked.SearchAttributes
	mark(r.ctx, r.Marks.of(r.id, r.in.Route))
	var claim migration.FileInfo
	err := workflow.ExecuteActivity(withPatient(ctx), activities.ClaimFileName, activities.ClaimFileInput{
		Migration: r.id, File: r.in.File, Environment: r.Settings.Environment, Route: r.in.Route,
		FirstRunID: workflow.GetInfo(ctx).FirstRunID, DryRun: r.in.DryRun, Parent: r.in.Parent,
	}).Get(ctx, &claim)
	if err != nil {
		return err
	}
	r.keep(migration.FileClaim, claim)
	return nil
}

func (r *fileRun) checkInput() activities.CheckStartInput {
	in := activities.CheckStartInput{
		Migration: r.id, File: r.in.File, Route: r.in.Route, DryRun: r.in.DryRun,
		RequireApproval: r.in.RequireApproval, Reconcile: r.in.Reconcile, Waves: r.in.Waves,
		ApproveFirstWave: r.in.ApproveFirstWave, RequestsPerSecond: r.in.RequestsPerSecond,
	}
	if l := r.in.Limits; l != nil {
		in.ErrorRate, in.MinSample, in.Consecutive, in.MaxFailures = l.ErrorRate, l.MinSample, l.Consecutive, l.MaxFailures
	}
	if c := r.in.Concurrency; c != nil {
		in.Batches, in.PerBatch = c.Batches, c.PerBatch
	}
	return in
}

func (r *fileRun) importFile(ctx workflow.Context) error {
	r.enter(migration.Importing)
	var imported activities.ImportFileResult
	err := workflow.ExecuteActivity(withLong(ctx), activities.ImportFileName, activities.ImportFileInput{
		Migration: r.id, File: r.in.File, ETag: r.ETag, Parent: r.in.Parent, Rules: r.rules, Settings: r.Settings,
		Heir: r.Heir,
	}).Get(ctx, &imported)
	if err != nil {
		return err
	}
	r.SHA256, r.Records, r.Expected, r.Planned = imported.SHA256, imported.Records, imported.Expected, imported.Steps
	r.Problems, r.PlanBase, r.PlanHash = imported.Problems, imported.PlanHash, imported.PlanHash
	r.Batches, r.Waves = imported.Batches, imported.Waves
	for _, name := range []string{migration.FileRecords, migration.FileBatches, migration.FilePlan, migration.FileValidation} {
		if info, ok := imported.Files[name]; ok {
			r.keep(name, info)
		}
	}
	if imported.Attempt > 1 {
		r.note("import", OperatorAction{By: self, Reason: "an earlier attempt was lost; the import started over"}, "")
	}
	if len(imported.First) > 0 {
		r.result, r.problems = migration.Rejected, imported.First
		r.Reason = "the file has problems, see " + migration.FileValidation + "; the first: " + imported.First[0]
	}
	return nil
}

// decide ends a rejected or dry run, and waits for an approval if one is
// asked for.
func (r *fileRun) decide() error {
	switch {
	case r.result != "":
	case r.Settings.DryRun:
		r.result = migration.DryRun
	case r.Settings.RequireApproval:
		r.awaitApproval("")
	}
	return nil
}

func (r *fileRun) keep(name string, info migration.FileInfo) {
	for i := range r.Files {
		if r.Files[i].Name == name {
			r.Files[i].Info = info
			return
		}
	}
	r.Files = append(r.Files, namedFile{name, info})
}
