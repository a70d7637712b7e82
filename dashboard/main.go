// Command dashboard serves Ferry's web page until it is told to stop: SIGTERM
// or SIGINT ends it in good order, a second one at once. It is `ferry
// dashboard` as a program of its own.
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
	"github.com/f0a90b9a/ferry/internal/dashboard"
)

// exitUnable is the exit code of a dashboard that could not run.
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
		fmt.Fprintf(os.Stderr, "dashboard: %v (see 'dashboard --help')\n", err)
		return exitUsage
	}
	// Joined errors have a line each.
	fmt.Fprintf(os.Stderr, "dashboard: %s\n", strings.ReplaceAll(err.Error(), "\n", "\n  "))
	return exitUnable
}

// usageError is a wrong command line.
type usageError struct{ error }

func newCommand() *cobra.Command {
	var file string
	command := &cobra.Command{
		Use:   "dashboard",
		Short: "Serve Ferry's web page",
		Long: `Serve Ferry's web page until SIGTERM or SIGINT. /livez and /readyz tell of its
health on the same address.

The configuration is put together from defaults, a YAML file (--config or
FERRY_CONFIG), FERRY_* environment variables and the flags below, the later
over the earlier. It needs s3.work_bucket, and dashboard.users_file unless it
listens on loopback alone.`,
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
			return dashboard.Run(cmd.Context(), dashboard.RunOptions{Config: c, Log: c.Log.Logger(os.Stderr)})
		},
	}
	command.Flags().StringVar(&file, "config", "", "configuration file (YAML)")
	config.AddFlags(command.Flags(), "temporal.", "s3.", "log.", "dashboard.")
	command.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	return command
}
