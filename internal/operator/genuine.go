package operator

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"reflect"

	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
)

// Results are what Temporal tells of ended migrations; Client is one.
type Results interface {
	Describe(ctx context.Context, id string) (Run, error)
	Result(ctx context.Context, id string) (migration.Summary, error)
}

// EndedFiles gives the files that an ended migration says it left, with their
// checksums: by its own result where Temporal still has it, else by
// summary.json. A summary.json that says otherwise than the result is the fault
// STORE_FAULT. None if there is neither.
func EndedFiles(ctx context.Context, results Results, archive *Archive, id string) (map[string]migration.FileInfo, error) {
	written, found, err := archive.Summary(ctx, id)
	if err != nil {
		return nil, err
	}
	run, err := results.Describe(ctx, id)
	if err != nil && !errors.Is(err, ErrUnknown) {
		return nil, err
	}
	if err != nil || run.State != Completed {
		return written.Files, nil //nolint:nilerr // forgotten by Temporal: the bucket alone knows it
	}
	own, err := results.Result(ctx, id)
	if errors.Is(err, ErrUnknown) { // it has been forgotten just now
		return written.Files, nil
	}
	if err != nil {
		return nil, err
	}
	if found && !sameEnd(own, written) {
		return nil, changed(id, migration.FileSummary, "its result in Temporal says otherwise")
	}
	return own.Files, nil
}

// sameEnd reports whether two summaries tell of one end.
func sameEnd(a, b migration.Summary) bool {
	type end struct {
		File, SHA256, Route, Parent string
		Result                      migration.Result
		Records, Partial            int
		Outcomes                    migration.Outcomes
		Statuses                    migration.Statuses
		Files                       map[string]migration.FileInfo
	}
	of := func(s migration.Summary) end {
		return end{s.File, s.SHA256, s.Route, s.Parent, s.Result, s.Records, s.Partial, s.Outcomes, s.Statuses, s.Files}
	}
	return reflect.DeepEqual(of(a), of(b))
}

func changed(id, name, how string) error {
	return &fault.Fault{Kind: fault.Final, Code: fault.CodeStoreFault, Message: fmt.Sprintf(
		"%s of migration %s is not what was written: %s (somebody has changed it; put it back)", name, id, how)}
}

// Genuine reads one of a migration's files and ends in the fault STORE_FAULT,
// instead of its last bytes, if the file is not the one that is known. Of a
// file that is not known everything is read.
func Genuine(id, name string, known map[string]migration.FileInfo, file io.Reader) io.Reader {
	info, ok := known[name]
	if !ok || info.SHA256 == "" {
		return file
	}
	return &genuine{id: id, name: name, info: info, file: file, sum: sha256.New()}
}

type genuine struct {
	id, name string
	info     migration.FileInfo
	file     io.Reader
	read     int64
	sum      hash.Hash
}

// Read reads on. What makes the file whole is given only if it is right.
func (g *genuine) Read(p []byte) (int, error) {
	n, err := g.file.Read(p)
	g.read += int64(n)
	g.sum.Write(p[:n])
	switch {
	case g.read > g.info.Bytes:
		return 0, changed(g.id, g.name, "it is longer")
	case g.read == g.info.Bytes && hex.EncodeToString(g.sum.Sum(nil)) != g.info.SHA256:
		return 0, changed(g.id, g.name, "its content is another")
	case errors.Is(err, io.EOF) && g.read < g.info.Bytes:
		return 0, changed(g.id, g.name, "it is shorter")
	}
	return n, err
}
