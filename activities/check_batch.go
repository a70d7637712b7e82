package activities

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/migrationfile"
	"github.com/f0a90b9a/ferry/internal/reconcile"
)

// outcomesBytes bounds one outcomes object.
const outcomesBytes = 8 << 20

func migrated(o migration.Outcome) bool { return reconcile.WasMigrated(&o) }

// outcomes reads a batch's outcomes by record number; none if it has no file.
// What is known of the file is held against it.
func (a *Activities) outcomes(ctx context.Context, b BatchRef, check *migration.Check) (map[int]migration.Outcome, error) {
	all, sum, err := a.readOutcomes(ctx, b)
	if first, last := check.See(b.Number, sum); err == nil && first > 0 {
		return nil, changedOutcomes(b.Migration, first, last)
	}
	return all, err
}

// readOutcomes reads a batch's outcomes with their checksum; both empty if it
// has no file.
func (a *Activities) readOutcomes(ctx context.Context, b BatchRef) (all map[int]migration.Outcome, sum string, err error) {
	key := migration.Key(b.Migration, migration.OutcomesFile(b.Number))
	body, _, err := a.store.Read(ctx, a.store.Work(key), outcomesBytes)
	if missing(err) {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", err
	}
	sum = migration.OutcomesSum(body)
	all, err = decodeOutcomes(b, body)
	return all, sum, err
}

func decodeOutcomes(b BatchRef, body []byte) (map[int]migration.Outcome, error) {
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
	return changedOutcomes(b.Migration, b.Number, b.Number)
}

// changedOutcomes is the same where it shows by their checksum.
func changedOutcomes(migrationID string, first, last int) error {
	what := fmt.Sprintf("outcomes of batch %d are not what was written: %s was changed", first, migration.OutcomesFile(first))
	if first != last {
		what = fmt.Sprintf("outcomes of a batch from %d to %d are not what was written: a file from %s to %s was changed",
			first, last, migration.OutcomesFile(first), migration.OutcomesFile(last))
	}
	return &fault.Fault{Kind: fault.Final, Code: fault.CodeStoreFault, Message: fmt.Sprintf(
		"%s or deleted (put it back; if you can't, terminate the migration, delete the file and use 'ferry reports %s --rebuild', which asks the target)",
		what, migrationID)}
}

// batchRef names a planned batch of a migration.
func batchRef(migrationID string, b migrationfile.Batch) BatchRef {
	return BatchRef{
		Migration: migrationID, Number: b.Number, First: b.First, Count: b.Count,
		At: Range{Offset: b.Offset, Length: b.Length},
	}
}
