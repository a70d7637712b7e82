package chaos

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/sandbox"
)

// maxFile bounds a report that is read, in bytes.
const maxFile = 64 << 20

// evidence is everything by which a migration is judged. All of it is read
// anew, past the gates.
type evidence struct {
	summary  migration.Summary // as the workflow gave it
	written  migration.Summary // summary.json
	outcomes map[string]migration.Outcome
	reload   []map[string]any
	errors   []map[string]string // rows of errors.csv by column
	matches  []map[string]string // rows of correlation.csv by column
	target   map[string][]map[string]any
	stats    sandbox.Stats
	effects  map[effect]int
	steps    map[entitlement.Step]int
}

func (t *trial) collect(ctx context.Context, sum migration.Summary) (*evidence, error) {
	e := &evidence{summary: sum, outcomes: map[string]migration.Outcome{}}
	readers := []func(context.Context) error{
		func(ctx context.Context) error { return t.readReports(ctx, e) },
		func(ctx context.Context) error { return t.readOutcomes(ctx, e) },
		func(ctx context.Context) error { return t.readTarget(ctx, e) },
	}
	for _, read := range readers {
		if err := read(ctx); err != nil {
			return nil, err
		}
	}
	return e, nil
}

// read gives one of a migration's files; nil if there is none.
func (t *trial) read(ctx context.Context, id, name string) ([]byte, error) {
	body, _, err := t.store.Read(ctx, t.store.Work(migration.Key(id, name)), maxFile)
	if f, ok := fault.As(err); ok && f.Code == fault.CodeFileNotFound {
		return nil, nil
	}
	return body, err
}

func (t *trial) readReports(ctx context.Context, e *evidence) error {
	for name, read := range map[string]func([]byte) error{
		migration.FileSummary:     func(b []byte) error { return json.Unmarshal(b, &e.written) },
		migration.FileReload:      func(b []byte) (err error) { e.reload, err = decodeRecords(b); return err },
		migration.FileErrors:      func(b []byte) (err error) { e.errors, err = decodeRows(b); return err },
		migration.FileCorrelation: func(b []byte) (err error) { e.matches, err = decodeRows(b); return err },
	} {
		body, err := t.read(ctx, e.summary.Migration, name)
		if err == nil && len(body) > 0 {
			err = read(body)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func (t *trial) readOutcomes(ctx context.Context, e *evidence) error {
	prefix := migration.Key(e.summary.Migration, "outcomes/")
	for object, err := range t.store.List(ctx, workBucket, prefix) {
		if err != nil {
			return err
		}
		body, _, err := t.store.Read(ctx, object.Location, maxFile)
		if err != nil {
			return err
		}
		for line := range bytes.Lines(body) {
			var o migration.Outcome
			if err := json.Unmarshal(line, &o); err != nil {
				return fmt.Errorf("%s: %w", object.Location.Key, err)
			}
			e.outcomes[o.ExternalEntitlementID] = o
		}
	}
	return nil
}

// readTarget reads every entitlement and the books.
func (t *trial) readTarget(ctx context.Context, e *evidence) (err error) {
	e.target = map[string][]map[string]any{}
	for found, err := range t.target.Entitlements(ctx, "") {
		if err != nil {
			return err
		}
		body, err := json.Marshal(found)
		if err != nil {
			return err
		}
		var fields map[string]any
		if err := json.Unmarshal(body, &fields); err != nil {
			return err
		}
		dropNulls(fields)
		external := text(fields, "externalEntitlementId")
		e.target[external] = append(e.target[external], fields)
	}
	e.effects, e.steps = t.ledger.counts()
	e.stats, err = t.target.Stats(ctx)
	return err
}

// decodeRows reads a table with a header row.
func decodeRows(body []byte) ([]map[string]string, error) {
	rows, err := csv.NewReader(bytes.NewReader(body)).ReadAll()
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, errors.New("there is no header row")
	}
	table := make([]map[string]string, 0, len(rows)-1)
	for _, cells := range rows[1:] {
		row := map[string]string{}
		for i, name := range rows[0] {
			row[name] = cells[i]
		}
		table = append(table, row)
	}
	return table, nil
}

// decodeStarted reads what `ferry reload --json` prints.
func decodeStarted(body []byte) (string, error) {
	var started struct {
		Migration string `json:"migration"`
	}
	if err := json.Unmarshal(body, &started); err != nil {
		return "", fmt.Errorf("ferry reload: %w", err)
	}
	return started.Migration, nil
}

func trimScheme(endpoint string) string { return strings.TrimPrefix(endpoint, "http://") }
