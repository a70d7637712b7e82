package operator

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/migrationfile"
	"github.com/f0a90b9a/ferry/internal/objectstore"
)

// Part is a part of what a migration left over.
type Part string

// The parts. The order of a reload.json is what tells them apart.
const (
	PartAll          Part = ""
	PartNotAttempted Part = "not-attempted"
	PartFailed       Part = "failed"
)

// Parts are the names that a user may give.
func Parts() []string { return []string{string(PartNotAttempted), string(PartFailed)} }

// ErrNoPart says that a migration left nothing of a part.
var ErrNoPart = errors.New("nothing of it is left")

// ErrUnordered says that a reload.json was written by an earlier version, whose
// records stand in file order whatever became of them.
var ErrUnordered = errors.New("its reload.json was written by an earlier version, which did not keep apart what failed and what was never attempted")

// Range is the part's place in a migration's reload.json: the number of records
// before it, and its own. The error is ErrNoPart or ErrUnordered.
func (p Part) Range(info migration.FileInfo) (skip, take int, err error) {
	switch {
	case p == PartAll:
		return 0, info.Records, nil
	case info.Records == 0:
		return 0, 0, ErrUnordered
	case p == PartNotAttempted:
		take = info.NotAttempted
	default:
		skip, take = info.NotAttempted, info.Records-info.NotAttempted
	}
	if take == 0 {
		return 0, 0, ErrNoPart
	}
	return skip, take, nil
}

// CopyReloadPart puts a part of a migration's reload.json under the name of its
// reload, as CopyReload does with all of it; info is what the summary says of
// the file.
func CopyReloadPart(ctx context.Context, files Files, parent, id string, part Part, info migration.FileInfo) (from, to objectstore.Location, err error) {
	from, to = files.Work(migration.Key(parent, migration.FileReload)), ReloadPlace(files, id)
	skip, take, err := part.Range(info)
	if err != nil {
		return from, to, err
	}
	body, err := files.Open(ctx, from, "")
	if err != nil {
		return from, to, err
	}
	defer body.Close()
	out, in := io.Pipe()
	source := from.String()
	go func() { //nolint:contextcheck // it ends with its reader, which has the context
		known := map[string]migration.FileInfo{migration.FileReload: info}
		records, err := migrationfile.CopyPart(in, Genuine(parent, migration.FileReload, known, body), skip, take)
		if err == nil && records != info.Records {
			err = fmt.Errorf("%s holds %d records instead of %d: it was changed since it was written", source, records, info.Records)
		}
		_ = in.CloseWithError(err) // never fails
	}()
	_, err = files.Upload(ctx, to, "application/json", out)
	_ = out.Close() // an upload that ended early leaves the copying nobody to write to
	return from, to, err
}
