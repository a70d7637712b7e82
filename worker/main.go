// Command worker runs Ferry's workflows and activities until it is told to
// stop: SIGTERM or SIGINT drains it, a second one ends it at once.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/f0a90b9a/ferry/config"
	"github.com/f0a90b9a/ferry/internal/ferryworker"
)

// exitUnable is the exit code of a worker that could not run.
const exitUnable = 6

// exitUsage is the exit code of a wrong command line.
const exitUsage = 2

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // the second signal gets the default treatment
	command := newCommand()
	command.SetArgs(args)
	err := command.ExecuteContext(ctx)
	var wrong usageError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &wrong):
		fmt.Fprintf(os.Stderr, "worker: %v (see 'worker --help')\n", err)
		return exitUsage
	}
	// Joined errors have a line each.
	fmt.Fprintf(os.Stderr, "worker: %s\n", strings.ReplaceAll(err.Error(), "\n", "\n  "))
	return exitUnable
}

// usageError is a wrong command line.
type usageError struct{ error }

func newCommand() *cobra.Command {
	var file string
	command := &cobra.Command{
		Use:   "worker",
		Short: "Run Ferry's workflows and activities",
		Long: `Run Ferry's workflows and activities until SIGTERM or SIGINT, then drain.

The configuration is put together from defaults, a YAML file (--config or
FERRY_CONFIG), FERRY_* environment variables and the flags below, the later
over the earlier. Passwords and keys come from the file, the environment or
files of their own, never from flags. The connection to Temporal also
understands the SDK's TEMPORAL_* variables and profiles.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usageError{fmt.Errorf("unknown argument %q", args[0])}
			}
			return nil
		},
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := config.Load(config.Options{File: file, Flags: cmd.Flags()})
			if err != nil {
				return err
			}
			return ferryworker.Run(cmd.Context(), c, nil, c.Log.Logger(os.Stderr))
		},
	}
	command.Flags().StringVar(&file, "config", "", "configuration file (YAML)")
	config.AddFlags(command.Flags())
	command.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	return command
}
