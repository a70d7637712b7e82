package activities

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
)

// jsonBytes bounds the small JSON files of a migration that are read back.
const jsonBytes = 4 << 20

// InspectMigrationInput names a migration whose root has closed.
type InspectMigrationInput struct {
	Migration string `json:"migration"`
	// Files are those that the closed root knew, with their checksums; empty if
	// it could not tell.
	Files map[string]migration.FileInfo `json:"files,omitempty"`
}

// InspectMigrationResult is what a migration left before it was closed.
type InspectMigrationResult struct {
	File     string                        `json:"file"`
	SHA256   string                        `json:"sha256"`
	Route    string                        `json:"route"`
	Parent   string                        `json:"parent,omitempty"`
	Records  int                           `json:"records"`
	Batches  int                           `json:"batches"`
	Settings migration.Settings            `json:"settings"` // as they were planned
	Files    map[string]migration.FileInfo `json:"files"`    // those that no rebuilding writes anew
}

// InspectMigration reads what a migration left that closed without a summary,
// so that its reports can be rebuilt. It writes nothing. Faults: BAD_INPUT
// (final) for a migration that has nothing to rebuild: one that had no plan
// yet, a dry run, one with a summary of its own, one of another namespace, one
// that was purged; STORE_FAULT.
func (a *Activities) InspectMigration(ctx context.Context, in InspectMigrationInput) (*InspectMigrationResult, error) {
	ctx, stop := withPulse(ctx)
	defer stop()
	res, err := a.inspectMigration(ctx, in.Migration)
	if err == nil {
		err = sameFiles(in.Migration, in.Files, res.Files)
	}
	if err != nil {
		return nil, fault.Activity(err)
	}
	return res, nil
}

func (a *Activities) inspectMigration(ctx context.Context, id string) (*InspectMigrationResult, error) {
	var claim Claim
	var plan Plan
	var written migration.Summary
	claimed, err := a.readJSON(ctx, id, migration.FileClaim, &claim)
	if err != nil {
		return nil, err
	}
	planned, err := a.readJSON(ctx, id, migration.FilePlan, &plan)
	if err != nil {
		return nil, err
	}
	summarised, err := a.readJSON(ctx, id, migration.FileSummary, &written)
	if err != nil {
		return nil, err
	}
	why, err := a.purged(ctx, id)
	switch {
	case err != nil:
		return nil, err
	case why != "":
	case !claimed || !planned:
		why = "it ended before its import did: nothing was sent to the target"
	case claim.Namespace != a.namespace:
		why = fmt.Sprintf("it belongs to namespace %q, where it may still run", claim.Namespace)
	case plan.Settings.DryRun:
		why = "it was a dry run: nothing was sent to the target"
	case summarised && written.Result != migration.Interrupted:
		why = "it has a summary of its own"
	}
	if why != "" {
		return nil, &fault.Fault{Kind: fault.Final, Code: fault.CodeBadInput, Message: fmt.Sprintf(
			"migration %s has no reports to rebuild: %s", id, why)}
	}
	res := &InspectMigrationResult{
		File: plan.File, SHA256: plan.SHA256, Route: plan.Route, Parent: claim.Parent,
		Records: plan.Records, Batches: plan.Batches, Settings: plan.Settings,
	}
	res.Files, err = a.filesThere(ctx, id)
	return res, err
}

// readJSON reads one of a migration's small files; there is false without one.
func (a *Activities) readJSON(ctx context.Context, id, name string, into any) (there bool, err error) {
	body, _, err := a.store.Read(ctx, a.store.Work(migration.Key(id, name)), jsonBytes)
	if missing(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if err := json.Unmarshal(body, into); err != nil {
		return false, &fault.Fault{Kind: fault.Final, Code: fault.CodeStoreFault, Message: name + " is not what was written (the file was changed)"}
	}
	return true, nil
}

// purged says when a migration's records were deleted; empty if they weren't.
func (a *Activities) purged(ctx context.Context, id string) (string, error) {
	var p migration.Purge
	there, err := a.readJSON(ctx, id, migration.FilePurged, &p)
	if err != nil || !there {
		return "", err
	}
	return p.Says(), nil
}

// leftOf reads the summary of a migration that is over; an empty one if it has
// none, of which nothing can be checked then.
func (a *Activities) leftOf(ctx context.Context, id string) (*migration.Summary, error) {
	var s migration.Summary
	_, err := a.readJSON(ctx, id, migration.FileSummary, &s)
	return &s, err
}

// sameFiles names the first file that is not what it was written as; what is
// not known can't be told.
func sameFiles(id string, known, there map[string]migration.FileInfo) error {
	for _, name := range slices.Sorted(maps.Keys(known)) {
		now, ok := there[name]
		if ok && now.SHA256 != known[name].SHA256 {
			return changedFile(id, name)
		}
	}
	return nil
}

func missing(err error) bool {
	f, ok := fault.As(err)
	return ok && f.Code == fault.CodeFileNotFound
}

// filesThere tells the sizes and checksums of the files that a run leaves
// before its reports.
func (a *Activities) filesThere(ctx context.Context, id string) (map[string]migration.FileInfo, error) {
	files := map[string]migration.FileInfo{}
	for _, name := range []string{
		migration.FileClaim, migration.FileValidation, migration.FileRecords,
		migration.FileBatches, migration.FilePlan, migration.FileAudit,
	} {
		info, err := a.infoOf(ctx, id, name)
		if missing(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		files[name] = *info
	}
	return files, nil
}

// infoOf reads a whole file, by streaming, for its checksum.
func (a *Activities) infoOf(ctx context.Context, id, name string) (*migration.FileInfo, error) {
	loc := a.store.Work(migration.Key(id, name))
	body, err := a.store.Open(ctx, loc, "")
	if err != nil {
		return nil, err
	}
	defer func() { _ = body.Close() }()
	sum, size, buf := sha256.New(), int64(0), make([]byte, 1<<20)
	for {
		heartbeat(ctx, size)
		n, err := io.ReadFull(body, buf)
		sum.Write(buf[:n])
		size += int64(n)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return &migration.FileInfo{URI: loc.String(), Bytes: size, SHA256: hex.EncodeToString(sum.Sum(nil))}, nil
		}
		if err != nil {
			return nil, err
		}
	}
}
