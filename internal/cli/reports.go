package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/f0a90b9a/ferry/internal/cli/view"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/operator"
)

// reportsFlags are the flags of reports.
type reportsFlags struct {
	dir          string
	all, rebuild bool
	settle       time.Duration
}

func newReports(a *app) *cobra.Command {
	var f reportsFlags
	command := &cobra.Command{
		Use:   "reports ID",
		Short: "Show where an ended migration's files are; --dir downloads them",
		Long: `Show where an ended migration's files are; --dir downloads them. A folder is one
migration's: files of another are not mixed with them.

A migration that was ended by force, for instance terminated in the Temporal UI,
has written none. --rebuild has the workers make them: from the outcomes that
its batches left and, for all other records, from what the target has. Nothing
is written to the target. Before anything is read, calls of the migration that
may still be under way are waited for: some three minutes after its end, or
--settle if you know better, 0 if all workers were stopped since.`,
		Example: `  ferry reports acme-1-5f2c9a10 --dir out
  ferry reports acme-1-5f2c9a10 --rebuild`,
		Args: arguments("migration ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("settle") && (!f.rebuild || f.settle < 0) {
				return usagef("--settle is a duration such as 10s, and goes with --rebuild")
			}
			n, err := a.dial(cmd)
			if err != nil {
				return err
			}
			defer n.close()
			if f.rebuild {
				if err := a.rebuild(cmd, n, args[0], f.settle); err != nil {
					return err
				}
			}
			return a.reports(cmd.Context(), n, args[0], f.dir, f.all)
		},
	}
	flags := command.Flags()
	flags.StringVar(&f.dir, "dir", "", "folder to download the files to")
	flags.BoolVar(&f.all, "all", false, "with --dir: records.ndjson too, which holds the whole source")
	flags.BoolVar(&f.rebuild, "rebuild", false, "make the files of a migration that was ended by force")
	flags.DurationVar(&f.settle, "settle", 0, "with --rebuild: how long after its end calls may be under way (default: as long as a worker may take)")
	return command
}

// report is one file as `reports --json` shows it.
type report struct {
	Name  string `json:"name"`
	URI   string `json:"uri"`
	Bytes int64  `json:"bytes"`
	Path  string `json:"path,omitempty"` // where --dir put it
}

func (a *app) reports(ctx context.Context, n *connection, id, dir string, all bool) error {
	found, err := reportsOf(ctx, n, id)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(found, func(r report) bool { return r.Name == migration.FilePurged }) {
		if err := a.notePurged(ctx, n, id); err != nil {
			return err
		}
	}
	if dir != "" {
		found = slices.DeleteFunc(found, func(r report) bool { return r.Name == migration.FileRecords && !all })
		known, err := endedFiles(ctx, n, id)
		if err != nil {
			return err
		}
		if err := download(ctx, n.store, found, id, known, dir); err != nil {
			return err
		}
	}
	if a.json {
		return a.writeJSON(found)
	}
	writeReports(a.Out, found)
	return nil
}

func writeReports(w io.Writer, found []report) {
	files := map[string]migration.FileInfo{}
	for _, r := range found {
		place := r.URI
		if r.Path != "" {
			place = r.Path
		}
		files[r.Name] = migration.FileInfo{URI: place, Bytes: r.Bytes}
	}
	view.Files(w, files)
}

// reportsOf lists a migration's top-level files once they are complete.
func reportsOf(ctx context.Context, n *connection, id string) ([]report, error) {
	if err := checkArchive(n, id); err != nil {
		return nil, err
	}
	ctx, cancel := brief(ctx)
	defer cancel()
	run, err := n.engine.Describe(ctx, id)
	if err == nil && run.State == operator.Open {
		return nil, stillRunning(id)
	}
	if err != nil && !errors.Is(err, operator.ErrUnknown) {
		return nil, err
	}
	traces, err := n.past.Traces(ctx, id)
	if err != nil {
		return nil, err
	}
	if len(traces.Files) == 0 {
		return nil, fmt.Errorf("migration %s: no files in bucket %s: %w", id, n.store.WorkBucket(), operator.ErrUnknown)
	}
	if endedByForce(run) && !traces.Done && !traces.Purged {
		return nil, unwritten(id, traces)
	}
	reports := make([]report, 0, len(traces.Files))
	for _, o := range traces.Files {
		reports = append(reports, report{Name: path.Base(o.Location.Key), URI: o.Location.String(), Bytes: o.Size})
	}
	return reports, nil
}

// checkArchive says why no migration's files can be looked for.
func checkArchive(n *connection, id string) error {
	if n.past == nil {
		return &problem{code: exitUnable, thing: "reports", err: errors.New("no work bucket is configured"), remedy: "set s3.work_bucket"}
	}
	if !migration.ValidID(id) {
		return fmt.Errorf("migration %q: %w", id, operator.ErrUnknown)
	}
	return nil
}

func stillRunning(id string) error {
	return &problem{
		code: exitRefused, thing: "migration " + id, err: errors.New("it is still running"),
		remedy: "its files are complete at its end; see 'ferry watch " + id + "'",
	}
}

// endedFiles are a migration's files as it left them.
func endedFiles(ctx context.Context, n *connection, id string) (map[string]migration.FileInfo, error) {
	call, cancel := brief(ctx)
	defer cancel()
	return operator.EndedFiles(call, n.engine, n.past, id)
}
