package sandbox

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	_ "modernc.org/sqlite" // the database/sql driver "sqlite"
)

const (
	// busyTimeout bounds the wait for another process that holds the file.
	busyTimeout = 10 * time.Second
	// readers is how many reads of a file run beside each other.
	readers = 4
)

// schema. What an entitlement is stands in doc; the columns beside it are what
// is searched for. Times are milliseconds since 1970.
const schema = `
CREATE TABLE IF NOT EXISTS entitlements (
  seq      INTEGER PRIMARY KEY,
  id       TEXT NOT NULL UNIQUE,
  route    TEXT NOT NULL,
  external TEXT,
  customer TEXT NOT NULL,
  product  TEXT NOT NULL,
  status   TEXT NOT NULL,
  final    TEXT NOT NULL,
  ended    INTEGER,
  due      INTEGER,
  doc      BLOB NOT NULL,
  next     BLOB
) STRICT;
CREATE INDEX IF NOT EXISTS entitlements_external ON entitlements (external, route);
CREATE INDEX IF NOT EXISTS entitlements_customer ON entitlements (customer, route);
CREATE INDEX IF NOT EXISTS entitlements_due ON entitlements (due) WHERE due IS NOT NULL;
CREATE TABLE IF NOT EXISTS answers (
  request     TEXT PRIMARY KEY,
  fingerprint BLOB NOT NULL,
  status      INTEGER NOT NULL,
  body        BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS books (
  name  TEXT PRIMARY KEY,
  count INTEGER NOT NULL
) STRICT, WITHOUT ROWID;`

// store keeps entitlements, remembered answers and books in SQLite. One
// connection writes; a file has others that read, memory has only the one.
type store struct {
	mu     sync.Mutex // holds writer
	db     *sql.DB
	writer *sql.Conn
	reader *sql.DB // nil: read through writer
	stmts  statements
	// nextDue is when the next entitlement changes by itself, in milliseconds;
	// until then no reading has to look.
	nextDue atomic.Int64
}

func openStore(file string) (*store, error) {
	db, err := sql.Open("sqlite", address(file))
	if err != nil {
		return nil, fmt.Errorf("sandbox store: %w", err)
	}
	s := &store{db: db}
	if err := s.prepare(context.Background()); err != nil {
		return nil, fmt.Errorf("sandbox store: %w", errors.Join(err, s.close()))
	}
	if file == "" {
		return s, nil
	}
	s.reader, err = sql.Open("sqlite", address(file)+"&_pragma=query_only(true)")
	if err != nil {
		return nil, fmt.Errorf("sandbox store: %w", errors.Join(err, s.close()))
	}
	s.reader.SetMaxOpenConns(readers)
	s.reader.SetMaxIdleConns(readers)
	return s, nil
}

// address is the driver's. What is written to a file survives the process's
// end: a write is in the log file, which the system keeps, before its answer.
func address(file string) string {
	pragmas := url.Values{}
	pragmas.Add("_pragma", fmt.Sprintf("busy_timeout(%d)", busyTimeout.Milliseconds()))
	if file == "" {
		return ":memory:?" + pragmas.Encode()
	}
	pragmas.Add("_pragma", "journal_mode(WAL)")
	pragmas.Add("_pragma", "synchronous(NORMAL)")
	return "file:" + (&url.URL{Path: file}).EscapedPath() + "?" + pragmas.Encode()
}

func (s *store) prepare(ctx context.Context) error {
	writer, err := s.db.Conn(ctx)
	if err != nil {
		return err
	}
	s.writer = writer
	if _, err := writer.ExecContext(ctx, schema); err != nil {
		return err
	}
	if err := s.stmts.prepare(ctx, writer); err != nil {
		return err
	}
	return s.findNextDue(ctx)
}

func (s *store) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	if s.reader != nil {
		errs = append(errs, s.reader.Close())
	}
	if s.writer != nil {
		errs = append(errs, s.stmts.close(), s.writer.Close())
	}
	return errors.Join(append(errs, s.db.Close())...)
}

// querier reads: *sql.DB and *sql.Conn are one.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// read lets f read what is committed. f must not keep rows open beyond it.
func (s *store) read(f func(querier) error) error {
	if s.reader != nil {
		return f(s.reader)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return f(s.writer)
}

// write runs f in a transaction, alone; an error of f's undoes it. It isn't
// bound to a request's context: a caller that has gone doesn't stop a write.
func (s *store) write(f func(context.Context) error) (err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ctx := context.Background()
	if _, err := s.stmts.begin.ExecContext(ctx); err != nil {
		return err
	}
	done := false
	defer func() {
		if !done {
			_, rollback := s.stmts.rollback.ExecContext(ctx)
			err = errors.Join(err, rollback)
		}
	}()
	if err := f(ctx); err != nil {
		return err
	}
	if _, err := s.stmts.commit.ExecContext(ctx); err != nil {
		return err
	}
	done = true
	return nil
}
