package cli

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/migrationfile"
	"github.com/f0a90b9a/ferry/internal/objectstore"
	"github.com/f0a90b9a/ferry/internal/operator"
	"github.com/f0a90b9a/ferry/internal/reconcile"
)

// reconcile compares a migration with the report, here: the work bucket has
// everything, and the target is not asked.
func (c *reportChoice) reconcile(ctx context.Context, n *connection, past migration.Summary) (migration.Reconciliation, error) {
	began := time.Now().UTC().Truncate(time.Millisecond)
	r := migration.Reconciliation{
		Migration: past.Migration, Route: past.Route, Against: filepath.Base(c.file), Phase: migration.Done, StartedAt: began,
		Records: past.Records, Looked: past.Records, Report: &migration.ReportCounts{}, Files: map[string]migration.FileInfo{},
	}
	open, err := c.open(ctx, n.store)
	if err != nil {
		return r, err
	}
	name := migration.ReconciliationFile(began, ".csv")
	info, err := putFile(ctx, n.store, migration.Key(past.Migration, name), func(w io.Writer) error {
		rows := migrationfile.NewCorrelationWriter(w)
		r.Correlation, *r.Report, err = reconcile.Against(reconcile.Comparison{
			Records: operator.Migrated(ctx, n.store, past.Migration), Open: open, Contents: c.contents(), Now: began,
			Row: func(d migration.Difference) error {
				return rows.Add(d.EntitlementID, d.ExternalEntitlementID, d.Result)
			},
		})
		return errors.Join(err, rows.Close())
	})
	if err != nil {
		return r, err
	}
	r.Files[name] = info
	finished := time.Now().UTC().Truncate(time.Millisecond)
	r.FinishedAt = &finished
	return r, c.leave(ctx, n.store, &r)
}

// leave writes the reconciliation beside its rows.
func (c *reportChoice) leave(ctx context.Context, s store, r *migration.Reconciliation) error {
	body, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("migration %s: reconciliation: %w", r.Migration, err)
	}
	name := migration.ReconciliationFile(r.StartedAt, ".json")
	info, err := putFile(ctx, s, migration.Key(r.Migration, name), func(w io.Writer) error {
		_, err := io.Copy(w, bytes.NewReader(body))
		return err
	})
	r.Files[name] = info
	return err
}

// putFile streams a file of a migration to the work bucket. Nothing is to be
// seen under its name unless write succeeds.
func putFile(ctx context.Context, s store, key string, write func(io.Writer) error) (migration.FileInfo, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r, w := io.Pipe()
	written := make(chan error, 1)
	sum := &summing{sum: sha256.New()}
	go func() {
		err := write(io.MultiWriter(w, sum))
		_ = w.CloseWithError(err) // never fails
		written <- err
	}()
	loc := s.Work(key)
	_, err := s.Upload(ctx, loc, contentType(key), r)
	_ = r.CloseWithError(io.ErrClosedPipe) // what is still being written has nowhere to go
	if writeErr := <-written; writeErr != nil && !errors.Is(writeErr, io.ErrClosedPipe) {
		return migration.FileInfo{}, writeErr
	}
	return migration.FileInfo{URI: loc.String(), Bytes: sum.bytes, SHA256: hex.EncodeToString(sum.sum.Sum(nil))}, err
}

func contentType(key string) string {
	if strings.HasSuffix(key, ".csv") {
		return "text/csv; charset=utf-8"
	}
	return "application/json"
}

// summing counts and hashes what is written.
type summing struct {
	sum   hash.Hash
	bytes int64
}

func (s *summing) Write(p []byte) (int, error) {
	s.bytes += int64(len(p))
	return s.sum.Write(p)
}

// open gives a way to open the report from its beginning as often as needed,
// after a look whether it is there. One that is replaced meanwhile is an error.
func (c *reportChoice) open(ctx context.Context, s store) (func() (io.ReadCloser, error), error) {
	if !strings.HasPrefix(c.file, "s3://") {
		info, err := os.Stat(c.file)
		switch {
		case err != nil:
			return nil, unreadable(c.file, err)
		case !info.Mode().IsRegular():
			return nil, fmt.Errorf("%s: is no regular file, and a report may have to be read more than once", c.file)
		}
		return func() (io.ReadCloser, error) { return os.Open(c.file) }, nil
	}
	loc, err := objectstore.ParseURI(c.file)
	if err != nil {
		return nil, err
	}
	object, err := s.Head(ctx, loc)
	if err != nil {
		return nil, err
	}
	return func() (io.ReadCloser, error) { return s.Open(ctx, loc, object.ETag) }, nil
}
