package devstack

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"
)

// cliBuild says how to build the CLI.
type cliBuild struct {
	goTool  string // path of the go command
	module  string // folder with the pinned module and nothing else
	version string // to be stamped into it
	out     string
}

// workPrefix begins the names of folders in which a build is under way.
const workPrefix = "build-"

// built gives the kept build of the pinned module, and makes it if there is
// none that can be trusted. Two callers at once build once.
func (f finder) built(ctx context.Context) (string, error) {
	if !filepath.IsAbs(f.cache) {
		return "", noCLI("this user has no cache folder (HOME is not set) to keep a build in")
	}
	if err := openCache(f.cache); err != nil {
		return "", err
	}
	program := filepath.Join(f.cache, "temporal-"+f.module.version)
	if checkKept(program, f.module) == nil {
		return program, nil
	}
	goTool, err := f.goTool()
	if err != nil {
		return "", err
	}
	unlock, err := lockFile(ctx, program+".lock", func() {
		f.log("Another process is building the Temporal CLI; waiting for it.")
	})
	if err != nil {
		return "", fmt.Errorf("cache of the temporal CLI: %w", err)
	}
	defer unlock()
	switch err := checkKept(program, f.module); {
	case err == nil:
		return program, nil
	case !errors.Is(err, fs.ErrNotExist):
		f.log(fmt.Sprintf("Passing over %s: %v.", program, err))
	}
	f.log(fmt.Sprintf("Building the Temporal CLI %s; this takes some minutes, once. It is kept as %s.", f.module.version, program))
	return program, f.buildInto(ctx, goTool, program)
}

// goTool finds the go command.
func (f finder) goTool() (string, error) {
	path, err := f.lookPath("go")
	if err != nil {
		return "", noCLI("it would be built from the module that Ferry carries, but there is no go command")
	}
	if why := openToOthers(path); why != "" {
		return "", noCLI(fmt.Sprintf("it would be built with %s, which is not to be trusted: %s", path, why))
	}
	return path, nil
}

// buildInto builds in a folder of its own, so that a broken-off build is never
// taken for a CLI, and nothing but the pinned module has a say in it.
func (f finder) buildInto(ctx context.Context, goTool, program string) error {
	f.sweep()
	work, err := os.MkdirTemp(f.cache, workPrefix)
	if err != nil {
		return fmt.Errorf("cache of the temporal CLI: %w", err)
	}
	defer os.RemoveAll(work)
	if err := f.module.writeTo(work); err != nil {
		return err
	}
	out := filepath.Join(work, "temporal")
	if err := f.build(ctx, cliBuild{goTool: goTool, module: work, version: f.module.version, out: out}); err != nil {
		return fmt.Errorf("build the temporal CLI: %w", err)
	}
	if err := keep(out, program, f.module); err != nil {
		return fmt.Errorf("cache of the temporal CLI: %w", err)
	}
	return nil
}

// sweep removes what builds left that were killed. The lock is held.
func (f finder) sweep() {
	left, _ := filepath.Glob(filepath.Join(f.cache, workPrefix+"*"))
	for _, dir := range left {
		_ = os.RemoveAll(dir)
	}
}

// buildCLI runs go build in the folder of the pinned module, whatever the
// working directory and the environment say of workspaces, flags and modules.
func buildCLI(ctx context.Context, b cliBuild) error {
	var output tail
	cmd := exec.CommandContext(ctx, b.goTool, "build", "-trimpath", "-buildvcs=false", "-o", b.out,
		"-ldflags", "-s -w -X "+cliModule+"/temporalcli.Version="+b.version, cliPackage)
	cmd.Dir = b.module
	cmd.Env = append(os.Environ(), "PWD="+b.module, "CGO_ENABLED=0", "GOWORK=off", "GO111MODULE=on", "GOFLAGS=-mod=readonly",
		"GOOS="+runtime.GOOS, "GOARCH="+runtime.GOARCH)
	cmd.Stdout, cmd.Stderr = &output, &output
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // go ends its compilers then
	cmd.WaitDelay = 5 * time.Second
	dieWithParent(cmd)
	runtime.LockOSThread() // see run
	defer runtime.UnlockOSThread()
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("go build: %w; %s", err, &output)
	}
	return nil
}
