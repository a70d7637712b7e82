package devstack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

const (
	cliVariable  = "FERRY_TEMPORAL_CLI"
	cliModule    = "github.com/temporalio/cli"
	cliPackage   = cliModule + "/cmd/temporal"
	versionLimit = 20 * time.Second
)

// minCLI is the oldest CLI that has the flags and the server features used.
var minCLI = version{1, 5, 0}

// FindTemporalCLI gives the path of a temporal CLI: the one that
// FERRY_TEMPORAL_CLI names; else the one on PATH, if it is at least 1.5.0 and
// lies where only this user and root can have put it; else one built from the
// module that this program carries, a copy of tools/go.mod with the hashes of
// tools/go.sum. The build happens once and takes minutes; it is kept in the
// user's cache folder, and run only as long as it is what was built. Nothing
// that lies in the working directory is built or run.
// log gets one line about each thing worth knowing; it may be nil. The error
// names the ways out.
func FindTemporalCLI(ctx context.Context, log func(string)) (string, error) {
	if log == nil {
		log = func(string) {}
	}
	f := finder{
		explicit: os.Getenv(cliVariable),
		module:   embeddedModule(),
		lookPath: lookPath,
		build:    buildCLI,
		log:      log,
	}
	if dir, err := os.UserCacheDir(); err == nil {
		f.cache = filepath.Join(dir, "ferry")
	}
	return f.find(ctx)
}

// finder is FindTemporalCLI with its surroundings.
type finder struct {
	explicit string // the CLI that the user names; empty: none
	cache    string // where builds are kept; empty: nowhere
	module   pinnedModule
	lookPath func(name string) (string, error)
	build    func(ctx context.Context, b cliBuild) error
	log      func(string)
}

func (f finder) find(ctx context.Context) (string, error) {
	if f.explicit != "" {
		if _, err := versionOf(ctx, f.explicit); err != nil {
			return "", fmt.Errorf("%s=%s is no temporal CLI: %w", cliVariable, f.explicit, err)
		}
		return f.explicit, nil
	}
	if path := f.onPath(ctx); path != "" {
		return path, nil
	}
	return f.built(ctx)
}

// onPath gives the CLI on PATH if it is new enough. One that anybody may have
// put there is not even asked for its version.
func (f finder) onPath(ctx context.Context) string {
	path, err := f.lookPath("temporal")
	if err != nil {
		return ""
	}
	if why := openToOthers(path); why != "" {
		f.log(fmt.Sprintf("Passing over %s: %s.", path, why))
		return ""
	}
	v, err := versionOf(ctx, path)
	switch {
	case err != nil:
		f.log(fmt.Sprintf("Passing over %s: %v.", path, err))
	case v.older(minCLI):
		f.log(fmt.Sprintf("Passing over %s: it is version %s, and %s is needed.", path, v, minCLI))
	default:
		return path
	}
	return ""
}

// noCLI says what is missing and what to do.
func noCLI(missing string) error {
	return fmt.Errorf("no temporal CLI: %s. Do one of these: (1) install the CLI, version %s or newer, so that it is on PATH "+
		"(https://docs.temporal.io/cli); (2) set %s to its path; (3) install Go and have a cache folder, so that the pinned CLI can be built, "+
		"once", missing, minCLI, cliVariable)
}

// version is major, minor and patch.
type version [3]int

func (v version) older(than version) bool { return slices.Compare(v[:], than[:]) < 0 }

// String gives 1.5.0.
func (v version) String() string { return fmt.Sprintf("%d.%d.%d", v[0], v[1], v[2]) }

var plainVersion = regexp.MustCompile(`^v?\d+\.\d+\.\d+$`)

// parseVersion reads 1.5.0; a development build's is none.
func parseVersion(s string) (v version, ok bool) {
	if !plainVersion.MatchString(s) {
		return v, false
	}
	_, err := fmt.Sscanf(strings.TrimPrefix(s, "v"), "%d.%d.%d", &v[0], &v[1], &v[2])
	return v, err == nil
}

// versionOf runs `temporal --version`, which prints "temporal version 1.5.1
// (Server …)". A build without a version counts as 0.0.0.
func versionOf(ctx context.Context, path string) (version, error) {
	ctx, cancel := context.WithTimeout(ctx, versionLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, "--version")
	cmd.Env = withoutTemporal(os.Environ())
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	if err != nil {
		return version{}, fmt.Errorf("asking for its version: %w", err)
	}
	rest, ok := strings.CutPrefix(string(out), "temporal version ")
	if !ok {
		return version{}, errors.New("it does not answer --version as the temporal CLI does")
	}
	word, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
	v, _ := parseVersion(word)
	return v, nil
}
