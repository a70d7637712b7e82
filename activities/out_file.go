package activities

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"

	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/objectstore"
)

// outFile streams one file of a migration to the work bucket. Nothing is seen
// under its name before close succeeds.
type outFile struct {
	loc    objectstore.Location
	writer *objectstore.Writer
	sum    hash.Hash
	bytes  int64
	closed bool
}

func (a *Activities) createFile(ctx context.Context, migrationID, file, contentType string) *outFile {
	loc := a.store.Work(migration.Key(migrationID, file))
	return &outFile{loc: loc, writer: a.store.Create(ctx, loc, contentType), sum: sha256.New()}
}

// Write streams p.
func (f *outFile) Write(p []byte) (int, error) {
	n, err := f.writer.Write(p)
	f.sum.Write(p[:n])
	f.bytes += int64(n)
	if err != nil {
		return n, fmt.Errorf("write %s: %w", f.loc, err)
	}
	return n, nil
}

// close makes the file visible.
func (f *outFile) close() (*migration.FileInfo, error) {
	f.closed = true
	if err := f.writer.Close(); err != nil {
		return nil, fmt.Errorf("write %s: %w", f.loc, err)
	}
	return &migration.FileInfo{URI: f.loc.String(), Bytes: f.bytes, SHA256: hex.EncodeToString(f.sum.Sum(nil))}, nil
}

// abort leaves nothing, unless the file was closed.
func (f *outFile) abort() {
	if !f.closed {
		f.closed = true
		f.writer.Abort()
	}
}
