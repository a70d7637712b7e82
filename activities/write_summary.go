package activities

import (
	"bytes"
	"context"
	"encoding/json"

	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
)

// WriteSummaryInput is a finished migration.
type WriteSummaryInput struct {
	Summary migration.Summary      `json:"summary"`
	Audit   []migration.AuditEntry `json:"audit"` // all of it
}

// WriteSummary writes audit.ndjson, if there is anything to tell, and
// summary.json, last of all files; then the id and the name of a rejected file
// are free again. Answers the files with audit.ndjson.
func (a *Activities) WriteSummary(ctx context.Context, in WriteSummaryInput) (map[string]migration.FileInfo, error) {
	ctx, stopPulse := withPulse(ctx)
	defer stopPulse()
	files, err := a.writeSummary(ctx, in)
	if err != nil {
		return nil, fault.Activity(err)
	}
	return files, nil
}

func (a *Activities) writeSummary(ctx context.Context, in WriteSummaryInput) (map[string]migration.FileInfo, error) {
	s := in.Summary
	if s.Files == nil {
		s.Files = map[string]migration.FileInfo{}
	}
	if len(in.Audit) > 0 {
		info, err := a.writeAudit(ctx, s.Migration, in.Audit)
		if err != nil {
			return nil, err
		}
		s.Files[migration.FileAudit] = *info
	}
	if _, err := a.putJSON(ctx, s.Migration, migration.FileSummary, s); err != nil {
		return nil, err
	}
	if err := a.free(ctx, s); err != nil {
		return nil, err
	}
	a.meter.Finished(s)
	return s.Files, nil
}

func (a *Activities) writeAudit(ctx context.Context, migrationID string, audit []migration.AuditEntry) (*migration.FileInfo, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	for _, e := range audit {
		if err := enc.Encode(e); err != nil {
			return nil, err
		}
	}
	loc := a.store.Work(migration.Key(migrationID, migration.FileAudit))
	if err := a.store.Put(ctx, loc, buf.Bytes(), "application/x-ndjson"); err != nil {
		return nil, err
	}
	return fileInfo(loc, buf.Bytes()), nil
}
