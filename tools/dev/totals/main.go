// Command totals runs tests and closes with their totals.
//
// It is given one or more `go test -json` commands, parted by "--", runs them
// one after the other, prints a line for each package and all that failing
// tests had to say, and ends with "N passed, N failed", subtests counted as
// tests. A package that can't be built, a test that never came to its end and a
// command that fails for a reason of its own count as failed. The exit code is
// 0 only if something passed and nothing failed. The Makefile calls it; it
// never decides what is tested.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

// patience is how long an interrupted command may take to end.
const patience = 10 * time.Second

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run gives the exit code.
func run(ctx context.Context, args []string, out, errOut io.Writer) int {
	commands, err := split(args)
	if err != nil {
		fmt.Fprintf(errOut, "totals: %v\n", err)
		return 2
	}
	began := time.Now()
	r := newReport(out)
	for _, command := range commands {
		if err := r.command(ctx, command, errOut); err != nil {
			fmt.Fprintf(out, "FAIL\t%s: %v\n", strings.Join(command, " "), err)
		}
	}
	return r.close(time.Since(began))
}

// split parts the commands.
func split(args []string) ([][]string, error) {
	var commands [][]string
	for len(args) > 0 {
		end := slices.Index(args, "--")
		if end < 0 {
			end = len(args)
		}
		if end == 0 {
			return nil, errors.New("an empty command between two --")
		}
		commands = append(commands, args[:end])
		args = args[min(end+1, len(args)):]
	}
	if len(commands) == 0 {
		return nil, errors.New("no command: totals go test -json ./... [-- go test -json ./more/...]")
	}
	return commands, nil
}

// command runs one command and takes its events in. The error says why the
// command failed if no event did; it is counted then.
func (r *report) command(ctx context.Context, args []string, errOut io.Writer) error {
	before := r.failed
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Stderr = errOut
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // go test ends its tests then
	cmd.WaitDelay = patience
	stdout, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err == nil {
		// Wait closes the pipe, so reading comes first.
		err = errors.Join(r.read(stdout), cmd.Wait())
	}
	r.abandon()
	if err == nil || r.failed > before {
		return nil
	}
	r.failed++
	return err
}
