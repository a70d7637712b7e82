package devstack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// script writes an executable shell script. A process of its own does the
// writing: a file that this one had open for writing might still be open in
// another test's fork when it is to be run.
func script(t *testing.T, dir, name, body string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	cmd := exec.CommandContext(t.Context(), "sh", "-c", `cat >"$1" && chmod +x "$1"`, "sh", path)
	cmd.Stdin = strings.NewReader("#!/bin/sh\n" + body + "\n")
	require.NoError(t, cmd.Run())
	return path
}

func fakeCLI(t *testing.T, dir, version string) string {
	t.Helper()
	return script(t, dir, "temporal", `echo "temporal version `+version+` (Server 1.29.1, UI 2.42.1)"`)
}

type finderBundle struct {
	finder
	bin   string // what is on PATH
	lines []string
	built atomic.Int32
}

func setupFinder(t *testing.T) *finderBundle {
	t.Helper()
	b := &finderBundle{bin: t.TempDir()}
	var mu sync.Mutex
	b.finder = finder{
		cache:  filepath.Join(t.TempDir(), "ferry"),
		module: pinnedModule{mod: []byte("module x"), sum: []byte("sums"), version: "1.5.1"},
		lookPath: func(name string) (string, error) {
			return exec.LookPath(filepath.Join(b.bin, name))
		},
		build: func(_ context.Context, c cliBuild) error {
			n := b.built.Add(1)
			return os.WriteFile(c.out, fmt.Appendf(nil, "build %d of %s", n, c.version), 0o700)
		},
		log: func(line string) { mu.Lock(); b.lines = append(b.lines, line); mu.Unlock() },
	}
	return b
}

// withBuild has the CLI built and kept, and gives its path.
func (b *finderBundle) withBuild(t *testing.T) string {
	t.Helper()
	script(t, b.bin, "go", "")
	path, err := b.find(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 1, b.built.Load())
	b.lines = nil
	return path
}

func TestFindTakesTheNamedCLI(t *testing.T) {
	t.Parallel()
	b := setupFinder(t)
	b.explicit = fakeCLI(t, t.TempDir(), "0.0.0-DEV")
	fakeCLI(t, b.bin, "1.6.0")
	path, err := b.find(t.Context())
	require.NoError(t, err)
	require.Equal(t, b.explicit, path)
}

func TestFindRefusesANamedFileThatIsNoCLI(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, path := range map[string]string{
		"missing":      filepath.Join(dir, "nothing"),
		"fails":        script(t, dir, "fails", "exit 1"),
		"other answer": script(t, dir, "other", "echo hello"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setupFinder(t)
			b.explicit = path
			_, err := b.find(t.Context())
			require.ErrorContains(t, err, "FERRY_TEMPORAL_CLI="+path)
		})
	}
}

func TestFindTakesANewEnoughCLIFromPath(t *testing.T) {
	t.Parallel()
	for answer, taken := range map[string]bool{
		"1.5.0": true, "1.5.1": true, "1.10.0": true, "2.0.0": true,
		"1.4.9": false, "0.13.2": false, "0.0.0-DEV": false,
	} {
		t.Run(answer, func(t *testing.T) {
			t.Parallel()
			b := setupFinder(t)
			cached := b.withBuild(t)
			onPath := fakeCLI(t, b.bin, answer)
			path, err := b.find(t.Context())
			require.NoError(t, err)
			if taken {
				require.Equal(t, onPath, path)
				require.Empty(t, b.lines)
				return
			}
			require.Equal(t, cached, path)
			require.Len(t, b.lines, 1)
			require.Contains(t, b.lines[0], "Passing over "+onPath)
		})
	}
}

func TestFindBuildsOnce(t *testing.T) {
	t.Parallel()
	b := setupFinder(t)
	script(t, b.bin, "go", "")
	paths := make([]string, 8)
	errs := make([]error, len(paths))
	var all sync.WaitGroup
	for i := range paths {
		all.Go(func() { paths[i], errs[i] = b.find(t.Context()) })
	}
	all.Wait()
	require.NoError(t, errors.Join(errs...))
	for _, path := range paths {
		require.Equal(t, filepath.Join(b.cache, "temporal-1.5.1"), path)
	}
	require.EqualValues(t, 1, b.built.Load())
	text, err := os.ReadFile(paths[0])
	require.NoError(t, err)
	require.Equal(t, "build 1 of 1.5.1", string(text))
	require.Contains(t, strings.Join(b.lines, "\n"), "this takes some minutes, once. It is kept as "+paths[0])
}

func TestFindLeavesNothingOfABrokenBuild(t *testing.T) {
	t.Parallel()
	b := setupFinder(t)
	script(t, b.bin, "go", "")
	broken := errors.New("no space left")
	b.build = func(_ context.Context, c cliBuild) error {
		require.NoError(t, os.WriteFile(c.out, []byte("half"), 0o700))
		return broken
	}
	_, err := b.find(t.Context())
	require.ErrorIs(t, err, broken)
	left, err := os.ReadDir(b.cache)
	require.NoError(t, err)
	require.Len(t, left, 1)
	require.Equal(t, "temporal-1.5.1.lock", left[0].Name())
}

func TestFindNamesTheWaysOut(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*finderBundle){
		"no go":          func(*finderBundle) {},
		"no cache":       func(b *finderBundle) { b.cache = "" },
		"relative cache": func(b *finderBundle) { b.cache = "cache" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setupFinder(t)
			spoil(b)
			_, err := b.find(t.Context())
			require.ErrorContains(t, err, "FERRY_TEMPORAL_CLI")
			require.ErrorContains(t, err, "on PATH")
			require.ErrorContains(t, err, "install Go")
		})
	}
}

// The error of a real build has the compiler's words.
func TestBuildSaysWhatGoSaid(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	goTool := script(t, dir, "go", `echo "cannot find module" >&2; exit 1`)
	err := buildCLI(t.Context(), cliBuild{goTool: goTool, module: dir, version: "1.5.1", out: filepath.Join(dir, "out")})
	require.ErrorContains(t, err, "cannot find module")

	goTool = script(t, mkdir(t, filepath.Join(dir, "good")), "go", `printf '%s|' "$@" >args; touch "$5"`)
	out := filepath.Join(dir, "out")
	require.NoError(t, buildCLI(t.Context(), cliBuild{goTool: goTool, module: dir, version: "1.5.1", out: out}))
	require.FileExists(t, out)
	args, err := os.ReadFile(filepath.Join(dir, "args"))
	require.NoError(t, err)
	require.Contains(t, string(args), "temporalcli.Version=1.5.1|github.com/temporalio/cli/cmd/temporal|")
}

func mkdir(t *testing.T, dir string) string {
	t.Helper()
	require.NoError(t, os.MkdirAll(dir, 0o700))
	return dir
}
