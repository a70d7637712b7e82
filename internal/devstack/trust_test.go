package devstack

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// plantedTree is a shared folder that somebody has prepared: a tool module of
// another CLI, a workspace, and a CLI.
func plantedTree(t *testing.T) (work string) {
	t.Helper()
	tree := t.TempDir()
	work = filepath.Join(tree, "a", "b")
	mkdir(t, work)
	write := func(name, text string) {
		path := filepath.Join(tree, name)
		mkdir(t, filepath.Dir(path))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	write("tools/go.mod", "module x/tools\n\ntool github.com/temporalio/cli/cmd/temporal\n\nrequire github.com/temporalio/cli v1.9.9\n\n"+
		"replace github.com/temporalio/cli => ./planted\n")
	write("tools/planted/cmd/temporal/main.go", "package main\n\nfunc main() { panic(\"planted\") }\n")
	write("go.work", "go 1.26\n\nuse ./tools\n")
	script(t, work, "temporal", `echo "temporal version 9.9.9 (Server 1, UI 1)"`)
	script(t, work, "go", "exit 1")
	return work
}

// Whatever lies in the working directory or above it, only the module that
// this program carries is built: by a real process, with a stand-in for go that
// writes down what it is asked.
func TestNothingOfTheWorkingDirectoryIsBuiltOrRun(t *testing.T) {
	t.Parallel()
	work, bin, home := plantedTree(t), t.TempDir(), t.TempDir()
	said := filepath.Join(t.TempDir(), "said")
	mkdir(t, said)
	script(t, bin, "go", strings.ReplaceAll(`
pwd >SAID/pwd; env >SAID/env; cat go.mod >SAID/mod; cat go.sum >SAID/sum; ls >SAID/ls
echo "$@" >SAID/args
echo "#!/bin/sh" >"$5"`, "SAID", said))
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Dir = work
	cmd.Env = []string{
		parentVariable + "=find", "HOME=" + home, "XDG_CACHE_HOME=" + filepath.Join(home, "cache"),
		"PATH=.:" + bin + ":/usr/bin:/bin", "GOFLAGS=-toolexec=" + filepath.Join(work, "go"),
		"GOWORK=" + filepath.Join(work, "go.work"), "GO111MODULE=off", "GOOS=plan9",
	}
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	require.NoError(t, err)

	require.Equal(t, filepath.Join(home, "cache", "ferry", "temporal-"+embeddedModule().version), strings.TrimSpace(string(out)))
	told := func(name string) string {
		text, err := os.ReadFile(filepath.Join(said, name))
		require.NoError(t, err)
		return string(text)
	}
	require.Equal(t, string(pinnedMod), told("mod"))
	require.Equal(t, string(pinnedSum), told("sum"))
	require.Equal(t, "go.mod\ngo.sum\n", told("ls"), "nothing else takes part")
	require.Contains(t, told("pwd"), filepath.Join(home, "cache", "ferry"))
	for _, setting := range []string{"GOFLAGS=-mod=readonly", "GOWORK=off", "GO111MODULE=on", "GOOS=" + runtime.GOOS} {
		require.Contains(t, "\n"+told("env"), "\n"+setting+"\n")
	}
	require.NotContains(t, told("args"), "9.9.9")
	info, err := os.Stat(filepath.Join(home, "cache", "ferry"))
	require.NoError(t, err)
	require.EqualValues(t, 0o700, info.Mode().Perm())
}

// The copies that go:embed needs are generated; nothing else holds them to
// their sources.
func TestThePinnedModuleIsTheToolModule(t *testing.T) {
	t.Parallel()
	for name, copied := range map[string][]byte{"go.mod": pinnedMod, "go.sum": pinnedSum} {
		source, err := os.ReadFile(filepath.Join("..", "..", "tools", name))
		require.NoError(t, err)
		require.Equal(t, string(source), string(copied), "run make generate")
	}
	require.Regexp(t, `^\d+\.\d+\.\d+$`, embeddedModule().version)
}

// A kept build is run only if it is byte for byte what was built here.
func TestAKeptBuildThatIsNotWhatWasBuiltIsBuiltAnew(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(t *testing.T, b *finderBundle, program string){
		"other bytes": func(t *testing.T, _ *finderBundle, program string) {
			t.Helper()
			require.NoError(t, os.WriteFile(program, []byte("planted"), 0o700))
		},
		"no record": func(t *testing.T, _ *finderBundle, program string) {
			t.Helper()
			require.NoError(t, os.Remove(recordOf(program)))
		},
		"a record of something else": func(t *testing.T, _ *finderBundle, program string) {
			t.Helper()
			require.NoError(t, os.WriteFile(recordOf(program), []byte(`{"version":"1.5.1"}`), 0o600))
		},
		"no JSON": func(t *testing.T, _ *finderBundle, program string) {
			t.Helper()
			require.NoError(t, os.WriteFile(recordOf(program), []byte("yes"), 0o600))
		},
		"others may write to it": func(t *testing.T, _ *finderBundle, program string) {
			t.Helper()
			require.NoError(t, os.Chmod(program, 0o777))
		},
		"others may write to the record": func(t *testing.T, _ *finderBundle, program string) {
			t.Helper()
			require.NoError(t, os.Chmod(recordOf(program), 0o666))
		},
		"a link": func(t *testing.T, b *finderBundle, program string) {
			t.Helper()
			other := filepath.Join(b.bin, "other")
			require.NoError(t, os.Rename(program, other))
			require.NoError(t, os.Symlink(other, program))
		},
		"another module": func(_ *testing.T, b *finderBundle, _ string) { b.module.sum = []byte("other sums") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setupFinder(t)
			program := b.withBuild(t)
			again, err := b.find(t.Context())
			require.NoError(t, err)
			require.Equal(t, program, again)
			require.EqualValues(t, 1, b.built.Load(), "what is as it was built is taken")

			spoil(t, b, program)
			again, err = b.find(t.Context())
			require.NoError(t, err)
			require.Equal(t, program, again)
			require.EqualValues(t, 2, b.built.Load())
			require.Contains(t, strings.Join(b.lines, "\n"), "Passing over "+program)
			require.NoError(t, checkKept(program, b.module))
		})
	}
}

