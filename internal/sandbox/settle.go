package sandbox

import (
	"context"
	"math"
	"time"
)

// settle lets happen what has become due: accepted calls that settle, and
// ACTIVE-ENDINGs that end. While nothing is due it costs nothing.
func (s *store) settle(now time.Time) error {
	for now.UnixMilli() >= s.nextDue.Load() {
		err := s.write(func(ctx context.Context) error {
			rows, err := s.dueRows(ctx, now)
			if err != nil {
				return err
			}
			for _, r := range rows {
				if err := s.save(ctx, r.settled(now)); err != nil {
					return err
				}
			}
			return s.findNextDue(ctx)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *store) dueRows(ctx context.Context, now time.Time) ([]row, error) {
	found, err := s.stmts.due.QueryContext(ctx, now.UnixMilli())
	if err != nil {
		return nil, err
	}
	defer func() { _ = found.Close() }()
	var rows []row
	for found.Next() {
		r, err := scanRow(found)
		if err != nil {
			return nil, err
		}
		rows = append(rows, r)
	}
	return rows, found.Err()
}

func (s *store) findNextDue(ctx context.Context) error {
	var at *int64
	if err := s.stmts.nextDue.QueryRowContext(ctx).Scan(&at); err != nil {
		return err
	}
	if at == nil {
		s.nextDue.Store(math.MaxInt64)
	} else {
		s.nextDue.Store(*at)
	}
	return nil
}
