package activities

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"go.temporal.io/sdk/activity"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/migrationfile"
	"github.com/f0a90b9a/ferry/internal/objectstore"
)

// ImportFileInput is a claimed source and what to hold it against.
type ImportFileInput struct {
	Migration string             `json:"migration"`
	File      string             `json:"file"`
	ETag      string             `json:"etag"` // of the source, as it was checked
	Parent    string             `json:"parent,omitempty"`
	Rules     entitlement.Route  `json:"rules"`
	Settings  migration.Settings `json:"settings"`
	Heir      bool               `json:"heir,omitempty"` // of a run that was reset: what that one imported holds
}

// ImportFileResult is what an import found and left. If Problems has any, the
// file is rejected and nothing is staged.
type ImportFileResult struct {
	SHA256   string                        `json:"sha256"` // of the source
	Records  int                           `json:"records"`
	Problems *migration.Problems           `json:"problems,omitempty"`
	First    []string                      `json:"first,omitempty"` // the first problems, in words
	Expected migration.ByGroup             `json:"expected"`        // by status group
	Steps    migration.StepCounts          `json:"steps"`           // what is planned
	Batches  int                           `json:"batches"`
	Waves    []migrationfile.Wave          `json:"waves"`
	PlanHash string                        `json:"planHash"`
	Files    map[string]migration.FileInfo `json:"files"`
	Attempt  int32                         `json:"attempt"` // above 1: an earlier one was lost, and this one started over
}

// ImportFile reads the source once, checks every record, stages the accepted
// bytes and writes the plan. A repeat starts over: nothing is trusted that an
// earlier attempt left half-way. An heir takes over a plan that is there. Faults: FILE_CHANGED, FILE_NOT_FOUND,
// FILE_UNREADABLE (final), STORE_FAULT.
func (a *Activities) ImportFile(ctx context.Context, in ImportFileInput) (*ImportFileResult, error) {
	ctx, stop := withPulse(ctx)
	defer stop()
	res, err := a.importFile(ctx, in)
	if err != nil {
		return nil, fault.Activity(err)
	}
	res.Attempt = activity.GetInfo(ctx).Attempt
	return res, nil
}

func (a *Activities) importFile(ctx context.Context, in ImportFileInput) (*ImportFileResult, error) {
	if in.Heir {
		if res, err := a.importedBefore(ctx, in.Migration); res != nil || err != nil {
			return res, err
		}
	}
	loc, err := objectstore.ParseURI(in.File)
	if err != nil {
		return nil, err
	}
	source, err := a.store.Open(ctx, loc, in.ETag)
	if err != nil {
		return nil, err
	}
	defer func() { _ = source.Close() }()

	staged := a.createFile(ctx, in.Migration, migration.FileRecords, "application/x-ndjson")
	defer staged.abort()
	found, err := migrationfile.Import(ctx, source, migrationfile.ImportOptions{
		Route: &in.Rules, Now: a.now(), Reload: in.Parent != "", Stage: staged,
		MaxProblems: in.Settings.MaxProblems,
		Progress:    func(bytes, records int64) { heartbeat(ctx, ImportProgress{Bytes: bytes, Records: records}) },
	})
	if err != nil {
		return nil, err
	}
	a.meter.Imported(found.Records, found.Bytes, found.ProblemCounts)
	res := newImportResult(found)
	if err := a.writeValidation(ctx, in, found, res); err != nil {
		return nil, err
	}
	if len(found.Problems) > 0 {
		return res, a.unstage(ctx, in.Migration)
	}
	if err := a.keepName(ctx, in); err != nil {
		return nil, err
	}
	info, err := staged.close()
	if err != nil {
		return nil, err
	}
	res.Files[migration.FileRecords] = *info
	return res, a.writePlan(ctx, in, found, res)
}

// unstage removes what an earlier attempt staged of a file that is now
// rejected: an end in the future can pass between two attempts.
func (a *Activities) unstage(ctx context.Context, migrationID string) error {
	for _, name := range []string{migration.FilePlan, migration.FileRecords, migration.FileBatches} {
		if err := a.store.Delete(ctx, a.store.Work(migration.Key(migrationID, name))); err != nil {
			return err
		}
	}
	return nil
}

// ImportProgress is what the import's heartbeats tell.
type ImportProgress struct {
	Bytes   int64 `json:"bytes"` // of the source
	Records int64 `json:"records"`
}

// shownProblems is how many problems a workflow shows; all are in the file.
const shownProblems = 10

