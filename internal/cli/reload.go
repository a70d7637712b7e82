package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/operator"
	"github.com/f0a90b9a/ferry/workflows"
)

// reloadFlags are the flags of reload.
type reloadFlags struct {
	upload, only string
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
of that file instead. The new migration names the old one as its parent.

A reload begins with the records that were never attempted; those that failed
come after them. --only takes one of the two kinds: not-attempted leaves out
what failed and can't be repaired, failed leaves out what was never attempted.
What is left out stays in the old migration's reload.json, and another reload of
that migration takes it up.`,
		Example: `  ferry reload acme-1-5f2c9a10 --wait
  ferry reload acme-1-5f2c9a10 --only not-attempted
  ferry reload acme-1-5f2c9a10 --upload corrected.json`,
		Args: arguments("migration ID"),
		RunE: func(cmd *cobra.Command, args []string) error { return a.reload(cmd, args[0], f) },
	}
	flags := command.Flags()
	flags.StringVar(&f.upload, "upload", "", "local file to migrate instead of the reload.json as it is")
	flags.StringVar(&f.only, "only", "", "reload only what was 'not-attempted', or only what 'failed'")
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
	if err := f.checkOnly(cmd); err != nil {
		return err
	}
	n, err := a.dial(cmd)
	if err != nil {
		return err
	}
	defer n.close()
	ctx := cmd.Context()
	sum, err := leftover(ctx, n, parent)
	if err != nil {
		return err
	}
	if err := checkPart(sum, f); err != nil {
		return err
	}
	call, cancel := brief(ctx)
	defer cancel()
	next, err := n.launch().NextReload(call, parent)
	if err != nil {
		return err
	}
	if err := a.provideReload(ctx, n, sum, next.ID, f); err != nil {
		return err
	}
	in.File, in.Route = operator.ReloadPlace(n.store, next.ID).String(), sum.Route
	a.warnNoWorker(ctx, n)
	runID, err := launch(ctx, n, next.ID, in, next.Again)
	if err != nil {
		return err
	}
	return a.started(ctx, n, next.ID, runID, in, f.wait)
}

// leftover makes sure that there is something left of an ended migration, and
// gives its summary.
func leftover(ctx context.Context, n *connection, parent string) (sum migration.Summary, err error) {
	found, err := reportsOf(ctx, n, parent)
	if err != nil {
		return sum, err
	}
	call, cancel := brief(ctx)
	defer cancel()
	if err := refusePurged(call, n, parent); err != nil {
		return sum, err
	}
	sum, ended, err := n.past.Summary(call, parent)
	if err != nil {
		return sum, err
	}
	if !ended {
		return sum, &problem{
			code: exitRefused, thing: "migration " + parent, err: errors.New("it was closed without writing its files"),
			remedy: "start the source file again under a new name: records that are there already are found",
		}
	}
	if slices.ContainsFunc(found, func(r report) bool { return r.Name == migration.FileReload }) {
		return sum, nil
	}
	return sum, &problem{
		code: exitRefused, thing: "migration " + parent, err: fmt.Errorf("it left nothing to reload (%s)", sum.Result),
		remedy: "see 'ferry status " + parent + "'",
	}
}

// checkOnly refuses a part that isn't one, and one of a file that is given
// whole.
func (f reloadFlags) checkOnly(cmd *cobra.Command) error {
	switch {
	case !cmd.Flags().Changed("only"):
		return nil
	case !slices.Contains(operator.Parts(), f.only):
		return usagef("--only is %s", strings.Join(operator.Parts(), " or "))
	case f.upload != "":
		return usagef("--only takes a part of the reload.json as it is: take the others out of the file for --upload")
	}
	return nil
}

// checkPart refuses a part of which nothing is left, or that can't be told.
func checkPart(sum migration.Summary, f reloadFlags) error {
	_, _, err := operator.Part(f.only).Range(sum.Files[migration.FileReload])
	refused := &problem{code: exitRefused, thing: "migration " + sum.Migration}
	switch {
	case errors.Is(err, operator.ErrNoPart):
		refused.err = fmt.Errorf("it left no records that were %s", strings.ReplaceAll(f.only, "-", " "))
		if f.only == string(operator.PartFailed) {
			refused.err = errors.New("it left no records that failed")
		}
		refused.remedy = "leave --only out"
		return refused
	case err != nil:
		refused.err = err
		refused.remedy = "take the other records out of a copy, as " + migration.FileErrors + " tells them apart, and give it with --upload"
		return refused
	}
	return nil
}

// provideReload puts the file to migrate under its new name: a corrected one
// from here, or the reload file or a part of it as it is.
func (a *app) provideReload(ctx context.Context, n *connection, parent migration.Summary, id string, f reloadFlags) error {
	if f.upload != "" {
		return a.upload(ctx, n, operator.ReloadPlace(n.store, id), f.upload)
	}
	if f.only != "" {
		return a.providePart(ctx, n, parent, id, operator.Part(f.only))
	}
	known, err := endedFiles(ctx, n, parent.Migration)
	if err != nil {
		return err
	}
	from, to, err := operator.CopyReload(ctx, n.store, parent.Migration, id, known)
	if err != nil {
		return err
	}
	a.notef("Copied %s to %s.\n", from, to)
	return nil
}

// providePart says what is left out, so that nobody forgets it.
func (a *app) providePart(ctx context.Context, n *connection, parent migration.Summary, id string, part operator.Part) error {
	known, err := endedFiles(ctx, n, parent.Migration)
	if err != nil {
		return err
	}
	info := known[migration.FileReload]
	from, to, err := operator.CopyReloadPart(ctx, n.store, parent.Migration, id, part, info)
	if err != nil {
		return err
	}
	_, take, _ := part.Range(info) // checked before
	other, were := operator.PartFailed, "failed"
	if part == operator.PartFailed {
		other, were = operator.PartNotAttempted, "were never attempted"
	}
	fmt.Fprintf(a.Err, "Copied %d of the %d records of %s to %s.\n", take, info.Records, from, to)
	if rest := info.Records - take; rest > 0 {
		fmt.Fprintf(a.Err, "Left out: %d that %s. They stay in %s; 'ferry reload %s --only %s' takes them up.\n",
			rest, were, from, parent.Migration, other)
	}
	return nil
}
