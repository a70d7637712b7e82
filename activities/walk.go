package activities

import (
	"context"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/reconcile"
)

const (
	// walkRecords and walkBytes bound what a walk holds in memory. Report calls
	// are full but for the last of so many records.
	walkRecords = 10 * findPage
	walkBytes   = 4 << 20
	// walkRows bounds the records held that are not asked for.
	walkRows = 10_000
)

// entry is a record with its outcome and, if it was asked for, its content and
// what the target has under its external id.
type entry struct {
	outcome migration.Outcome
	asked   bool
	record  stagedRecord
	found   []entitlement.Entitlement
	unread  *fault.Fault // why nothing could be read under its external id
}

// judge says how the record compares with the target, during its run or later.
func (a *Activities) judge(e *entry, later bool) reconcile.Verdict {
	p := reconcile.Pair{Record: &e.record.decoded, Outcome: e.outcome, Found: e.found, Now: a.now(), Later: later}
	if e.unread != nil {
		p.Unread = e.unread.Code
	}
	return reconcile.Judge(p)
}

// walk goes through records in file order, batch by batch, and reads those that
// it is asked for from the target, by pages that don't end with their batch.
// Batches that were never begun, and so have no outcomes, are passed over.
type walk struct {
	activities *Activities
	check      *migration.Check
	ask        func(*migration.Outcome) bool
	each       func(*entry) error

	entries []entry
	asked   int
	bytes   int
}

// batch takes the next batch up.
func (w *walk) batch(ctx context.Context, b BatchRef) error {
	outcomes, err := w.activities.outcomes(ctx, b, w.check)
	if err != nil || len(outcomes) == 0 {
		return err
	}
	first, asked := len(w.entries), w.asked
	for n := b.First; n < b.First+b.Count; n++ {
		o, ok := outcomes[n]
		if !ok {
			continue
		}
		e := entry{outcome: o, asked: w.ask(&o)}
		if e.asked {
			w.asked++
		}
		w.entries = append(w.entries, e)
	}
	if w.asked > asked {
		if err := w.load(ctx, b, w.entries[first:]); err != nil {
			return err
		}
	}
	if w.asked >= walkRecords || w.bytes >= walkBytes || len(w.entries) >= walkRows {
		return w.flush(ctx)
	}
	return nil
}

// load reads a batch's staged records into its entries.
func (w *walk) load(ctx context.Context, b BatchRef, entries []entry) error {
	return w.activities.eachRecord(ctx, b, func(r stagedRecord) error {
		if len(entries) > 0 && entries[0].outcome.Record == r.number {
			if entries[0].asked {
				entries[0].record = r
				w.bytes += len(r.line)
			}
			entries = entries[1:]
		}
		return nil
	})
}

// flush reads from the target what is asked for, and hands all entries on.
func (w *walk) flush(ctx context.Context) error {
	records := make([]stagedRecord, 0, w.asked)
	for i := range w.entries {
		if w.entries[i].asked {
			records = append(records, w.entries[i].record)
		}
	}
	seen, err := w.activities.findEvery(ctx, records, finder{}) // what is unread is asked for by its own id, too
	if err != nil {
		return err
	}
	for i := range w.entries {
		e := &w.entries[i]
		e.found = seen.found[e.record.decoded.ExternalEntitlementID]
		e.unread = seen.unread[e.record.decoded.ExternalEntitlementID]
		if err := w.each(e); err != nil {
			return err
		}
	}
	clear(w.entries)
	w.entries, w.asked, w.bytes = w.entries[:0], 0, 0
	return nil
}
