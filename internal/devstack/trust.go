package devstack

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
)

// lookPath finds a program on PATH. Relative folders of PATH, such as ".", are
// passed over: what they have is the working directory's.
func lookPath(name string) (string, error) {
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		if !filepath.IsAbs(dir) {
			continue
		}
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s: %w", name, exec.ErrNotFound)
}

// CheckFolder refuses a folder that somebody else may have put files into: what
// is written there could go elsewhere by a link, and what is read be anybody's.
func CheckFolder(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	why := spoilt(info)
	if why == "" {
		why = openToOthers(dir)
	}
	if why != "" {
		return fmt.Errorf("%s is refused: %s (take a folder of your own)", dir, why)
	}
	return nil
}

// openToOthers says by which way another user of this machine may have put a
// program at a path; empty if only root and this user can. Members of a group
// that may write are trusted: package managers work so.
func openToOthers(path string) (why string) {
	if !filepath.IsAbs(path) {
		return "its path is not absolute, so the working directory decides what it is"
	}
	// A link is as good as the folder that it lies in, and as what it leads to.
	if why := openAbove(path); why != "" {
		return why
	}
	led, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err.Error()
	}
	return openAbove(led)
}

// openAbove looks at a path and all folders above it.
func openAbove(path string) (why string) {
	var below fs.FileInfo // nil at the path's end
	for at := filepath.Clean(path); ; at = filepath.Dir(at) {
		info, err := os.Stat(at)
		if err != nil {
			return err.Error()
		}
		if info.Mode().Perm()&0o002 != 0 && hasOwners {
			// In a folder such as /tmp only what is one's own can't be replaced.
			if !info.IsDir() || info.Mode()&fs.ModeSticky == 0 || below == nil {
				return fmt.Sprintf("every user of this machine may write to %s", at)
			}
			if !ownOrRoots(below) {
				return fmt.Sprintf("every user of this machine may write to %s, and it has what is another's", at)
			}
		}
		if at == filepath.Dir(at) {
			return ""
		}
		// What may be replaced in a folder is the link itself.
		if below, err = os.Lstat(at); err != nil {
			return err.Error()
		}
	}
}

// spoilt says why a file or folder may have been changed by somebody else;
// empty if it is this user's and nobody else may write to it.
func spoilt(info fs.FileInfo) (why string) {
	switch {
	case !hasOwners:
		return ""
	case !own(info):
		return "it is another user's"
	case info.Mode().Perm()&0o022 != 0:
		return fmt.Sprintf("others may write to it (mode %04o)", info.Mode().Perm())
	}
	return ""
}
