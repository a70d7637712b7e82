package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/f0a90b9a/ferry/config"
	"github.com/f0a90b9a/ferry/internal/cli/view"
	"github.com/f0a90b9a/ferry/internal/migrationfile"
	"github.com/f0a90b9a/ferry/internal/objectstore"
)

// shownProblems of a file go into its table unless the user wants more or
// fewer; --json has as many as validation.json.
const shownProblems = 100

func newValidate(a *app) *cobra.Command {
	var route routeChoice
	var limit int
	var reload bool
	command := &cobra.Command{
		Use:   "validate FILE...",
		Short: "Check migration files without sending anything",
		Long: `Check migration files without sending anything. FILE is a local file, s3://…, or
- for stdin. Each file is checked by itself: an id may be in two of them.

--route says whose rules hold: a route that Ferry knows by itself (acme-nova), a
file with a route's rules (as 'ferry route NAME --json' prints them), or, with
--from-target, any route of the target that is configured (target.base_url and
its credentials). Without --route only the file's own rules are checked. Nobody
is asked for anything but with --from-target and for s3://.

--json prints an array with an object per file, in order, also for a single one:
what validation.json holds, and file and ok; error in place of the rest if the
file can't be read. The exit code is 3 if any file has a problem, 6 if any can't
be read, which comes first, 130 after Ctrl-C.`,
		Example: `  ferry validate acme-1.json --route acme-nova
  ferry validate acme-*.json --route acme.route.json
  zcat acme-1.json.gz | ferry validate - --route acme-nova --json
  ferry validate s3://partner/input/acme-1.json --route acme-nova --from-target`,
		Args: arguments("FILE..."),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkValidate(args, limit); err != nil {
				return err
			}
			c, err := a.loadConfig(cmd)
			if err != nil {
				return err
			}
			rules, err := route.rules(cmd.Context(), c)
			if err != nil {
				return err
			}
			v := validation{app: a, config: c, options: migrationfile.ImportOptions{Route: rules, MaxProblems: limit, Reload: reload}}
			return v.run(cmd.Context(), args)
		},
	}
	flags := command.Flags()
	flags.StringVar(&route.value, "route", "", "a route's name, or a file with its rules")
	flags.BoolVar(&route.fromTarget, "from-target", false, "ask the target for the rules of --route")
	flags.IntVar(&limit, "max-problems", 0, "show at most this many problems of a file; all are counted (0: 100, with --json 10000)")
	flags.BoolVar(&reload, "reload", false, "the files are reload.json of earlier migrations")
	return command
}

func checkValidate(files []string, limit int) error {
	stdin := 0
	for _, file := range files {
		switch {
		case file == "":
			return usagef("FILE is empty")
		case file == "-":
			stdin++
		case strings.HasPrefix(file, "s3://"):
			if _, err := objectstore.ParseURI(file); err != nil {
				return usagef("%w", err)
			}
		}
	}
	switch {
	case stdin > 1:
		return usagef("stdin (-) can be read only once")
	case limit < 0:
		return usagef("--max-problems is negative")
	}
	return nil
}

// validation checks files one after the other.
type validation struct {
	*app
	config  *config.Config
	options migrationfile.ImportOptions
}

func (v validation) run(ctx context.Context, files []string) error {
	if v.options.MaxProblems == 0 && !v.json {
		v.options.MaxProblems = shownProblems
	}
	var reports []view.Validation
	var unreadable error
	rejected := false
	for i, file := range files {
		report, err := v.check(ctx, file)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		unreadable = errors.Join(unreadable, err)
		rejected = rejected || err == nil && !report.OK
		reports = append(reports, report)
		if !v.json && err == nil {
			if err := v.write(report, i > 0); err != nil {
				return err
			}
		}
	}
	if v.json {
		if err := v.writeJSON(reports); err != nil {
			return err
		}
	}
	switch {
	case unreadable != nil:
		return unreadable
	case rejected:
		return resultError("REJECTED")
	}
	if v.options.Route == nil {
		v.notef("%s\n", "ferry: the rules of a route were not checked (name it with --route)")
	}
	return nil
}

// write writes a report, apart from one before it. A verdict that nobody gets
// to read is none.
func (v validation) write(report view.Validation, apart bool) error {
	var text bytes.Buffer
	if apart {
		text.WriteByte('\n')
	}
	view.WriteValidation(&text, v.style(), report)
	if _, err := v.Out.Write(text.Bytes()); err != nil {
		return fmt.Errorf("write the report on %s: %w", view.FileName(report.File), err)
	}
	return nil
}

// check reads one file to its end. Its error is also in the report.
func (v validation) check(ctx context.Context, file string) (view.Validation, error) {
	refused := func(err error) (view.Validation, error) {
		return view.Validation{File: file, Error: withRemedy(err).Error()}, err
	}
	in, err := v.open(ctx, file)
	if err != nil {
		return refused(err)
	}
	defer in.Close()
	progress := view.NewFileProgress(v.Err, v.ErrTerminal && v.env("TERM") != "dumb", file, in.size)
	defer progress.Close()
	options := v.options
	options.Progress = progress.Show
	result, err := migrationfile.Import(ctx, in, options)
	if err != nil {
		return refused(fmt.Errorf("%s: %w", view.FileName(file), err))
	}
	return view.NewValidation(file, result), nil
}
