package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/objectstore"
	"github.com/f0a90b9a/ferry/internal/operator"
)

// reportFiles are the files by which a folder is known to be some migration's.
// The first two say whose.
var reportFiles = [...]string{
	migration.FileClaim, migration.FileSummary,
	migration.FileReload, migration.FileErrors, migration.FileCorrelation, migration.FileValidation,
	migration.FilePlan, migration.FileBatches, migration.FileAudit, migration.FileRecords,
}

// download copies a migration's reports into a folder and notes where they
// went. Either all of them appear, each of them whole, or none; they hold
// personal data, so that only the user may read them. A folder with files of
// another migration is refused before anything is written, and a file that is not
// what is known of it keeps all from appearing.
func download(ctx context.Context, s store, reports []report, id string, known map[string]migration.FileInfo, dir string) error {
	if err := checkFolder(dir, id); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("reports: %w", err)
	}
	parts, err := os.MkdirTemp(dir, ".ferry-*.part")
	if err != nil {
		return fmt.Errorf("reports: %w", err)
	}
	defer os.RemoveAll(parts)
	for _, r := range reports {
		if err := downloadOne(ctx, s, id, r, known, filepath.Join(parts, r.Name)); err != nil {
			return err
		}
	}
	if err := checkClaim(parts, dir, id); err != nil {
		return err
	}
	return moveReports(parts, dir, reports)
}

// moveReports puts the files into their places, first those that say whose
// they are: what is cut off in between is known for what it is.
func moveReports(parts, dir string, reports []report) error {
	for _, name := range reportFiles[:2] {
		err := os.Rename(filepath.Join(parts, name), filepath.Join(dir, name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("reports: %w", err)
		}
	}
	for i := range reports {
		r := &reports[i]
		r.Path = filepath.Join(dir, r.Name)
		if r.Name == reportFiles[0] || r.Name == reportFiles[1] {
			continue
		}
		if err := os.Rename(filepath.Join(parts, r.Name), r.Path); err != nil {
			return fmt.Errorf("reports: %w", err)
		}
	}
	return nil
}

func downloadOne(ctx context.Context, s store, id string, r report, known map[string]migration.FileInfo, path string) (err error) {
	loc, err := objectstore.ParseURI(r.URI)
	if err != nil {
		return err
	}
	body, err := s.Open(ctx, loc, "")
	if err != nil {
		return err
	}
	defer body.Close()
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("reports: %w", err)
	}
	_, err = io.Copy(file, operator.Genuine(id, r.Name, known, body))
	if err = errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("download of %s: %w", r.Name, err)
	}
	return nil
}

// checkFolder refuses a folder that holds reports of another migration, or of
// one that nobody can tell.
func checkFolder(dir, id string) error {
	owner, found := folderOwner(dir)
	switch {
	case found == "" || owner == id:
		return nil
	case owner == "" && found == migration.FileClaim:
		return nil // checkClaim tells
	case owner == "":
		return mixed(dir, id, fmt.Errorf("it holds %s, and nothing in it says of which migration", found))
	}
	return mixed(dir, id, fmt.Errorf("it holds files of migration %s", owner))
}

// folderOwner gives the migration whose files a folder holds, with one of them;
// found is empty if there are none, owner if none of them says so.
func folderOwner(dir string) (owner, found string) {
	for _, name := range reportFiles {
		path := filepath.Join(dir, name)
		if _, err := os.Lstat(path); err != nil {
			continue
		}
		if found == "" {
			found = name
		}
		if name != migration.FileClaim && name != migration.FileSummary {
			continue
		}
		var says struct {
			Migration string `json:"migration"`
		}
		body, err := os.ReadFile(path)
		if err == nil && json.Unmarshal(body, &says) == nil && says.Migration != "" {
			return says.Migration, name
		}
	}
	return "", found
}

// checkClaim tells two migrations of one id apart, of two environments for
// instance: each has a claim of its own.
func checkClaim(parts, dir, id string) error {
	theirs, err := os.ReadFile(filepath.Join(dir, migration.FileClaim))
	if err != nil {
		return nil //nolint:nilerr // no claim is there to be compared
	}
	ours, err := os.ReadFile(filepath.Join(parts, migration.FileClaim))
	if err != nil || bytes.Equal(ours, theirs) {
		return nil //nolint:nilerr // as above
	}
	return mixed(dir, id, fmt.Errorf("it holds files of another migration of the name %s", id))
}

func mixed(dir, id string, why error) error {
	return &problem{
		code: exitRefused, thing: "folder " + dir, err: why,
		remedy: "choose a folder of its own, such as --dir " + filepath.Join(dir, id),
	}
}

// clearFolder takes an earlier run's reports away, so that none of them stays
// beside those of the next run under the same name.
func clearFolder(dir string) error {
	for _, name := range reportFiles {
		if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("reports: %w", err)
		}
	}
	return nil
}
