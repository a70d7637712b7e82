package sandbox

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/resale/resaleapi"
)

// row is an entitlement as it is stored.
type row struct {
	seq   int64 // order of creation; 0: not stored yet
	route string
	final entitlement.Status // what the customer's limit counts
	now   resaleapi.Entitlement
	// next is what the entitlement becomes by itself at due: an accepted call
	// that settles, or the end of an ACTIVE-ENDING.
	next *resaleapi.Entitlement
	due  time.Time
}

// changed is the row of an entitlement that has changed, with what becomes of
// it by itself.
func (r row) changed(e resaleapi.Entitlement) row {
	r.now, r.next, r.due = e, nil, time.Time{}
	if e.Status == string(entitlement.ActiveEnding) && e.DateEnded != nil {
		ended := e
		ended.Status, ended.DateLastUpdated = string(entitlement.Cancelled), e.DateEnded
		r.next, r.due = &ended, *e.DateEnded
	}
	return r
}

// accepted is the row of an entitlement that stays as it is but for a call
// that settles later.
func (r row) accepted(next resaleapi.Entitlement, k kind, settles time.Time) row {
	action := string(k)
	if r.seq == 0 {
		r.now = next
	}
	r.now.PendingAction = &action
	r.next, r.due = &next, settles
	return r
}

// settled is the row at a time when what was due has happened.
func (r row) settled(now time.Time) row {
	for r.next != nil && !now.Before(r.due) {
		r = r.changed(*r.next)
	}
	return r
}

func (r row) pending() bool { return r.now.PendingAction != nil }

func encode(e *resaleapi.Entitlement) ([]byte, error) {
	if e == nil {
		return nil, nil
	}
	return json.Marshal(e)
}

// scanner is a *sql.Row or *sql.Rows.
type scanner interface{ Scan(dest ...any) error }

// rowColumns are what scanRow reads.
const rowColumns = `seq, route, final, doc, due, next`

func scanRow(from scanner) (row, error) {
	var (
		r         row
		doc, next []byte
		due       *int64
	)
	if err := from.Scan(&r.seq, &r.route, &r.final, &doc, &due, &next); err != nil {
		return row{}, err
	}
	if err := json.Unmarshal(doc, &r.now); err != nil {
		return row{}, fmt.Errorf("stored entitlement %d: %w", r.seq, err)
	}
	if due == nil {
		return r, nil
	}
	r.due, r.next = time.UnixMilli(*due), new(resaleapi.Entitlement)
	if err := json.Unmarshal(next, r.next); err != nil {
		return row{}, fmt.Errorf("stored entitlement %d: %w", r.seq, err)
	}
	return r, nil
}

// millis is a time as it is stored, rounded up: what is due is never early.
func millis(t *time.Time) any {
	if t == nil || t.IsZero() {
		return nil
	}
	return t.Add(time.Millisecond - time.Nanosecond).UnixMilli()
}
