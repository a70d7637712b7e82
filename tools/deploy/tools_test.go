package deploy

import (
	"context"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// tool is a program that is built from source once, at its pinned version, and
// kept in the user's cache beside the Temporal CLI.
type tool struct {
	name   string // in the cache, before the version
	module string // that has the program
	pkg    string // in the module; empty: its root
	in     string // folder of the module that pins it
}

var (
	serverTool = tool{name: "temporal-server", module: "go.temporal.io/server", pkg: "cmd/server", in: repo("tools")}
	sqlTool    = tool{name: "temporal-sql-tool", module: "go.temporal.io/server", pkg: "cmd/tools/sql", in: repo("tools")}
	s3Tool     = tool{name: "versitygw", module: "github.com/versity/versitygw", pkg: "cmd/versitygw", in: "."}
)

// path gives the program, and builds it if it is not there yet. A build that
// breaks off leaves nothing that could be taken for the program.
func (p tool) path(t *testing.T) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll(filepath.Join(cache, "ferry"), 0o700))
	version := strings.TrimPrefix(pinned(t, filepath.Join(p.in, "go.mod"), p.module), "v")
	out := filepath.Join(cache, "ferry", p.name+"-"+version)
	if _, err := os.Stat(out); err == nil {
		return out
	}
	t.Logf("Building %s; this takes minutes, once.", out)
	ctx, cancel := context.WithTimeout(t.Context(), buildLimit)
	defer cancel()
	half := filepath.Join(t.TempDir(), p.name)
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", half, path.Join(p.module, p.pkg))
	cmd.Dir = p.in
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	said, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", said)
	program, err := os.ReadFile(half)
	require.NoError(t, err)
	near, err := os.CreateTemp(filepath.Dir(out), filepath.Base(out)+".*.tmp")
	require.NoError(t, err)
	defer os.Remove(near.Name())
	_, err = near.Write(program)
	require.NoError(t, err)
	require.NoError(t, near.Chmod(0o755))
	require.NoError(t, near.Close())
	require.NoError(t, os.Rename(near.Name(), out))
	return out
}

// folder is where the module's source lies.
func (p tool) folder(t *testing.T) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", p.module)
	cmd.Dir = p.in
	out, err := cmd.Output()
	require.NoError(t, err)
	return strings.TrimSpace(string(out))
}

// temporalCLI is the one that is named, else the build that `make temporal-cli`
// keeps, else the one on PATH.
func temporalCLI(t *testing.T) string {
	t.Helper()
	if named := os.Getenv("FERRY_TEMPORAL_CLI"); named != "" {
		return named
	}
	cache, err := os.UserCacheDir()
	require.NoError(t, err)
	version := pinned(t, repo("tools", "go.mod"), "github.com/temporalio/cli")
	kept := filepath.Join(cache, "ferry", "temporal-"+strings.TrimPrefix(version, "v"))
	if _, err := os.Stat(kept); err == nil {
		return kept
	}
	found, err := exec.LookPath("temporal")
	require.NoError(t, err, "no Temporal CLI: run make temporal-cli")
	return found
}

// postgresFolder is where PostgreSQL's programs are; empty if it is not
// installed. Debian keeps them off PATH.
func postgresFolder() string {
	if found, err := exec.LookPath("initdb"); err == nil {
		if program, err := filepath.EvalSymlinks(found); err == nil {
			return filepath.Dir(program)
		}
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	slices.Sort(found)
	if len(found) == 0 {
		return ""
	}
	return filepath.Dir(found[len(found)-1])
}
