package devstack

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// buildRecord is kept beside a build, and says what it was when it was made.
type buildRecord struct {
	Version  string `json:"version"`
	Module   string `json:"module"` // hash of the module that it was built from
	Platform string `json:"platform"`
	SHA256   string `json:"sha256"` // of the program
}

func (m pinnedModule) record(sum string) buildRecord {
	return buildRecord{Version: m.version, Module: m.hash(), Platform: runtime.GOOS + "/" + runtime.GOARCH, SHA256: sum}
}

// openCache makes the folder for builds, this user's alone. One that somebody
// else may have written to is refused: what lies there would be run.
func openCache(dir string) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return fmt.Errorf("cache of the temporal CLI: %w", err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("cache of the temporal CLI: %w", err)
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return fmt.Errorf("cache of the temporal CLI: %w", err)
	}
	why := spoilt(info)
	if !info.IsDir() {
		why = "it is not a folder"
	}
	if why == "" {
		why = openToOthers(dir)
	}
	if why != "" {
		return fmt.Errorf("cache of the temporal CLI: %s is refused: %s, so what lies there could be anybody's program (remove it, or set %s)",
			dir, why, cliVariable)
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		return fmt.Errorf("cache of the temporal CLI: %w", err)
	}
	return nil
}

func recordOf(program string) string { return program + ".json" }

// checkKept says why a kept build is not to be run: it must be this user's,
// and byte for byte what was built here from this very module. fs.ErrNotExist
// is one that there isn't.
func checkKept(program string, module pinnedModule) error {
	info, err := os.Lstat(program)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() || hasOwners && info.Mode()&0o100 == 0 {
		return errors.New("it is not a program")
	}
	if why := spoilt(info); why != "" {
		return errors.New(why)
	}
	recorded, err := readRecord(recordOf(program))
	if err != nil {
		return err
	}
	sum, err := hashFile(program)
	if err != nil {
		return err
	}
	if recorded != module.record(sum) {
		return errors.New("it is not what was built here from the pinned module")
	}
	return nil
}

func readRecord(path string) (r buildRecord, err error) {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return r, errors.New("there is no record of its build")
	}
	if err != nil {
		return r, err
	}
	if why := spoilt(info); why != "" || !info.Mode().IsRegular() {
		return r, errors.New("the record of its build can't be trusted")
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return r, err
	}
	if json.Unmarshal(text, &r) != nil {
		return r, errors.New("the record of its build can't be read")
	}
	return r, nil
}

// keep puts a build and its record in place. In between, and after a crash,
// the two don't fit, so the build is made again.
func keep(built, program string, module pinnedModule) error {
	if err := os.Chmod(built, 0o700); err != nil {
		return err
	}
	sum, err := hashFile(built)
	if err != nil {
		return err
	}
	text, err := json.Marshal(module.record(sum))
	if err != nil {
		return err
	}
	if err := os.WriteFile(recordOf(built), text, 0o600); err != nil {
		return err
	}
	if err := os.Rename(built, program); err != nil {
		return err
	}
	return os.Rename(recordOf(built), recordOf(program))
}

func hashFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
