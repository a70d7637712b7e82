package sandbox

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/resale/resaleapi"
)

// ErrNoEntitlement is the error of an edit of one that there isn't.
var ErrNoEntitlement = errors.New("there is no such entitlement")

// Edit changes an entitlement as nobody can through the API: what the platform
// itself, or somebody with its database, may do. It counts in no book, checks
// no rule, and leaves the entitlement's id as it is; what was to become of it
// by itself is forgotten, but for the end of an ACTIVE-ENDING.
func (s *Server) Edit(id string, change func(*resaleapi.Entitlement)) error {
	if err := s.store.settle(s.now()); err != nil {
		return err
	}
	return s.store.write(func(ctx context.Context) error {
		r, err := scanRow(s.store.stmts.byID.QueryRowContext(ctx, id))
		if errors.Is(err, sql.ErrNoRows) {
			return ErrNoEntitlement
		}
		if err != nil {
			return err
		}
		e := r.now
		change(&e)
		e.EntitlementID, r.final = id, entitlement.Status(e.Status)
		return s.store.replace(ctx, r.changed(e))
	})
}

// Remove takes an entitlement away, which the API can't either.
func (s *Server) Remove(id string) error {
	return s.store.write(func(ctx context.Context) error {
		result, err := s.store.writer.ExecContext(ctx, `DELETE FROM entitlements WHERE id = ?`, id)
		return one(result, err)
	})
}

// replace stores a row with all that is searched for.
func (s *store) replace(ctx context.Context, r row) error {
	if err := s.save(ctx, r); err != nil {
		return err
	}
	e := r.now
	result, err := s.writer.ExecContext(ctx, `UPDATE entitlements SET external = ?, customer = ?, product = ?, final = ? WHERE seq = ?`,
		e.ExternalEntitlementID, e.CustomerIdentifier, e.ProductKey, r.final, r.seq)
	return one(result, err)
}

// one checks that a statement changed one row.
func one(result sql.Result, err error) error {
	if err != nil {
		return err
	}
	n, err := result.RowsAffected()
	switch {
	case err != nil:
		return err
	case n == 0:
		return ErrNoEntitlement
	case n > 1:
		return fmt.Errorf("%d entitlements were changed instead of one", n)
	}
	return nil
}
