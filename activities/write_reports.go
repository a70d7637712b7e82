package activities

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/migrationfile"
)

// WriteReportsInput says how far a run came.
type WriteReportsInput struct {
	Migration string `json:"migration"`
	Opened    int    `json:"opened"` // batches 1 to Opened were started and have outcomes
	Code      string `json:"code"`   // why the others were not

	// Written is what the batches' own results say of their outcomes; nil if they
	// don't.
	Written *migration.Written `json:"written,omitempty"`
	// Files are those that the import wrote, as it told the run; empty if they
	// are not known.
	Files map[string]migration.FileInfo `json:"files,omitempty"`
	// Alone says that no other run of this migration can have left outcomes.
	Alone bool `json:"alone,omitempty"`
}

// WriteReportsResult counts every record of the file by what became of it. It
// is read from the outcomes alone, so it is the truth that the summary tells.
type WriteReportsResult struct {
	Records  int                           `json:"records"`
	Outcomes migration.Outcomes            `json:"outcomes"`
	Partial  int                           `json:"partial"`
	Expected migration.ByGroup             `json:"expected"` // by status group, all records
	Migrated migration.ByGroup             `json:"migrated"` // by status group
	Steps    migration.StepCounts          `json:"steps"`
	Errors   []migration.ErrorGroup        `json:"errors"`
	Files    map[string]migration.FileInfo `json:"files"`
	Written  *migration.Written            `json:"written,omitempty"` // of all batches, as it was read
}

// WriteReports writes reload.json and errors.csv, by streaming, from the
// batches' outcomes and the staged records; neither if nothing is left to do.
// The reload begins with what was never attempted, so that its first wave says
// something about them and not about what failed before; the errors begin with
// their causes. Repeating it writes the same files again.
func (a *Activities) WriteReports(ctx context.Context, in WriteReportsInput) (*WriteReportsResult, error) {
	ctx, stop := withPulse(ctx)
	defer stop()
	res, err := a.writeReports(ctx, in)
	if err != nil {
		return nil, fault.Activity(err)
	}
	return res, nil
}

func (a *Activities) writeReports(ctx context.Context, in WriteReportsInput) (*WriteReportsResult, error) {
	plan, err := a.plans.checked(ctx, in.Migration, in.Files[migration.FileBatches].SHA256)
	if err != nil {
		return nil, err
	}
	r := &reports{
		activities: a, ctx: ctx, in: in, check: migration.NewCheck(in.Written), staged: sha256.New(),
		result: WriteReportsResult{Files: map[string]migration.FileInfo{}, Written: &migration.Written{}},
		holds:  make([]uint8, len(plan.Batches)),
	}
	defer r.abort()
	for r.pass = range migration.ErrorsRanks {
		if err := r.readBatches(plan.Batches); err != nil {
			return nil, err
		}
		if r.pass > 0 {
			continue
		}
		if err := r.checkStaged(); err != nil {
			return nil, err
		}
		r.check = migration.NewCheck(r.result.Written) // the later passes read what the first has read
	}
	if err := r.close(); err != nil {
		return nil, err
	}
	r.result.Errors = r.groups.Top()
	return &r.result, nil
}

// reports is some passes over a migration's outcomes, each for the records that
// come next in one file or the other: memory stays flat, and a batch of which
// all is told is read no more. The first pass counts.
type reports struct {
	activities *Activities
	ctx        context.Context
	in         WriteReportsInput
	check      *migration.Check
	staged     hash.Hash // of records.ndjson, as far as it was read
	groups     migration.Groups
	result     WriteReportsResult
	pass       int
	holds      []uint8 // of each batch: the passes that have to do with it, as bits

	// Made with the first record to report.
	reloadFile, errorsFile *outFile
	reload                 *migrationfile.ReloadWriter
	errors                 *migrationfile.ErrorsWriter
}

// readBatches is one pass.
func (r *reports) readBatches(batches []migrationfile.Batch) error {
	for i, b := range batches {
		if r.pass > 0 && r.holds[i]&(1<<r.pass) == 0 {
			continue
		}
		heartbeat(r.ctx, b.Number)
		if err := r.batch(b, &r.holds[i]); err != nil {
			return err
		}
	}
	return nil
}

func (r *reports) batch(b migrationfile.Batch, holds *uint8) error {
	ref := batchRef(r.in.Migration, b)
	outcomes, err := r.outcomes(ref)
	if err != nil {
		return err
	}
	if len(outcomes) != b.Count && b.Number <= r.in.Opened {
		return &fault.Fault{Kind: fault.Final, Code: fault.CodeStoreFault, Message: fmt.Sprintf(
			"outcomes of batch %d hold %d records instead of %d (put %s back; if you can't, terminate the migration and use 'ferry reports %s --rebuild')",
			b.Number, len(outcomes), b.Count, migration.OutcomesFile(b.Number), r.in.Migration)}
	}
	return r.activities.eachRecord(r.ctx, ref, func(s stagedRecord) error {
		if r.pass == 0 {
			r.staged.Write(s.line)
			r.staged.Write([]byte("\n"))
		}
		o, ok := outcomes[s.number]
		if !ok {
			o = notAttempted(s, r.in.Code)
		}
		if r.pass == 0 {
			r.count(s, o)
		}
		if migrated(o) {
			return nil
		}
		*holds |= 1<<reloadPass(o) | 1<<o.ErrorsRank()
		return r.write(s, o)
	})
}

