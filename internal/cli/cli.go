// Package cli is the `ferry` command line: it reads arguments, calls the
// packages that do the work, writes for people or for scripts, and turns every
// end into an exit code. Only the starter program calls it. It holds no rule
// of a migration.
package cli

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/user"
	"strings"

	"golang.org/x/term"

	"github.com/f0a90b9a/ferry/internal/cli/view"
)

// Streams are what a command reads and writes, and the environment that it
// sees.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
	Env      []string // as os.Environ gives it
	// OutTerminal and ErrTerminal say whether a person looks at them,
	// InTerminal whether one can be asked.
	InTerminal, OutTerminal, ErrTerminal bool
}

// OSStreams are the process's own.
func OSStreams() Streams {
	return Streams{
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Env: os.Environ(),
		InTerminal:  isTerminal(os.Stdin),
		OutTerminal: isTerminal(os.Stdout),
		ErrTerminal: isTerminal(os.Stderr),
	}
}

// isTerminal passes over terminals without a size, on which a bar would stay
// invisible.
func isTerminal(f *os.File) bool {
	width, height, err := term.GetSize(int(f.Fd()))
	return err == nil && width > 0 && height > 0
}

// Run runs one command line and gives its exit code. The end of ctx is an
// interruption by the user.
func Run(ctx context.Context, args []string, s Streams) int {
	return run(ctx, args, &app{Streams: s, connect: connect})
}

func run(ctx context.Context, args []string, a *app) int {
	root := newRoot(a)
	root.SetArgs(args)
	root.SetIn(a.In)
	root.SetOut(a.Out)
	root.SetErr(a.Err)
	command, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	end := endOf(ctx, err)
	if message := end.message(command.CommandPath()); message != "" {
		_, _ = io.WriteString(a.Err, message+"\n")
	}
	return end.code
}

// app is what all commands share.
type app struct {
	Streams
	connect    connector
	configFile string
	json       bool
}

// env looks a variable up.
func (a *app) env(name string) string {
	for _, entry := range a.Env {
		if value, ok := strings.CutPrefix(entry, name+"="); ok {
			return value
		}
	}
	return ""
}

// color reports whether a stream may have colours: https://no-color.org.
func (a *app) color(terminal bool) bool {
	return terminal && a.env("NO_COLOR") == "" && a.env("TERM") != "dumb"
}

func (a *app) style() view.Style { return view.Style{Color: a.color(a.OutTerminal)} }

// progress shows a running migration on stderr.
func (a *app) progress() view.Progress {
	return view.NewProgress(a.Err, a.ErrTerminal && a.env("TERM") != "dumb")
}

// notef writes to stderr. What comes from elsewhere in it can't act on the
// terminal.
func (a *app) notef(format string, args ...any) {
	_, _ = io.WriteString(a.Err, view.PlainLines(fmt.Sprintf(format, args...)))
}

// quiet drops the SDKs' own messages: what a command has to say, it says
// itself.
func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// userName is who the audit trail names if --by doesn't. The user of a container
// has no name, often: a number and the container's name tell who it was all the
// same.
func (a *app) userName() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return a.envUser()
}

func (a *app) envUser() string {
	for _, name := range []string{"USER", "LOGNAME"} {
		if value := strings.TrimSpace(a.env(name)); value != "" {
			return value
		}
	}
	host, err := os.Hostname()
	if err != nil {
		host = "an unnamed machine"
	}
	return fmt.Sprintf("user %d on %s", os.Getuid(), host)
}
