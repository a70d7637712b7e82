package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/f0a90b9a/ferry/config"
	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/objectstore"
	"github.com/f0a90b9a/ferry/internal/operator"
	"github.com/f0a90b9a/ferry/workflows"
)

// startFlags are the flags of start.
type startFlags struct {
	id, route, upload string
	wait, dryRun      bool
	overrides         overrides
}

func newStart(a *app) *cobra.Command {
	var f startFlags
	command := &cobra.Command{
		Use:   "start [s3://BUCKET/KEY] --route ROUTE",
		Short: "Start the migration of a file",
		Long: `Start the migration of a file in S3. What no flag says comes from the worker's
configuration. A file name is good once per target environment.

With --upload the local file is put into the bucket first: at the place given,
or at input/<name> in the work bucket.`,
		Example: `  ferry start s3://partner/input/acme-1.json --route acme-nova --wait
  ferry start --upload acme-1.json --route acme-nova --dry-run`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 && f.upload == "" {
				return usagef("s3://BUCKET/KEY or --upload FILE is missing")
			}
			if len(args) > 1 {
				return usagef("unknown argument %q", args[1])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return a.start(cmd, args, f) },
	}
	flags := command.Flags()
	flags.StringVar(&f.route, "route", "", "route to migrate on (required)")
	flags.StringVar(&f.id, "id", "", "migration id (default: from the file's name and place)")
	flags.StringVar(&f.upload, "upload", "", "local file to put into the bucket first")
	flags.BoolVar(&f.wait, "wait", false, "follow it to its end; the exit code is its result")
	flags.BoolVar(&f.dryRun, "dry-run", false, "check and plan only; nothing is sent to the target")
	f.overrides.addFlags(flags)
	return command
}

func (a *app) start(cmd *cobra.Command, args []string, f startFlags) error {
	if f.route == "" {
		return usagef("--route is missing")
	}
	if f.id != "" && !migration.ValidID(f.id) {
		return usagef("migration id %q must match %s", f.id, migration.IDPattern)
	}
	in := workflows.MigrateFileInput{Route: f.route, DryRun: f.dryRun}
	if err := f.overrides.apply(cmd.Flags(), &in); err != nil {
		return err
	}
	c, err := a.loadConfig(cmd)
	if err != nil {
		return err
	}
	loc, err := sourceOf(c, args, f.upload)
	if err != nil {
		return err
	}
	in.File = loc.String()
	if err := in.Check(); err != nil {
		return usagef("%w", err)
	}
	id := f.id
	if id == "" {
		id = operator.NewID(in, time.Now())
	}
	ctx := cmd.Context()
	n, err := a.connect(ctx, c, a.Env)
	if err != nil {
		return err
	}
	defer n.close()
	again, err := checkUnused(ctx, n, id)
	if err != nil {
		return err
	}
	if err := a.provide(ctx, n, loc, f.upload); err != nil {
		return err
	}
	a.warnNoWorker(ctx, n)
	runID, err := launch(ctx, n, id, in, again)
	if err != nil {
		return err
	}
	return a.started(ctx, n, id, runID, in, f.wait)
}

// launch starts the workflow; again says that a failed run of the id is there.
func launch(ctx context.Context, n *connection, id string, in workflows.MigrateFileInput, again bool) (runID string, err error) {
	call, cancel := brief(ctx)
	defer cancel()
	runID, err = n.launch().Start(call, id, in, again)
	if errors.Is(err, operator.ErrIDUsed) {
		return "", usedBefore(id)
	}
	return runID, err
}

// started says that a migration has started or, if asked to, waits for its
// end.
func (a *app) started(ctx context.Context, n *connection, id, runID string, in workflows.MigrateFileInput, wait bool) error {
	if wait {
		a.notef("Migration %s has started.\n", id)
		return a.follow(ctx, n, id)
	}
	if a.json {
		return a.writeJSON(startAnswer{Migration: id, RunID: runID, File: in.File, Route: in.Route})
	}
	fmt.Fprintf(a.Out, "Migration %s has started.\n  follow it:  ferry watch %s\n", id, id)
	return nil
}

// startAnswer is what start prints with --json without --wait.
type startAnswer struct {
	Migration string `json:"migration"`
	RunID     string `json:"runId"`
	File      string `json:"file"`
	Route     string `json:"route"`
}

// checkUnused refuses an id that Temporal or the work bucket knows. Again is
// true for an id whose one run failed before it claimed anything.
func checkUnused(ctx context.Context, n *connection, id string) (again bool, err error) {
	call, cancel := brief(ctx)
	defer cancel()
	again, err = n.launch().Unused(call, id)
	if errors.Is(err, operator.ErrIDUsed) {
		return false, usedBefore(id)
	}
	return again, err
}

func usedBefore(id string) error {
	return &problem{
		code: exitUnable, thing: "migration " + id,
		err:    errors.New(fault.CodeMigrationIDUsed + ": the name was used before"),
		remedy: "copy the file under a new name, or see 'ferry status " + id + "'",
	}
}

// warnNoWorker says that nobody will work on the start yet. It is no reason
// not to start: a migration waits for its worker.
func (a *app) warnNoWorker(ctx context.Context, n *connection) {
	call, cancel := brief(ctx)
	defer cancel()
	if polls, err := n.engine.WorkerPolls(call); err == nil && !polls {
		a.notef("ferry: warning: no worker is polling task queue %s (%s)\n", n.engine.Queue(), howToStartAWorker)
	}
}

// writeJSON is the only thing that writes to stdout with --json.
func (a *app) writeJSON(v any) error {
	e := json.NewEncoder(a.Out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// sourceOf is where the file lies or will lie.
func sourceOf(c *config.Config, args []string, upload string) (objectstore.Location, error) {
	if len(args) == 1 {
		loc, err := objectstore.ParseURI(args[0])
		if err != nil {
			return loc, &problem{code: exitUsage, err: err}
		}
		return loc, nil
	}
	return uploadPlace(c, upload)
}