// reloadPass is the pass in which a record goes into the reload file.
func reloadPass(o migration.Outcome) int {
	if o.Fate == migration.NotAttempted {
		return 0
	}
	return 1
}

// outcomes reads a batch's outcomes, and holds them against what it wrote.
func (r *reports) outcomes(b BatchRef) (map[int]migration.Outcome, error) {
	all, sum, err := r.activities.readOutcomes(r.ctx, b)
	if b.Number > r.in.Opened && r.in.Alone && sum != "" {
		return nil, &fault.Fault{Kind: fault.Final, Code: fault.CodeStoreFault, Message: fmt.Sprintf(
			"%s was not written by this migration, which did not begin batch %d (delete it)", migration.OutcomesFile(b.Number), b.Number)}
	}
	if err != nil {
		return nil, err
	}
	if sum != "" { // that it has none is told with how many there are
		if first, last := r.check.See(b.Number, sum); first > 0 {
			return nil, changedOutcomes(b.Migration, first, last)
		}
	}
	r.result.Written.Add(b.Number, sum)
	return all, nil
}

// checkStaged holds the records that were read against what the import staged.
func (r *reports) checkStaged() error {
	want := r.in.Files[migration.FileRecords].SHA256
	if want == "" || want == hex.EncodeToString(r.staged.Sum(nil)) {
		return nil
	}
	r.activities.ranges.forgetAll(r.in.Migration) // somebody may put it back
	return changedFile(r.in.Migration, migration.FileRecords)
}

func (r *reports) count(s stagedRecord, o migration.Outcome) {
	r.result.Records++
	r.result.Outcomes.Add(o.Fate, 1)
	if o.Partial() {
		r.result.Partial++
	}
	// By the status that is due now, as the target counts it: an end may have
	// passed since the import.
	due := entitlement.StatusGroup(entitlement.ExpectedStatus(&s.decoded, r.activities.now()))
	r.result.Expected.Add(due, 1)
	for _, step := range entitlement.Steps(&s.decoded, r.activities.now()) {
		r.result.Steps.Of(step).Planned++
	}
	r.result.Steps.Add(o)
	if migrated(o) {
		r.result.Migrated.Add(due, 1)
		return
	}
	r.groups.Add(o)
}

// write puts a record that is still to do into the files whose turn it is.
func (r *reports) write(s stagedRecord, o migration.Outcome) error {
	r.open()
	if r.pass == reloadPass(o) {
		if err := r.reload.Add(s.line, reloadID(o)); err != nil {
			return err
		}
	}
	if r.pass != o.ErrorsRank() {
		return nil
	}
	hint := o.Hint()
	if o.EntitlementID == "" {
		o.EntitlementID = s.decoded.EntitlementID
	}
	return r.errors.Add(&o, hint)
}

// reloadID is the target's id of a partial record. The file format takes UUIDs
// alone; without one the reload finds the entitlement by its external id.
func reloadID(o migration.Outcome) string {
	if o.Partial() && entitlement.IsUUID(o.EntitlementID) {
		return o.EntitlementID
	}
	return ""
}

func (r *reports) open() {
	if r.reload != nil {
		return
	}
	a := r.activities
	r.reloadFile = a.createFile(r.ctx, r.in.Migration, migration.FileReload, "application/json")
	r.errorsFile = a.createFile(r.ctx, r.in.Migration, migration.FileErrors, "text/csv; charset=utf-8")
	r.reload = migrationfile.NewReloadWriter(r.reloadFile)
	r.errors = migrationfile.NewErrorsWriter(r.errorsFile)
}

func (r *reports) close() error {
	if r.reload == nil {
		return r.removeOld()
	}
	if err := r.reload.Close(); err != nil {
		return err
	}
	if err := r.errors.Close(); err != nil {
		return err
	}
	for name, f := range map[string]*outFile{migration.FileReload: r.reloadFile, migration.FileErrors: r.errorsFile} {
		info, err := f.close()
		if err != nil {
			return err
		}
		if name == migration.FileReload {
			info.Records, info.NotAttempted = r.reload.Records(), r.result.Outcomes.NotAttempted
		}
		r.result.Files[name] = *info
	}
	return nil
}

// removeOld takes away what an earlier attempt wrote, which may have known of
// fewer outcomes.
func (r *reports) removeOld() error {
	a := r.activities
	for _, name := range []string{migration.FileReload, migration.FileErrors} {
		if err := a.store.Delete(r.ctx, a.store.Work(migration.Key(r.in.Migration, name))); err != nil {
			return err
		}
	}
	return nil
}

func (r *reports) abort() {
	if r.reload != nil {
		r.reloadFile.abort()
		r.errorsFile.abort()
	}
}