func TestACacheThatOthersMayHaveWrittenToIsRefused(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(t *testing.T, b *finderBundle){
		"anybody writes": func(t *testing.T, b *finderBundle) {
			t.Helper()
			require.NoError(t, os.Chmod(mkdir(t, b.cache), 0o777))
		},
		"the group writes": func(t *testing.T, b *finderBundle) {
			t.Helper()
			require.NoError(t, os.Chmod(mkdir(t, b.cache), 0o770))
		},
		"anybody writes above": func(t *testing.T, b *finderBundle) {
			t.Helper()
			mkdir(t, b.cache)
			require.NoError(t, os.Chmod(filepath.Dir(b.cache), 0o777))
		},
		"a link": func(t *testing.T, b *finderBundle) {
			t.Helper()
			require.NoError(t, os.Symlink(t.TempDir(), b.cache))
		},
		"a file": func(t *testing.T, b *finderBundle) {
			t.Helper()
			require.NoError(t, os.WriteFile(b.cache, nil, 0o600))
		},
		"another's": func(t *testing.T, b *finderBundle) {
			t.Helper()
			if os.Geteuid() != 0 {
				t.Skip("only root can give a folder away")
			}
			require.NoError(t, os.Chown(mkdir(t, b.cache), 65534, 65534))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setupFinder(t)
			script(t, b.bin, "go", "")
			spoil(t, b)
			_, err := b.find(t.Context())
			require.ErrorContains(t, err, b.cache+" is refused")
			require.ErrorContains(t, err, "FERRY_TEMPORAL_CLI")
			require.Zero(t, b.built.Load())
		})
	}
}

// Folders of earlier versions could be read by others, which did no harm.
func TestACacheThatOthersMayReadIsClosed(t *testing.T) {
	t.Parallel()
	b := setupFinder(t)
	require.NoError(t, os.Mkdir(b.cache, 0o755))
	b.withBuild(t)
	info, err := os.Stat(b.cache)
	require.NoError(t, err)
	require.EqualValues(t, 0o700, info.Mode().Perm())
}

// A program in a folder that anybody may write to is anybody's.
func TestProgramsThatAnybodyMayHavePutOnPathAreNotRun(t *testing.T) {
	t.Parallel()
	b := setupFinder(t)
	kept := b.withBuild(t)
	ran := filepath.Join(t.TempDir(), "ran")
	script(t, b.bin, "temporal", "touch "+ran)
	require.NoError(t, os.Chmod(b.bin, 0o777))
	path, err := b.find(t.Context())
	require.NoError(t, err)
	require.Equal(t, kept, path)
	require.NoFileExists(t, ran)
	require.Contains(t, strings.Join(b.lines, "\n"), "every user of this machine may write to "+b.bin)

	require.NoError(t, os.Remove(kept))
	_, err = b.find(t.Context())
	require.ErrorContains(t, err, "which is not to be trusted", "nor is a go command")
	require.EqualValues(t, 1, b.built.Load())

	b.lookPath = func(name string) (string, error) { return filepath.Join("bin", name), nil }
	_, err = b.find(t.Context())
	require.ErrorContains(t, err, "not absolute")
	require.NoFileExists(t, ran)
}

func TestOpenToOthers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	open := filepath.Join(dir, "open")
	require.NoError(t, os.Mkdir(open, 0o700))
	inside := script(t, open, "program", "")
	require.Empty(t, openToOthers(inside))
	link := filepath.Join(dir, "link")
	require.NoError(t, os.Symlink(inside, link))
	require.Empty(t, openToOthers(link))

	require.NoError(t, os.Chmod(open, 0o777|os.ModeSticky))
	require.Empty(t, openToOthers(inside), "only its owner can replace it")
	require.NoError(t, os.Chmod(open, 0o777))
	require.Contains(t, openToOthers(inside), "may write to "+open)
	require.Contains(t, openToOthers(link), "may write to "+open)
	require.NoError(t, os.Chmod(open, 0o700))
	require.NoError(t, os.Chmod(inside, 0o777))
	require.Contains(t, openToOthers(inside), "may write to "+inside)
	require.NotEmpty(t, openToOthers(filepath.Join(dir, "missing")))
}

// playFinder finds a CLI as the demo does.
func playFinder(ctx context.Context) (string, error) {
	return FindTemporalCLI(ctx, func(line string) { _, _ = os.Stderr.WriteString(line + "\n") })
}

func TestCheckFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, CheckFolder(dir))
	require.NoError(t, os.Chmod(dir, 0o777))
	require.ErrorContains(t, CheckFolder(dir), "others may write to it")
	require.Error(t, CheckFolder(filepath.Join(dir, "missing")))
}
