package activities

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/migrationfile"
)

// outcomesBytes bounds one outcomes object.
const outcomesBytes = 8 << 20

// compared is one migrated record beside what the target has now.
type compared struct {
	entitlementID string
	externalID    string
	group         string   // status group found at the target; empty if missing
	differences   []string // field names
	result        string   // in the words of a correlation report
}

// compareBatch reads back the migrated records of a batch, and calls f with
// each, in file order.
func (a *Activities) compareBatch(ctx context.Context, b BatchRef, f func(compared) error) error {
	outcomes, err := a.outcomes(ctx, b)
	if err != nil {
		return err
	}
	var records []stagedRecord
	err = a.eachRecord(ctx, b, func(r stagedRecord) error {
		if o, ok := outcomes[r.number]; ok && migrated(o) {
			records = append(records, r)
		}
		return nil
	})
	if err != nil {
		return err
	}
	found, err := a.findEvery(ctx, records)
	if err != nil {
		return err
	}
	for _, r := range records {
		if err := f(a.compare(r, outcomes[r.number], found)); err != nil {
			return err
		}
	}
	return nil
}

func migrated(o migration.Outcome) bool {
	return o.Fate == migration.Migrated || o.Fate == migration.AlreadyMigrated
}

func (a *Activities) compare(r stagedRecord, o migration.Outcome, found map[string][]entitlement.Entitlement) compared {
	c := compared{entitlementID: o.EntitlementID, externalID: o.ExternalEntitlementID}
	all := found[r.decoded.ExternalEntitlementID]
	if len(all) == 0 {
		c.differences, c.result = []string{"missing"}, migrationfile.CorrelationMissing
		return c
	}
	there := a.migratedOne(r, o, all)
	c.group = entitlement.StatusGroup(there.Status)
	seen := entitlement.Compare(&r.decoded, there, a.now())
	c.differences = seen.Differences
	if len(seen.Remaining) > 0 {
		c.differences = append(c.differences, entitlement.FieldStatus)
	}
	if there.EntitlementID != o.EntitlementID && !slices.Contains(c.differences, entitlement.FieldEntitlementID) {
		c.differences = append(c.differences, entitlement.FieldEntitlementID)
	}
	c.result = migrationfile.CorrelationResult(c.differences)
	if len(all) > 1 {
		c.differences, c.result = append(c.differences, "extra"), migrationfile.CorrelationExtra
	}
	return c
}

// migratedOne is the entitlement that the outcome names, or else the record's
// own.
func (a *Activities) migratedOne(r stagedRecord, o migration.Outcome, all []entitlement.Entitlement) entitlement.Entitlement {
	for _, e := range all {
		if e.EntitlementID == o.EntitlementID {
			return e
		}
	}
	return a.own(&r.decoded, all)
}

// outcomes reads a batch's outcomes by record number; none if it has no file.
func (a *Activities) outcomes(ctx context.Context, b BatchRef) (map[int]migration.Outcome, error) {
	key := migration.Key(b.Migration, migration.OutcomesFile(b.Number))
	body, _, err := a.store.Read(ctx, a.store.Work(key), outcomesBytes)
	if f, ok := fault.As(err); ok && f.Code == fault.CodeFileNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	out := make(map[int]migration.Outcome, b.Count)
	lines := bufio.NewScanner(bytes.NewReader(body))
	lines.Buffer(nil, outcomesBytes)
	for lines.Scan() {
		var o migration.Outcome
		err := json.Unmarshal(lines.Bytes(), &o)
		if err != nil || !o.Fate.Known() || o.Record < b.First || o.Record >= b.First+b.Count {
			return nil, outcomesFault(b)
		}
		out[o.Record] = o
	}
	if lines.Err() != nil {
		return nil, outcomesFault(b)
	}
	return out, nil
}

// outcomesFault is the fault of outcomes that don't read back: somebody has
// changed them, and trying again can't mend that.
func outcomesFault(b BatchRef) error {
	return &fault.Fault{Kind: fault.Final, Code: fault.CodeStoreFault, Message: fmt.Sprintf(
		"outcomes of batch %d are not what was written (the file was changed)", b.Number)}
}

// batchRef names a planned batch of a migration.
func batchRef(migrationID string, b migrationfile.Batch) BatchRef {
	return BatchRef{
		Migration: migrationID, Number: b.Number, First: b.First, Count: b.Count,
		At: Range{Offset: b.Offset, Length: b.Length},
	}
}
