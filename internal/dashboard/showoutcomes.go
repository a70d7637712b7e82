package dashboard

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"golang.org/x/sync/errgroup"

	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/migrationfile"
)

// batchesShown is how many batches a page of outcomes lists.
const batchesShown = 50

// outcomesPage lists the files with the fate of each record, a batch a row.
type outcomesPage struct {
	Migration   string
	Open        bool // the migration runs
	Rows        []batchRow
	Batches     int
	Page, Pages int
	Record      string // that was asked for
	Problem     string
}

// batchRow is one batch.
type batchRow struct {
	migrationfile.Batch
	File  string // name of its outcomes
	Bytes int64
	There bool // its outcomes are written
	Asked bool // it has the record that was asked for
}

// Before and After are the neighbouring pages.
func (p *outcomesPage) Before() int { return p.Page - 1 }

// After is the next page.
func (p *outcomesPage) After() int { return p.Page + 1 }

func (s *Server) showOutcomes(w http.ResponseWriter, r *http.Request) {
	v, ok := s.seen(w, r)
	if !ok {
		return
	}
	v.leave()
	ctx, cancel := context.WithTimeout(r.Context(), lookTimeout)
	defer cancel()
	plan, err := s.past.batches(ctx, v.id())
	if missing(err) {
		s.complain(w, r, http.StatusNotFound, complaint{"No batches", "This migration has not been cut into batches, or not yet."})
		return
	}
	page := &outcomesPage{Migration: v.id(), Open: v.open}
	if err == nil {
		page.choose(plan.Batches, r.URL.Query())
		err = s.past.sizes(ctx, v.id(), page.Rows)
	}
	if err != nil {
		s.complain(w, r, http.StatusServiceUnavailable, complaint{"No answer", words(err)})
		return
	}
	s.show(w, r, http.StatusOK, "outcomes.html", frame{Title: "Outcomes of " + v.id(), Body: page})
}

// choose takes the rows with the record that was asked for, or those of the
// page with that number.
func (p *outcomesPage) choose(batches []migrationfile.Batch, q url.Values) {
	p.Batches, p.Pages = len(batches), max(1, (len(batches)+batchesShown-1)/batchesShown)
	n, err := strconv.Atoi(q.Get("page"))
	if err != nil {
		n = 1
	}
	p.Page = min(max(n, 1), p.Pages)
	p.Record = q.Get("record")
	asked := batchWith(batches, p.Record)
	switch {
	case asked >= 0:
		p.Page = asked/batchesShown + 1
	case p.Record != "":
		p.Problem = "There is no record of that number: records count from 1."
	}
	from := (p.Page - 1) * batchesShown
	for i, b := range batches[from:min(from+batchesShown, len(batches))] {
		p.Rows = append(p.Rows, batchRow{Batch: b, File: migration.OutcomesFile(b.Number), Asked: from+i == asked})
	}
}

// batchWith is the index of the batch that has a record; -1 if there is none.
func batchWith(batches []migrationfile.Batch, record string) int {
	n, err := strconv.Atoi(record)
	if err != nil {
		return -1
	}
	return slices.IndexFunc(batches, func(b migrationfile.Batch) bool { return n >= b.First && n <= b.Last() })
}

// sizes looks which outcomes are there.
func (p *past) sizes(ctx context.Context, id string, rows []batchRow) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(readsAtOnce)
	for i := range rows {
		row := &rows[i]
		group.Go(func() (err error) {
			row.Bytes, row.There, err = p.head(ctx, id, row.File)
			return err
		})
	}
	return group.Wait()
}