func newImportResult(found *migrationfile.Result) *ImportFileResult {
	res := &ImportFileResult{
		SHA256: found.SHA256, Records: found.Records,
		Files: map[string]migration.FileInfo{},
	}
	for status, n := range found.Statuses {
		res.Expected.Add(entitlement.StatusGroup(status), n)
	}
	for step, n := range found.Steps {
		res.Steps.Of(step).Planned = n
	}
	if len(found.Problems) > 0 || len(found.Warnings) > 0 {
		res.Problems = &migration.Problems{
			Total: found.ProblemTotal(), ByCode: found.ProblemCounts, Warnings: found.WarningCounts,
		}
	}
	for _, p := range found.Problems[:min(len(found.Problems), shownProblems)] {
		res.First = append(res.First, fmt.Sprintf("line %d, record %d, %s: %s", p.Line, p.Record, p.Code, p.Message))
	}
	return res
}

// writeValidation tells of problems and warnings, if there are any.
func (a *Activities) writeValidation(ctx context.Context, in ImportFileInput, found *migrationfile.Result, res *ImportFileResult) error {
	if res.Problems == nil {
		return nil
	}
	info, err := a.putJSON(ctx, in.Migration, migration.FileValidation, found)
	if err != nil {
		return err
	}
	res.Files[migration.FileValidation] = *info
	return nil
}

// Plan is plan.json: what a run is going to do.
type Plan struct {
	Migration string                     `json:"migration"`
	File      string                     `json:"file"`
	SHA256    string                     `json:"sha256"`
	Route     string                     `json:"route"`
	Records   int                        `json:"records"`
	Statuses  map[entitlement.Status]int `json:"statuses"`
	Steps     map[entitlement.Step]int   `json:"steps"`
	Batches   int                        `json:"batches"`
	Waves     []migrationfile.Wave       `json:"waves"`
	Settings  migration.Settings         `json:"settings"`
	Rules     entitlement.Route          `json:"rules"`
	Hash      string                     `json:"hash"` // of source, rules and settings: what an approval names
	// What an import has told and written before its plan.
	Warnings *migration.Problems           `json:"warnings,omitempty"`
	Files    map[string]migration.FileInfo `json:"files"`
}

func (a *Activities) writePlan(ctx context.Context, in ImportFileInput, found *migrationfile.Result, res *ImportFileResult) error {
	var cut migrationfile.Plan
	cut.Batches, cut.Waves = migrationfile.PlanBatches(found.Index, migrationfile.PlanOptions{
		Records: in.Settings.BatchSize, Waves: in.Settings.Waves,
	})
	hash, err := planHash(found.SHA256, in.Rules, in.Settings)
	if err != nil {
		return err
	}
	plan := Plan{
		Migration: in.Migration, File: in.File, SHA256: found.SHA256, Route: in.Rules.Route,
		Records: found.Records, Statuses: found.Statuses, Steps: found.Steps,
		Batches: len(cut.Batches), Waves: cut.Waves, Settings: in.Settings, Rules: in.Rules, Hash: hash,
	}
	batches, err := a.putBatches(ctx, in.Migration, cut)
	if err != nil {
		return err
	}
	res.Files[migration.FileBatches] = *batches
	plan.Warnings, plan.Files = res.Problems, res.Files
	info, err := a.putJSON(ctx, in.Migration, migration.FilePlan, plan)
	if err != nil {
		return err
	}
	res.Batches, res.Waves, res.PlanHash = plan.Batches, plan.Waves, hash
	res.Files[migration.FilePlan] = *info
	return nil
}

func (a *Activities) putBatches(ctx context.Context, migrationID string, cut migrationfile.Plan) (*migration.FileInfo, error) {
	var body bytes.Buffer
	if err := migrationfile.EncodePlan(&body, cut); err != nil {
		return nil, err
	}
	loc := a.store.Work(migration.Key(migrationID, migration.FileBatches))
	if err := a.store.Put(ctx, loc, body.Bytes(), "application/json"); err != nil {
		return nil, err
	}
	return fileInfo(loc, body.Bytes()), nil
}

func planHash(source string, rules entitlement.Route, settings migration.Settings) (string, error) {
	body, err := json.Marshal(struct {
		Source   string             `json:"source"`
		Rules    entitlement.Route  `json:"rules"`
		Settings migration.Settings `json:"settings"`
	}{source, rules, settings})
	if err != nil {
		return "", fmt.Errorf("encode plan: %w", err)
	}
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:6]), nil
}
