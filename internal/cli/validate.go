package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/f0a90b9a/ferry/config"
	"github.com/f0a90b9a/ferry/internal/cli/view"
	"github.com/f0a90b9a/ferry/internal/ferryworker"
	"github.com/f0a90b9a/ferry/internal/migrationfile"
	"github.com/f0a90b9a/ferry/internal/objectstore"
)

func newValidate(a *app) *cobra.Command {
	var route string
	var limit int
	var reload bool
	command := &cobra.Command{
		Use:   "validate FILE...",
		Short: "Check migration files without sending anything",
		Long: `Check migration files without sending anything. FILE is a local file, s3://…, or
- for stdin. --route is a route's name or a JSON file with its rules (made by
'ferry route NAME --json'); without it only the file's own rules are checked.
The exit code is 3 if any file has a problem, 6 if one can't be read.`,
		Example: `  ferry validate acme-1.json --route acme-nova
  zcat acme-1.json.gz | ferry validate - --route acme.route.json --json`,
		Args: arguments("FILE..."),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.loadConfig(cmd)
			if err != nil {
				return err
			}
			rules, err := routeArgument(cmd.Context(), c, route)
			if err != nil {
				return err
			}
			v := validation{app: a, config: c, options: migrationfile.ImportOptions{Route: rules, MaxProblems: limit, Reload: reload}}
			return v.run(cmd.Context(), args)
		},
	}
	flags := command.Flags()
	flags.StringVar(&route, "route", "", "route's name, or a .json file with its rules")
	flags.IntVar(&limit, "max-problems", 1000, "show at most this many problems of a file; all are counted")
	flags.BoolVar(&reload, "reload", false, "the files are reload.json of earlier migrations")
	return command
}

// validation checks files one after the other.
type validation struct {
	*app
	config  *config.Config
	options migrationfile.ImportOptions
}

func (v validation) run(ctx context.Context, files []string) error {
	var reports []view.Validation
	var unreadable error
	rejected := false
	for _, file := range files {
		result, err := v.check(ctx, file)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			unreadable = errors.Join(unreadable, err)
			continue
		}
		report := view.NewValidation(file, result)
		rejected = rejected || !report.OK
		reports = append(reports, report)
		if !v.json {
			view.WriteValidation(v.Out, v.style(), report)
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
		fmt.Fprintln(v.Err, "ferry: the rules of a route were not checked (name it with --route)")
	}
	return nil
}

func (v validation) check(ctx context.Context, file string) (*migrationfile.Result, error) {
	r, err := v.open(ctx, file)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	result, err := migrationfile.Import(ctx, r, v.options)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return result, nil
}

func (v validation) open(ctx context.Context, file string) (io.ReadCloser, error) {
	switch {
	case file == "-":
		return io.NopCloser(v.In), nil
	case strings.HasPrefix(file, "s3://"):
		return v.openObject(ctx, file)
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	if info, err := f.Stat(); err == nil && info.IsDir() {
		_ = f.Close()
		return nil, fmt.Errorf("%s: is a folder, not a file", file)
	}
	return f, nil
}

func (v validation) openObject(ctx context.Context, uri string) (io.ReadCloser, error) {
	loc, err := objectstore.ParseURI(uri)
	if err != nil {
		return nil, &problem{code: exitUsage, err: err}
	}
	s, err := objectstore.New(ctx, ferryworker.StoreOptions(v.config.S3))
	if err != nil {
		return nil, err
	}
	return s.Open(ctx, loc, "")
}
