package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/f0a90b9a/ferry/internal/cli/view"
	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/operator"
)

// The exit codes, a contract with users' scripts.
const (
	exitOK          = 0 // all migrated, started, dry run
	exitFailures    = 1 // finished with failures
	exitUsage       = 2
	exitRejected    = 3 // by validation
	exitLimit       = 4 // stopped by an error limit
	exitAborted     = 5
	exitUnable      = 6 // could not run
	exitRefused     = 7 // refused in this state
	exitInterrupted = 130
)

// resultCodes are the exit codes of commands that wait for a migration's end.
var resultCodes = map[migration.Result]int{
	migration.Completed:             exitOK,
	migration.DryRun:                exitOK,
	migration.CompletedWithFailures: exitFailures,
	migration.Rejected:              exitRejected,
	migration.StoppedByLimit:        exitLimit,
	migration.Aborted:               exitAborted,
	migration.Interrupted:           exitAborted,
	migration.NotStarted:            exitUnable,
}

// problem is an end that a user has to read about: what it is about, what is
// wrong and what to do.
type problem struct {
	code   int
	thing  string
	remedy string
	err    error
}

// Error gives the parts that there are.
func (p *problem) Error() string {
	text := p.err.Error()
	if p.thing != "" {
		text = p.thing + ": " + text
	}
	if p.remedy != "" {
		text += " (" + p.remedy + ")"
	}
	return text
}

func (p *problem) Unwrap() error { return p.err }

func usagef(format string, args ...any) error {
	return &problem{code: exitUsage, err: fmt.Errorf(format, args...)}
}

// resultError ends a command with a result's exit code and no message: the
// summary has said it.
type resultError migration.Result

func (r resultError) Error() string { return string(r) }

// resultEnd is the end of a command that waited for s.
func resultEnd(s migration.Summary) error {
	if resultCodes[s.Result] == exitOK && s.Result != "" {
		return nil
	}
	return resultError(s.Result)
}

// end is how a command line ends.
type end struct {
	code int
	err  error // nil: nothing to say
}

// endOf maps every error to an exit code. It is the only place that does.
func endOf(ctx context.Context, err error) end {
	var result resultError
	var own *problem
	var interrupted *operator.InterruptedError
	switch {
	case errors.As(err, &result):
		code, known := resultCodes[migration.Result(result)]
		if !known {
			return end{exitUnable, fmt.Errorf("the migration ended with an unknown result %q", string(result))}
		}
		return end{code: code}
	case errors.As(err, &own):
		return end{own.code, err}
	case ctx.Err() != nil:
		return end{exitInterrupted, nil}
	case errors.Is(err, operator.ErrRefused):
		return end{exitRefused, err}
	case errors.As(err, &interrupted):
		return end{exitAborted, err}
	}
	return end{exitUnable, withRemedy(err)}
}

// withRemedy adds what to do where the kind of error tells.
func withRemedy(err error) error {
	remedy := ""
	var failed *operator.FailedError
	switch f, is := fault.As(err); {
	case errors.Is(err, operator.ErrNoWorker):
		remedy = howToStartAWorker
	case errors.Is(err, operator.ErrUnknown):
		remedy = "see 'ferry list'"
	case errors.As(err, &failed):
		if !strings.HasSuffix(failed.Message, ")") { // else it says one itself
			remedy = remedies[failed.Code]
		}
	case is:
		remedy = remedies[f.Code]
	case errors.Is(err, context.DeadlineExceeded):
		remedy = "no answer in time; try again"
	}
	if remedy == "" {
		return err
	}
	return &problem{err: err, remedy: remedy}
}

// howToStartAWorker is for whoever has to bring one back, wherever workers run.
const howToStartAWorker = "start one, the program ferry-worker, or see why its pods don't run; it needs the same Temporal address, namespace and task queue"

// remedies says what to do about codes with which a start is refused.
var remedies = map[string]string{
	fault.CodeFileNameUsed:    "a file name is good once; copy it under a new name",
	fault.CodeMigrationIDUsed: "choose another --id",
	fault.CodeRouteUnknown:    "see 'ferry route NAME'",
	fault.CodeUnauthorized:    "check target.username and target.password",
}

// message is what stderr gets; empty if there is nothing to say.
func (e end) message(command string) string {
	if e.err == nil {
		return ""
	}
	// Joined errors have a line each.
	text := "ferry: " + strings.ReplaceAll(view.PlainLines(strings.TrimSpace(e.err.Error())), "\n", "\n  ")
	if e.code == exitUsage {
		text += fmt.Sprintf("\nsee '%s --help'", command)
	}
	return text
}
