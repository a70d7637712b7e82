package operator

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"

	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/migrationfile"
	"github.com/f0a90b9a/ferry/internal/objectstore"
	"github.com/f0a90b9a/ferry/internal/reconcile"
)

// Reader is the part of an object store that reads whole migrations.
type Reader interface {
	Work(key string) objectstore.Location
	Open(ctx context.Context, loc objectstore.Location, etag string) (io.ReadCloser, error)
}

// maxLine bounds a line of a staged file or of outcomes, in bytes; an import
// takes no record that is larger.
const maxLine = 1 << 20

// Migrated gives the records of a past migration that were migrated, in file
// order, with their outcomes, by streaming. The sequence ends after its first
// error: the store's, or that files are not what was written.
func Migrated(ctx context.Context, r Reader, id string) iter.Seq2[reconcile.Migrated, error] {
	return func(yield func(reconcile.Migrated, error) bool) {
		p := past{ctx: ctx, reader: r, id: id, yield: yield}
		if err := p.read(); err != nil {
			yield(reconcile.Migrated{}, fmt.Errorf("migration %s: %w", id, err))
		}
	}
}

// past is one reading of a past migration.
type past struct {
	ctx    context.Context
	reader Reader
	id     string
	yield  func(reconcile.Migrated, error) bool
	ended  bool // the caller has had enough
}

func (p *past) read() error {
	plan, err := p.plan()
	if err != nil {
		return err
	}
	staged, err := p.open(migration.FileRecords)
	if err != nil {
		return err
	}
	defer func() { _ = staged.Close() }()
	lines := scan(staged)
	for _, b := range plan.Batches {
		outcomes, err := p.outcomes(b)
		if err != nil {
			return err
		}
		for n := b.First; n < b.First+b.Count; n++ {
			if !lines.Scan() {
				return p.changed(migration.FileRecords, lines.Err())
			}
			if err := p.record(outcomes, n, lines.Bytes()); err != nil || p.ended {
				return err
			}
		}
	}
	if lines.Scan() || lines.Err() != nil {
		return p.changed(migration.FileRecords, lines.Err())
	}
	return nil
}

// record hands on one staged record if it was migrated.
func (p *past) record(outcomes map[int]migration.Outcome, n int, line []byte) error {
	o, known := outcomes[n]
	if !known || !reconcile.WasMigrated(&o) {
		return nil
	}
	r, err := migrationfile.Decode(line)
	if err != nil || r.ExternalEntitlementID != o.ExternalEntitlementID {
		return p.changed(migration.FileRecords, err)
	}
	p.ended = !p.yield(reconcile.Migrated{Record: r, Outcome: o}, nil)
	return nil
}

func (p *past) plan() (migrationfile.Plan, error) {
	body, err := p.open(migration.FileBatches)
	if err != nil {
		return migrationfile.Plan{}, err
	}
	defer func() { _ = body.Close() }()
	plan, err := migrationfile.DecodePlan(body)
	if err != nil {
		return plan, p.changed(migration.FileBatches, err)
	}
	return plan, nil
}

// outcomes reads a batch's outcomes by record; none if it was never begun.
func (p *past) outcomes(b migrationfile.Batch) (map[int]migration.Outcome, error) {
	name := migration.OutcomesFile(b.Number)
	body, err := p.open(name)
	if f, ok := fault.As(err); ok && f.Code == fault.CodeFileNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = body.Close() }()
	out := make(map[int]migration.Outcome, b.Count)
	lines := scan(body)
	for lines.Scan() {
		var o migration.Outcome
		if err := json.Unmarshal(bytes.TrimSpace(lines.Bytes()), &o); err != nil || !o.Fate.Known() {
			return nil, p.changed(name, err)
		}
		out[o.Record] = o
	}
	if lines.Err() != nil {
		return nil, p.changed(name, lines.Err())
	}
	return out, nil
}

func (p *past) open(name string) (io.ReadCloser, error) {
	return p.reader.Open(p.ctx, p.reader.Work(migration.Key(p.id, name)), "")
}

// changed is the fault of a file that doesn't read back. The store's own fault
// stays what it is; a decoder's text could quote personal data.
func (p *past) changed(name string, cause error) error {
	if f, ok := fault.As(cause); ok {
		return f
	}
	return &fault.Fault{Kind: fault.Final, Code: fault.CodeStoreFault, Message: name + " is not what was written (the file was changed)"}
}

func scan(r io.Reader) *bufio.Scanner {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 64<<10), maxLine)
	return lines
}
