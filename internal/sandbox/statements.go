package sandbox

import (
	"context"
	"database/sql"
	"errors"
)

// statements are those of the write path, prepared once on its connection.
type statements struct {
	begin, commit, rollback  *sql.Stmt
	insert, update, byID     *sql.Stmt
	byExternal, living       *sql.Stmt
	remember, recall, forget *sql.Stmt
	count, setCount          *sql.Stmt
	due, nextDue             *sql.Stmt
}

func (s *statements) prepare(ctx context.Context, conn *sql.Conn) error {
	for text, stmt := range map[string]**sql.Stmt{
		`BEGIN IMMEDIATE`: &s.begin,
		`COMMIT`:          &s.commit,
		`ROLLBACK`:        &s.rollback,
		`INSERT INTO entitlements (id, route, external, customer, product, status, final, ended, due, doc, next)
		 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`: &s.insert,
		`UPDATE entitlements SET status = ?, ended = ?, due = ?, doc = ?, next = ? WHERE seq = ?`: &s.update,
		`SELECT ` + rowColumns + ` FROM entitlements WHERE id = ?`:                                &s.byID,
		`SELECT id FROM entitlements WHERE external = ? AND route = ? ORDER BY seq LIMIT 1`:       &s.byExternal,
		// An ACTIVE-ENDING that is still on its way counts until its end.
		`SELECT count(*) FROM entitlements
		 WHERE customer = ? AND route = ?
		   AND status NOT IN ('CANCELLED', 'REVOKED') AND final NOT IN ('CANCELLED', 'REVOKED')
		   AND NOT (final = 'ACTIVE-ENDING' AND ended IS NOT NULL AND ended <= ?)`: &s.living,
		`INSERT INTO answers (request, fingerprint, status, body) VALUES (?, ?, ?, ?)`: &s.remember,
		`SELECT fingerprint, status, body FROM answers WHERE request = ?`:              &s.recall,
		`DELETE FROM answers`: &s.forget,
		`INSERT INTO books (name, count) VALUES (?, 1) ON CONFLICT DO UPDATE SET count = count + 1`:                   &s.count,
		`INSERT INTO books (name, count) VALUES (?, ?) ON CONFLICT DO UPDATE SET count = excluded.count`:              &s.setCount,
		`SELECT ` + rowColumns + ` FROM entitlements WHERE due IS NOT NULL AND due <= ? ORDER BY due, seq LIMIT 1000`: &s.due,
		`SELECT min(due) FROM entitlements WHERE due IS NOT NULL`:                                                     &s.nextDue,
	} {
		prepared, err := conn.PrepareContext(ctx, text) //nolint:sqlclosecheck // close does, at the end
		if err != nil {
			return err
		}
		*stmt = prepared
	}
	return nil
}

func (s *statements) close() error {
	var errs []error
	for _, stmt := range []*sql.Stmt{
		s.begin, s.commit, s.rollback, s.insert, s.update, s.byID, s.byExternal, s.living,
		s.remember, s.recall, s.forget, s.count, s.setCount, s.due, s.nextDue,
	} {
		if stmt != nil {
			errs = append(errs, stmt.Close())
		}
	}
	return errors.Join(errs...)
}
