package activities

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/objectstore"
)

// WriteOutcomesInput is what is known of a batch's records. Records without an
// outcome were not attempted, for the reason Code.
type WriteOutcomesInput struct {
	BatchRef
	Outcomes []migration.Outcome `json:"outcomes"`
	Code     string              `json:"code,omitempty"`
}

// WriteOutcomesResult says what was written.
type WriteOutcomesResult struct {
	Sum string `json:"sum"` // as migration.OutcomesSum gives it
}

// WriteOutcomes writes outcomes/<batch>.ndjson, one line a record in file
// order. It may be repeated.
func (a *Activities) WriteOutcomes(ctx context.Context, in WriteOutcomesInput) (*WriteOutcomesResult, error) {
	ctx, stopPulse := withPulse(ctx)
	defer stopPulse()
	known := make(map[int]migration.Outcome, len(in.Outcomes))
	for _, o := range in.Outcomes {
		known[o.Record] = o
	}
	res, err := a.writeOutcomes(ctx, in, known)
	if err != nil {
		return nil, fault.Activity(err)
	}
	return res, nil
}

func (a *Activities) writeOutcomes(ctx context.Context, in WriteOutcomesInput, known map[int]migration.Outcome) (*WriteOutcomesResult, error) {
	body, written, err := a.encodeOutcomes(ctx, in.BatchRef, known, in.Code)
	if err != nil {
		return nil, err
	}
	key := migration.Key(in.Migration, migration.OutcomesFile(in.Number))
	if err := a.store.Put(ctx, a.store.Work(key), body, outcomesType); err != nil {
		return nil, err
	}
	if a.counted.first(in.Migration, in.Number) {
		a.meter.Outcomes(written)
	}
	return &WriteOutcomesResult{Sum: migration.OutcomesSum(body)}, nil
}

const outcomesType = "application/x-ndjson"

// encodeOutcomes gives a batch's outcomes, and as they are written; records
// without one were not attempted, for the reason code.
func (a *Activities) encodeOutcomes(ctx context.Context, b BatchRef, known map[int]migration.Outcome, code string) (body []byte, all []migration.Outcome, err error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	err = a.eachRecord(ctx, b, func(r stagedRecord) error {
		o, ok := known[r.number]
		if !ok {
			o = notAttempted(r, code)
		}
		all = append(all, o)
		return enc.Encode(o)
	})
	return buf.Bytes(), all, err
}

func notAttempted(r stagedRecord, code string) migration.Outcome {
	return migration.Outcome{
		Record: r.number, ExternalEntitlementID: r.decoded.ExternalEntitlementID,
		Fate: migration.NotAttempted, Status: r.decoded.Status, Code: code, Retryable: true,
		Message: migration.WhyNotAttempted(code),
	}
}

// fileInfo describes a file that is wholly in memory.
func fileInfo(loc objectstore.Location, body []byte) *migration.FileInfo {
	return &migration.FileInfo{URI: loc.String(), Bytes: int64(len(body)), SHA256: fileSum(body)}
}

// fileSum is a file's checksum as FileInfo has it.
func fileSum(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

// putJSON writes a value as an indented JSON file of a migration.
func (a *Activities) putJSON(ctx context.Context, migrationID, file string, v any) (*migration.FileInfo, error) {
	body, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", file, err)
	}
	loc := a.store.Work(migration.Key(migrationID, file))
	if err := a.store.Put(ctx, loc, body, "application/json"); err != nil {
		return nil, err
	}
	return fileInfo(loc, body), nil
}
