package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/f0a90b9a/ferry/internal/cli/view"
	"github.com/f0a90b9a/ferry/internal/objectstore"
	"github.com/f0a90b9a/ferry/internal/operator"
)

// purgeFlags are the flags of purge.
type purgeFlags struct {
	who                    who
	yes, dryRun, abandoned bool
}

func newPurge(a *app) *cobra.Command {
	var f purgeFlags
	command := &cobra.Command{
		Use:   "purge ID",
		Short: "Delete the personal data of a migration that is over",
		Long: `Delete what the work bucket holds of the records of a migration that is over:
records.ndjson, outcomes/, reload.json, errors.csv, correlation.csv, whatever
else lies in its folder, and its source if that was uploaded to input/ of the
work bucket. A source in any other bucket is never touched.

claim.json, plan.json, summary.json, audit.ndjson and the ledger stay, so that
the names stay used and the counts can be told. purged.json says who purged it,
when and why. Nothing can be undone; what is left over can't be reloaded any more.

It is refused while anything of the migration runs. On a terminal it asks for the
migration's id; elsewhere it takes --yes. An interrupted purge is finished by the
same command. It needs credentials that may delete in the work bucket.`,
		Example: `  ferry purge acme-1-5f2c9a10 --dry-run
  ferry purge acme-1-5f2c9a10 --reason "retention: 90 days"`,
		Args: arguments("migration ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.who.by == "" {
				return usagef("--by is missing")
			}
			n, err := a.dial(cmd)
			if err != nil {
				return err
			}
			defer n.close()
			return a.purge(cmd.Context(), n, args[0], f)
		},
	}
	flags := command.Flags()
	f.who.addFlags(a, flags)
	flags.BoolVar(&f.yes, "yes", false, "don't ask")
	flags.BoolVar(&f.dryRun, "dry-run", false, "say what would be deleted, and delete nothing")
	flags.BoolVar(&f.abandoned, "abandoned", false,
		"also one that wrote no summary and that Temporal no longer knows; you are sure that it runs nowhere")
	return command
}

// purgeTimeout bounds the look at a migration's folder.
const purgeTimeout = 2 * time.Minute

func (a *app) purge(ctx context.Context, n *connection, id string, f purgeFlags) error {
	if err := checkArchive(n, id); err != nil {
		return err
	}
	purger := operator.NewPurger(n.store)
	held, err := a.purgeable(ctx, n, purger, id, f.abandoned)
	if err != nil {
		return err
	}
	answer := purgeOf(held, f.dryRun)
	if f.dryRun || held.Purged != nil && held.Purged.FinishedAt != nil && len(held.Going) == 0 {
		return a.showPurge(answer)
	}
	if err := a.confirmPurge(ctx, held, f.yes); err != nil {
		return err
	}
	done, err := purger.Purge(ctx, operator.PurgeOrder{
		Holdings: held, By: f.who.by, Reason: f.who.reason, Progress: a.purging(len(held.Going)),
	})
	if ctx.Err() != nil {
		return &problem{
			code: exitInterrupted, thing: "migration " + id, err: errors.New("its purge was interrupted"),
			remedy: "finish it with the same command",
		}
	}
	if err != nil {
		return err
	}
	answer.Purged = &done.Purge
	if done.KeepsVersions {
		answer.KeepsVersions = true
		fmt.Fprintln(a.Err, "ferry: warning: the work bucket keeps old versions of what was deleted; a lifecycle rule has to take them away")
	}
	return a.showPurge(answer)
}

// purgeable finds out what a purge would delete, and refuses what is not over.
func (a *app) purgeable(ctx context.Context, n *connection, p *operator.Purger, id string, abandoned bool) (operator.Holdings, error) {
	ctx, cancel := context.WithTimeout(ctx, purgeTimeout)
	defer cancel()
	held, err := p.Look(ctx, id)
	if err != nil {
		return held, err
	}
	files := make([]string, 0, len(held.Going))
	for _, o := range held.Going {
		files = append(files, o.Location.String())
	}
	known, err := n.engine.CheckOver(ctx, id, files)
	if err != nil {
		return held, err
	}
	if !known && !held.Done && held.Purged == nil && !abandoned {
		return held, &problem{
			code: exitRefused, thing: "migration " + id,
			err:    fmt.Errorf("it wrote no summary, and this Temporal doesn't know it (it ran in namespace %q), so that nobody can tell whether it still runs", held.Namespace),
			remedy: "if you are sure that it runs nowhere: --abandoned",
		}
	}
	return held, nil
}

// confirmPurge asks whoever sits at the terminal for the migration's id.
func (a *app) confirmPurge(ctx context.Context, held operator.Holdings, yes bool) error {
	if yes {
		return nil
	}
	if !a.InTerminal {
		return usagef("--yes is missing: nobody is at a terminal to be asked")
	}
	view.WritePurge(a.Err, purgeOf(held, true))
	a.notef("\nThis can't be undone. Type the migration's id to delete them: ")
	if typed, err := readLine(ctx, a.In); err != nil || typed != held.Migration {
		return &problem{code: exitRefused, thing: "migration " + held.Migration, err: errors.New("not confirmed; nothing was deleted")}
	}
	return nil
}

// readLine reads a line, or ends with ctx.
func readLine(ctx context.Context, r io.Reader) (string, error) {
	type answer struct {
		line string
		err  error
	}
	read := make(chan answer, 1)
	go func() {
		lines := bufio.NewScanner(r)
		lines.Scan()
		read <- answer{strings.TrimSpace(lines.Text()), lines.Err()}
	}()
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case got := <-read:
		return got.line, got.err
	}
}

// purging tells now and then how far it is.
func (a *app) purging(total int) func(int) {
	const every = 1000
	return func(deleted int) {
		if deleted > 0 && deleted%every == 0 {
			a.notef("ferry: %d of %d objects are deleted\n", deleted, total)
		}
	}
}

func (a *app) showPurge(p view.Purge) error {
	if a.json {
		return a.writeJSON(p)
	}
	view.WritePurge(a.Out, p)
	return nil
}

func purgeOf(h operator.Holdings, dryRun bool) view.Purge {
	return view.Purge{
		Migration: h.Migration, DryRun: dryRun, Purged: h.Purged, Deleted: objectsOf(h.Going), Kept: objectsOf(h.Staying),
		Source: h.Source.URI, SourceKept: h.Source.Stays,
	}
}

func objectsOf(objects []objectstore.Object) []view.Object {
	out := make([]view.Object, 0, len(objects))
	for _, o := range objects {
		out = append(out, view.Object{URI: o.Location.String(), Bytes: o.Size})
	}
	return out
}
