package reconcile

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"time"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/migration"
)

// chunkRecords is how many records are held in memory at once; the report is
// read once for each so many.
const chunkRecords = 20_000

// Migrated is a record that a run has migrated.
type Migrated struct {
	Record  entitlement.Record
	Outcome migration.Outcome
}

// Comparison is a migration beside a report.
type Comparison struct {
	Records  iter.Seq2[Migrated, error]    // the migrated ones, in file order
	Open     func() (io.ReadCloser, error) // the report, from its beginning; called again and again
	Contents Contents
	Now      time.Time
	// Row gets each row of the correlation, in file order.
	Row func(migration.Difference) error

	chunk int // records; 0: chunkRecords
}

// Against compares a migration with an entitlement report. A report knows
// entitlements by the platform's id alone, dates to the second, and neither
// offers nor resumptions; a suspension only while it lasts. So what it lacks is
// not compared, and nothing can be extra. Of an entitlement that is in it more
// than once the latest row counts. Memory doesn't grow with either file.
func Against(c Comparison) (migration.Correlation, migration.ReportCounts, error) {
	a := against{Comparison: c, held: map[string]int{}}
	if a.chunk == 0 {
		a.chunk = chunkRecords
	}
	for m, err := range c.Records {
		if err != nil {
			return a.sum, a.counts, err
		}
		a.take(m)
		if len(a.records) == a.chunk {
			if err := a.flush(); err != nil {
				return a.sum, a.counts, err
			}
		}
	}
	if len(a.records) > 0 || a.passes == 0 { // a report is checked even if nothing was migrated
		if err := a.flush(); err != nil {
			return a.sum, a.counts, err
		}
	}
	a.counts.Others = a.counts.Rows - a.ours
	a.sum.Sort()
	return a.sum, a.counts, nil
}

// against is a comparison under way.
type against struct {
	Comparison
	records []Migrated
	rows    []*Row
	held    map[string]int // place in records, by the platform's id in lower case

	sum          migration.Correlation
	counts       migration.ReportCounts
	ours, passes int
}

func (a *against) take(m Migrated) {
	m.Record = compact(&m.Record)
	a.held[strings.ToLower(m.Outcome.EntitlementID)] = len(a.records)
	a.records = append(a.records, m)
}

// flush holds the records in memory against the whole report.
func (a *against) flush() error {
	a.rows = make([]*Row, len(a.records))
	if err := a.read(); err != nil {
		return err
	}
	for i := range a.records {
		if err := a.judge(&a.records[i], a.rows[i]); err != nil {
			return err
		}
	}
	a.records = a.records[:0]
	clear(a.held)
	a.passes++
	return nil
}

// read keeps the report's rows of the records in memory, the latest of each.
func (a *against) read() error {
	file, err := a.Open()
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	report, err := NewReportReader(file)
	if err != nil {
		return err
	}
	for {
		switch err := report.next(); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		if err := a.row(report); err != nil {
			return err
		}
	}
}

// row takes a row of the report up. The first time all are checked.
func (a *against) row(report *ReportReader) error {
	first := a.passes == 0
	i, ours := a.held[report.id()]
	if !ours && !first {
		return nil
	}
	row, err := report.decode()
	if err != nil {
		return err
	}
	if first {
		a.counts.Rows++
	}
	if !ours {
		return nil
	}
	a.ours++
	if a.rows[i] == nil || !row.Updated.Before(a.rows[i].Updated) {
		a.rows[i] = &row
	}
	return nil
}

func (a *against) judge(m *Migrated, row *Row) error {
	p := Pair{Record: &m.Record, Outcome: m.Outcome, Now: a.Now}
	due := entitlement.ExpectedStatus(p.Record, a.Now)
	switch {
	case row != nil:
		p.Found = []entitlement.Entitlement{asRead(p.Record, m.Outcome, row, due)}
	case !a.Contents.speaks(entitlement.StatusGroup(due)), mayBeOver(p.Record, a):
		a.counts.Beyond++
		return nil
	}
	v := Judge(p)
	v.Count(&a.sum)
	for _, r := range v.Rows {
		if err := a.Row(r); err != nil {
			return fmt.Errorf("row of record %d: %w", r.Record, err)
		}
	}
	return nil
}

// mayBeOver reports whether an entitlement that a report of active ones leaves
// out has run out.
func mayBeOver(r *entitlement.Record, a *against) bool {
	return a.Contents == ActiveOnes && r.DateExpiry != nil && !r.DateExpiry.After(a.Now)
}

// asRead is a report's row as the target would have given it: what a report
// doesn't tell is taken from the record, and dates that agree to the second
// agree.
func asRead(r *entitlement.Record, o migration.Outcome, row *Row, due entitlement.Status) entitlement.Entitlement {
	e := row.Entitlement
	e.EntitlementID = o.EntitlementID // but for its case
	e.ExternalEntitlementID, e.OfferKey, e.DateResumed = r.ExternalEntitlementID, r.OfferKey, r.DateResumed
	if due != entitlement.Suspended && e.DateSuspended == nil {
		e.DateSuspended = r.DateSuspended
	}
	for have, want := range map[**time.Time]*time.Time{
		&e.DateCreated: r.DateCreated, &e.DateActivated: r.DateActivated, &e.DateSuspended: r.DateSuspended,
		&e.DateEnded: r.DateEnded, &e.DateExpiry: r.DateExpiry,
	} {
		if *have != nil && want != nil && want.Truncate(time.Second).Equal((*have).Truncate(time.Second)) {
			*have = want
		}
	}
	return e
}

// compact keeps of a record what is compared, and not the text it was read
// from.
func compact(r *entitlement.Record) entitlement.Record {
	return entitlement.Record{
		ExternalEntitlementID: strings.Clone(r.ExternalEntitlementID), EntitlementID: strings.Clone(r.EntitlementID),
		CustomerIdentifier: strings.Clone(r.CustomerIdentifier), MerchantAccountKey: strings.Clone(r.MerchantAccountKey),
		ProductKey: strings.Clone(r.ProductKey), OfferKey: strings.Clone(r.OfferKey),
		Status: entitlement.Status(strings.Clone(string(r.Status))), DateCreated: r.DateCreated, DateActivated: r.DateActivated,
		DateSuspended: r.DateSuspended, DateResumed: r.DateResumed, DateEnded: r.DateEnded, DateExpiry: r.DateExpiry,
	}
}
