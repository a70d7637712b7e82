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
