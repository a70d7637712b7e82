package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/objectstore"
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
	left, err := leftover(ctx, n, parent)
	if err != nil {
		return err
	}
	id, err := reloadID(ctx, n, parent)
	if err != nil {
		return err
	}
	place := n.store.Work(inputPrefix + id + ".json")
	if err := a.provideReload(ctx, n, place, left.file, f.upload); err != nil {
		return err
	}
	in.File, in.Route = place.String(), left.route
	a.warnNoWorker(ctx, n)
	runID, err := launch(ctx, n, id, in, false)
	if err != nil {
		return err
	}
	return a.started(ctx, n, id, runID, in, f.wait)
}

// remainder is what an ended migration left to do.
type remainder struct {
	route string
	file  objectstore.Location
}

// leftover looks up what is left of a migration.
func leftover(ctx context.Context, n *connection, parent string) (remainder, error) {
	found, err := reportsOf(ctx, n, parent)
	if err != nil {
		return remainder{}, err
	}
	call, cancel := brief(ctx)
	defer cancel()
	sum, ended, err := n.past.Summary(call, parent)
	if err != nil {
		return remainder{}, err
	}
	if !ended {
		return remainder{}, &problem{
			code: exitRefused, thing: "migration " + parent, err: errors.New("it was closed without writing its files"),
			remedy: "start the source file again under a new name: records that are there already are found",
		}
	}
	for _, r := range found {
		if r.Name == migration.FileReload {
			loc, err := objectstore.ParseURI(r.URI)
			return remainder{route: sum.Route, file: loc}, err
		}
	}
	return remainder{}, &problem{
		code: exitRefused, thing: "migration " + parent, err: fmt.Errorf("it left nothing to reload (%s)", sum.Result),
		remedy: "see 'ferry status " + parent + "'",
	}
}

// maxReloads bounds the search for a number that is free.
const maxReloads = 1000

// reloadID is the first id <parent>-reload-<n> that nobody has used.
func reloadID(ctx context.Context, n *connection, parent string) (string, error) {
	for number := 1; number <= maxReloads; number++ {
		suffix := fmt.Sprintf("-reload-%d", number)
		id := parent[:min(len(parent), migration.MaxIDLength-len(suffix))] + suffix
		_, err := checkUnused(ctx, n, id)
		if err == nil {
			return id, nil
		}
		if _, used := errors.AsType[*problem](err); !used {
			return "", err
		}
	}
	return "", fmt.Errorf("migration %s: %d reloads are there already", parent, maxReloads)
}

// provideReload puts the file to migrate under its new name: a corrected one
// from here, or the reload file as it is. A copy that an earlier try left there
// belongs to an id that was never used, so it is replaced by the same bytes.
func (a *app) provideReload(ctx context.Context, n *connection, place, reload objectstore.Location, upload string) error {
	if upload != "" {
		return a.upload(ctx, n, place, upload)
	}
	body, err := n.store.Open(ctx, reload, "")
	if err != nil {
		return err
	}
	defer body.Close()
	if _, err := n.store.Upload(ctx, place, "application/json", body); err != nil {
		return err
	}
	fmt.Fprintf(a.Err, "Copied %s to %s.\n", reload, place)
	return nil
}
