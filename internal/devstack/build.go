package devstack

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"
)

// cliBuild says how to build the CLI.
type cliBuild struct {
	goTool  string // path of the go command
	module  string // folder of the tool module
	version string // to be stamped into it
	out     string
}

// built gives the cached build of the pinned version, and makes it if there is
// none. Two callers at once build once.
func (f finder) built(ctx context.Context, module, pinned string) (string, error) {
	if f.cache == "" {
		return "", noCLI("this user has no cache folder (HOME is not set) to keep a build in")
	}
	out := filepath.Join(f.cache, "temporal-"+pinned)
	if executable(out) {
		return out, nil
	}
	goTool, err := f.lookPath("go")
	if err != nil {
		return "", noCLI("it would be built from " + module + ", but there is no go command")
	}
	if err := os.MkdirAll(f.cache, 0o755); err != nil {
		return "", fmt.Errorf("cache of the temporal CLI: %w", err)
	}
	unlock, err := lockFile(ctx, out+".lock", func() {
		f.log("Another process is building the Temporal CLI; waiting for it.")
	})
	if err != nil {
		return "", fmt.Errorf("cache of the temporal CLI: %w", err)
	}
	defer unlock()
	if executable(out) {
		return out, nil
	}
	f.log(fmt.Sprintf("Building the Temporal CLI %s; this takes some minutes, once. It is kept as %s.", pinned, out))
	return out, f.buildInto(ctx, cliBuild{goTool: goTool, module: module, version: pinned, out: out})
}

// buildInto builds under another name first, so that a broken-off build is
// never taken for a CLI.
func (f finder) buildInto(ctx context.Context, b cliBuild) error {
	out := b.out
	b.out = fmt.Sprintf("%s.%d.tmp", out, os.Getpid())
	defer os.Remove(b.out)
	if err := f.build(ctx, b); err != nil {
		return fmt.Errorf("build the temporal CLI from %s: %w", b.module, err)
	}
	if err := os.Rename(b.out, out); err != nil {
		return fmt.Errorf("cache of the temporal CLI: %w", err)
	}
	return nil
}

// buildCLI runs go build.
func buildCLI(ctx context.Context, b cliBuild) error {
	var output tail
	cmd := exec.CommandContext(ctx, b.goTool, "build", "-trimpath", "-o", b.out,
		"-ldflags", "-s -w -X "+cliModule+"/temporalcli.Version="+b.version, cliPackage)
	cmd.Dir = b.module
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=-mod=readonly")
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

func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}
