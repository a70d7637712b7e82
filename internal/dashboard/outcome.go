package dashboard

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/objectstore"
)

// maxOutcomeLine bounds one line of outcomes/.
const maxOutcomeLine = 64 << 10

var errFound = errors.New("found")

// outcomeOf looks a record up in what the batches left. With its number only
// its own batch is read, else all of them until it is found.
func (p *past) outcomeOf(ctx context.Context, id, externalID string, record int) (*migration.Outcome, error) {
	if record > 0 {
		name, err := p.batchOf(ctx, id, record)
		if err != nil || name == "" {
			return nil, err
		}
		return p.scan(ctx, p.store.Work(migration.Key(id, name)), externalID)
	}
	var found atomic.Pointer[migration.Outcome]
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(readsAtOnce)
	for object, err := range p.store.List(ctx, p.store.WorkBucket(), migration.Key(id, "outcomes/")) {
		if err != nil {
			group.Go(func() error { return err })
			break
		}
		group.Go(func() error {
			out, err := p.scan(ctx, object.Location, externalID)
			if out != nil {
				found.Store(out)
				return errFound // ends the others
			}
			return err
		})
	}
	err := group.Wait()
	if out := found.Load(); out != nil {
		return out, nil
	}
	return nil, err
}

// batchOf names the outcomes of the batch that has a record; empty if there is
// no such record, or no batches yet.
func (p *past) batchOf(ctx context.Context, id string, record int) (string, error) {
	plan, err := p.batches(ctx, id)
	if missing(err) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	for _, b := range plan.Batches {
		if record >= b.First && record <= b.Last() {
			return migration.OutcomesFile(b.Number), nil
		}
	}
	return "", nil
}

// scan reads one batch's outcomes for a record.
func (p *past) scan(ctx context.Context, loc objectstore.Location, externalID string) (*migration.Outcome, error) {
	body, err := p.store.Open(ctx, loc, "")
	if missing(err) {
		return nil, nil // the batch is not over
	}
	if err != nil {
		return nil, err
	}
	defer body.Close()
	return findOutcome(body, externalID)
}

func findOutcome(r io.Reader, externalID string) (*migration.Outcome, error) {
	// Most lines are passed over by this look alone.
	quoted, err := json.Marshal(externalID)
	if err != nil {
		return nil, err
	}
	simple := !bytes.ContainsRune(quoted, '\\')
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 4096), maxOutcomeLine)
	for lines.Scan() {
		if simple && !bytes.Contains(lines.Bytes(), quoted) {
			continue
		}
		var out migration.Outcome
		if err := json.Unmarshal(lines.Bytes(), &out); err != nil {
			return nil, fmt.Errorf("outcomes: %w", err)
		}
		if out.ExternalEntitlementID == externalID {
			return &out, nil
		}
	}
	return nil, lines.Err()
}
