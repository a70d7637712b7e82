package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/operator"
	"github.com/f0a90b9a/ferry/workflows"
)

// reloadFlags are the flags of reload.
type reloadFlags struct {
	upload       string
	wait, dryRun bool
	overrides    overrides
}

func newReload(a *app) *cobra.Command {
	var f reloadFlags
	command := &cobra.Command{
		Use:   "reload ID",
		Short: "Start a migration of what an ended one left over",
		Long: `Start a migration of what an ended one left over: its reload.json, put under a
new name in the work bucket, on the same route. --upload takes a corrected copy
of that file instead. The new migration names the old one as its parent.`,
		Example: `  ferry reload acme-1-5f2c9a10 --wait
  ferry reload acme-1-5f2c9a10 --upload corrected.json`,
		Args: arguments("migration ID"),
		RunE: func(cmd *cobra.Command, args []string) error { return a.reload(cmd, args[0], f) },
	}
	flags := command.Flags()
	flags.StringVar(&f.upload, "upload", "", "local file to migrate instead of the reload.json as it is")
	flags.BoolVar(&f.wait, "wait", false, "follow it to its end; the exit code is its result")
	flags.BoolVar(&f.dryRun, "dry-run", false, "check and plan only; nothing is sent to the target")
	f.overrides.addFlags(flags)
	return command
}

func (a *app) reload(cmd *cobra.Command, parent string, f reloadFlags) error {
	in := workflows.MigrateFileInput{Parent: parent, DryRun: f.dryRun}
	if err := f.overrides.apply(cmd.Flags(), &in); err != nil {
		return err
	}
	n, err := a.dial(cmd)
	if err != nil {
		return err
	}
	defer n.close()
	ctx := cmd.Context()
	route, err := leftover(ctx, n, parent)
	if err != nil {
		return err
	}
	call, cancel := brief(ctx)
	defer cancel()
	next, err := n.launch().NextReload(call, parent)
	if err != nil {
		return err
	}
	if err := a.provideReload(ctx, n, parent, next.ID, f.upload); err != nil {
		return err
	}
	in.File, in.Route = operator.ReloadPlace(n.store, next.ID).String(), route
	a.warnNoWorker(ctx, n)
	runID, err := launch(ctx, n, next.ID, in, next.Again)
	if err != nil {
		return err
	}
	return a.started(ctx, n, next.ID, runID, in, f.wait)
}

// leftover makes sure that there is something left of an ended migration, and
// gives its route.
func leftover(ctx context.Context, n *connection, parent string) (route string, err error) {
	found, err := reportsOf(ctx, n, parent)
	if err != nil {
		return "", err
	}
	call, cancel := brief(ctx)
	defer cancel()
	if err := refusePurged(call, n, parent); err != nil {
		return "", err
	}
	sum, ended, err := n.past.Summary(call, parent)
	if err != nil {
		return "", err
	}
	if !ended {
		return "", &problem{
			code: exitRefused, thing: "migration " + parent, err: errors.New("it was closed without writing its files"),
			remedy: "start the source file again under a new name: records that are there already are found",
		}
	}
	if slices.ContainsFunc(found, func(r report) bool { return r.Name == migration.FileReload }) {
		return sum.Route, nil
	}
	return "", &problem{
		code: exitRefused, thing: "migration " + parent, err: fmt.Errorf("it left nothing to reload (%s)", sum.Result),
		remedy: "see 'ferry status " + parent + "'",
	}
}

// provideReload puts the file to migrate under its new name: a corrected one
// from here, or the reload file as it is.
func (a *app) provideReload(ctx context.Context, n *connection, parent, id, upload string) error {
	if upload != "" {
		return a.upload(ctx, n, operator.ReloadPlace(n.store, id), upload)
	}
	from, to, err := operator.CopyReload(ctx, n.store, parent, id)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.Err, "Copied %s to %s.\n", from, to)
	return nil
}
