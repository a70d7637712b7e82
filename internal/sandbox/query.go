package sandbox

import (
	"context"
	"database/sql"
	"errors"
	"iter"
	"strings"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/resale/resaleapi"
)

// get reads one entitlement; an unknown id is a refusal NOT_FOUND.
func (s *store) get(ctx context.Context, id string) (r row, err error) {
	err = s.read(func(q querier) error {
		r, err = scanRow(q.QueryRowContext(ctx, `SELECT `+rowColumns+` FROM entitlements WHERE id = ?`, id))
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		return r, unknownEntitlement()
	}
	return r, err
}

// filter is a search; empty fields don't filter.
type filter struct {
	route, customer, product, status string
	externals                        []string
	after                            int64 // only rows later than this one
	offset, limit                    int
}

func (f filter) query() (string, []any) {
	where, args := []string{"seq > ?"}, []any{f.after}
	equal := func(column, value string) {
		if value != "" {
			where, args = append(where, column+" = ?"), append(args, value)
		}
	}
	if len(f.externals) > 0 {
		where = append(where, "external IN (?"+strings.Repeat(", ?", len(f.externals)-1)+")")
		for _, external := range f.externals {
			args = append(args, external)
		}
	}
	equal("route", f.route)
	equal("customer", f.customer)
	equal("product", f.product)
	equal("status", f.status)
	return `SELECT ` + rowColumns + ` FROM entitlements WHERE ` + strings.Join(where, " AND ") +
		` ORDER BY seq LIMIT ? OFFSET ?`, append(args, f.limit, f.offset)
}

func (s *store) find(ctx context.Context, f filter) ([]row, error) {
	var rows []row
	text, args := f.query()
	err := s.read(func(q querier) error {
		found, err := q.QueryContext(ctx, text, args...)
		if err != nil {
			return err
		}
		defer func() { _ = found.Close() }()
		for found.Next() {
			r, err := scanRow(found)
			if err != nil {
				return err
			}
			rows = append(rows, r)
		}
		return found.Err()
	})
	return rows, err
}

// listPage is how many entitlements are read at once for a list.
const listPage = 500

// Entitlements gives all entitlements of a route, or of all if it is empty, in
// order of creation. An error ends it. What is created meanwhile may be in it.
func (s *Server) Entitlements(ctx context.Context, route string) iter.Seq2[resaleapi.Entitlement, error] {
	return func(yield func(resaleapi.Entitlement, error) bool) {
		f := filter{route: route, limit: listPage}
		for {
			err := s.store.settle(s.now())
			var rows []row
			if err == nil {
				rows, err = s.store.find(ctx, f)
			}
			if err != nil {
				yield(resaleapi.Entitlement{}, err)
				return
			}
			for _, r := range rows {
				if !yield(r.now, nil) {
					return
				}
				f.after = r.seq
			}
			if len(rows) < listPage {
				return
			}
		}
	}
}

// books reads all counters.
func (s *store) books(ctx context.Context) (map[string]int64, error) {
	saved := make(map[string]int64)
	return saved, s.read(func(q querier) error {
		return eachCount(ctx, q, `SELECT name, count FROM books`, func(name string, n int64) { saved[name] = n })
	})
}

func (s *store) setBooks(saved map[string]int64) error {
	return s.write(func(ctx context.Context) error {
		for name, n := range saved {
			if _, err := s.stmts.setCount.ExecContext(ctx, name, n); err != nil {
				return err
			}
		}
		return nil
	})
}

// tally fills in the part of the books that is computed from the data.
func (s *store) tally(ctx context.Context, stats *Stats) error {
	for _, status := range []entitlement.Status{
		entitlement.Pending, entitlement.Active, entitlement.ActiveEnding,
		entitlement.Suspended, entitlement.Cancelled, entitlement.Revoked,
	} {
		stats.Entitlements[status] = 0
	}
	return s.read(func(q querier) error {
		err := eachCount(ctx, q, `SELECT status, count(*) FROM entitlements GROUP BY status`, func(status string, n int64) {
			stats.Entitlements[entitlement.Status(status)] = n
		})
		if err != nil {
			return err
		}
		row := q.QueryRowContext(ctx, `SELECT coalesce(sum(n - 1), 0) FROM
			(SELECT count(*) AS n FROM entitlements WHERE external IS NOT NULL GROUP BY external, route)`)
		return row.Scan(&stats.DuplicateExternalIDs)
	})
}

func eachCount(ctx context.Context, q querier, text string, each func(string, int64)) error {
	rows, err := q.QueryContext(ctx, text)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var name string
		var n int64
		if err := rows.Scan(&name, &n); err != nil {
			return err
		}
		each(name, n)
	}
	return rows.Err()
}
