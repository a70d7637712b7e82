package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/f0a90b9a/ferry/examples"
	"github.com/f0a90b9a/ferry/internal/cli/view"
	"github.com/f0a90b9a/ferry/internal/demo"
	"github.com/f0a90b9a/ferry/internal/devstack"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/migrationfile"
	"github.com/f0a90b9a/ferry/internal/objectstore"
	"github.com/f0a90b9a/ferry/internal/operator"
	"github.com/f0a90b9a/ferry/internal/routes"
	"github.com/f0a90b9a/ferry/internal/sandbox"
	"github.com/f0a90b9a/ferry/internal/temporalconn"
	"github.com/f0a90b9a/ferry/workflows"
)

// demoFlags are the flags of demo.
type demoFlags struct {
	file, fault, dir, out string
	records               int
	keep                  bool
	overrides             overrides
}

// demoFailures is the share of generated records that the sandbox refuses.
const demoFailures = 0.05

func newDemo(a *app) *cobra.Command {
	var f demoFlags
	command := &cobra.Command{
		Use:   "demo",
		Short: "See it work on this machine: nothing to install, nothing left behind",
		Long: `Start a Temporal dev server, an S3 server, the sandbox and a worker on loopback,
migrate a sample file, show what came of it, save the reports, and stop
everything. The exit code is the result's (1 for the sample: some of its records
are meant to fail).`,
		Example: `  ferry demo
  ferry demo --records 2000 --fault errors=0.05,latency=20ms
  ferry demo --file acme-1.json --keep`,
		Args: arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.demo(cmd, f) },
	}
	flags := command.Flags()
	flags.StringVar(&f.file, "file", "", "your own migration file for route acme-nova")
	flags.IntVar(&f.records, "records", 0, "generate a file of this many records")
	flags.StringVar(&f.fault, "fault", "", "sandbox faults, such as errors=0.1,latency=50ms,answer=204:rate=0.1; docs/sandbox.md has all")
	flags.BoolVar(&f.keep, "keep", false, "leave everything up until Ctrl-C, with the Temporal UI")
	flags.StringVar(&f.dir, "dir", "", "keep the data here, and go on with what is there (default: a temporary folder)")
	flags.StringVar(&f.out, "out", "", "folder for the reports (default: ferry-out/<migration>)")
	f.overrides.addFlags(flags)
	return command
}

func (a *app) demo(cmd *cobra.Command, f demoFlags) (err error) {
	if cmd.Flags().Changed("records") && f.records < 1 {
		return usagef("--records %d is not a number of records", f.records)
	}
	if f.file != "" && f.records != 0 {
		return usagef("--file and --records are both given: choose one")
	}
	c, err := a.loadConfig(cmd)
	if err != nil {
		return err
	}
	faults := sandbox.DefaultFaults()
	if f.fault != "" {
		if faults, err = sandbox.ParseFaults(f.fault); err != nil {
			return usagef("--fault: %w", err)
		}
	}
	in := workflows.MigrateFileInput{Route: routes.AcmeNovaName}
	if err := f.overrides.apply(cmd.Flags(), &in); err != nil {
		return err
	}
	dir, remove, err := demoDir(f.dir)
	if err != nil {
		return err
	}
	defer remove()
	ctx := cmd.Context()
	stack, err := demo.Start(ctx, demo.Options{
		Dir: dir, Throwaway: f.dir == "", Config: *c, Faults: faults, UI: f.keep, Say: a.say,
	})
	if err != nil {
		return err
	}
	defer stack.Close()
	source, err := demoFile(f, dir)
	if err != nil {
		return err
	}
	result := a.migrateDemo(ctx, stack, f, source, in)
	if f.keep && ctx.Err() == nil {
		a.keep(ctx, stack)
	}
	return result
}

// say tells a person what takes its time.
func (a *app) say(text string) { fmt.Fprintln(a.Err, text) }

// demoDir is the folder for the data, and what removes it in the end: nothing
// for one that the user named.
func demoDir(dir string) (string, func(), error) {
	if dir != "" {
		abs, err := filepath.Abs(dir)
		if err != nil {
			return "", nil, fmt.Errorf("--dir: %w", err)
		}
		if err := os.MkdirAll(abs, 0o700); err != nil {
			return "", nil, fmt.Errorf("--dir: %w", err)
		}
		if err := devstack.CheckFolder(abs); err != nil {
			return "", nil, fmt.Errorf("--dir: %w", err)
		}
		return abs, func() {}, nil
	}
	temporary, err := os.MkdirTemp("", "ferry-demo-")
	if err != nil {
		return "", nil, fmt.Errorf("folder for the demo: %w", err)
	}
	return temporary, func() { _ = os.RemoveAll(temporary) }, nil
}

// migrateDemo uploads the file, migrates it and shows everything.
func (a *app) migrateDemo(ctx context.Context, stack *demo.Stack, f demoFlags, source string, in workflows.MigrateFileInput) error {
	client, err := temporalconn.Dial(ctx, stack.Config.Temporal, stack.TemporalEnv, quiet())
	if err != nil {
		return err
	}
	defer client.Close()
	n := &connection{
		config: stack.Config, engine: operator.New(client, stack.Config.Temporal),
		store: stack.Store, past: operator.NewArchive(stack.Store),
	}
	loc := objectstore.Location{Bucket: demo.InputBucket, Key: "input/" + filepath.Base(source)}
	in.File = loc.String()
	id := migration.IDFor(in.File)
	if err := checkFolder(f.outFor(id), id); err != nil {
		return err // before anything is done, and not after it
	}
	again, err := checkUnused(ctx, n, id)
	if err != nil {
		if used, ok := errors.AsType[*problem](err); ok {
			used.remedy = "copy the file under a new name for --file, or take another --dir"
		}
		return err
	}
	if err := a.upload(ctx, n, loc, source); err != nil {
		return err
	}
	if _, err := launch(ctx, n, id, in, again); err != nil {
		return err
	}
	a.say("Migrating " + in.File + " on route " + in.Route + " …")
	s, err := a.await(ctx, n, id)
	if err != nil {
		return err
	}
	return a.showDemo(ctx, n, stack, s, f)
}

// outFor is the folder for a migration's reports.
func (f demoFlags) outFor(id string) string {
	if f.out != "" {
		return f.out
	}
	return filepath.Join("ferry-out", id)
}

// demoFile gives the file to migrate: the user's, a generated one, or the
// sample.
func demoFile(f demoFlags, dir string) (string, error) {
	if f.file != "" {
		return f.file, nil
	}
	if f.records == 0 {
		sample := filepath.Join(dir, "acme-200.json")
		return sample, os.WriteFile(sample, examples.Acme200, 0o600)
	}
	path := filepath.Join(dir, fmt.Sprintf("generated-%d.json", f.records))
	file, err := os.Create(path)
	if err != nil {
		return "", fmt.Errorf("generated file: %w", err)
	}
	route := routes.AcmeNova()
	err = migrationfile.Generate(file, migrationfile.GenOptions{
		Records: f.records, Seed: 1, Route: &route, FailShare: demoFailures, Now: time.Now(),
	})
	return path, errors.Join(err, file.Close())
}

// showDemo writes the summary, saves the reports and shows the target's own
// books.
func (a *app) showDemo(ctx context.Context, n *connection, stack *demo.Stack, s migration.Summary, f demoFlags) error {
	out := f.outFor(s.Migration)
	saved, err := reportsOf(ctx, n, s.Migration)
	if err != nil {
		return err
	}
	saved = handedOver(saved)
	if err := clearFolder(out); err != nil {
		return err
	}
	if err := download(ctx, n.store, saved, s.Migration, s.Files, out); err != nil {
		return err
	}
	if a.json {
		return errors.Join(a.writeJSON(s), resultEnd(s))
	}
	s.Files = nil // they go with the stack; the saved ones are shown
	view.Summary(a.Out, a.style(), s)
	books, err := stack.Sandbox.Stats(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintln(a.Out)
	view.Books(a.Out, books)
	fmt.Fprintln(a.Out)
	writeReports(a.Out, saved)
	if !f.keep {
		fmt.Fprint(a.Out, "\nLook closer with 'ferry demo --keep', which leaves all of it up.\n")
	}
	return resultEnd(s)
}

// handedOver are the files that a partner gets, with the summary.
func handedOver(all []report) []report {
	var kept []report
	for _, r := range all {
		switch r.Name {
		case migration.FileReload, migration.FileErrors, migration.FileCorrelation,
			migration.FileValidation, migration.FileSummary:
			kept = append(kept, r)
		}
	}
	return kept
}

// keep waits for Ctrl-C and tells how to reach everything.
func (a *app) keep(ctx context.Context, stack *demo.Stack) {
	c := stack.Config
	fmt.Fprintf(a.Err, `
Everything stays up until Ctrl-C.
  Temporal UI   %s
  sandbox       %s  (user %s, books at /_sandbox/stats)
  S3            %s

Paste this into another terminal to use ferry and aws there:
  export FERRY_TEMPORAL_ADDRESS=%s FERRY_TEMPORAL_NAMESPACE=%s
  export FERRY_S3_ENDPOINT=%s FERRY_S3_PATH_STYLE=true FERRY_S3_WORK_BUCKET=%s
  export FERRY_S3_ACCESS_KEY_ID=%s FERRY_S3_SECRET_ACCESS_KEY=%s
  export FERRY_TARGET_BASE_URL=%s FERRY_TARGET_USERNAME=%s FERRY_TARGET_PASSWORD=%s FERRY_TARGET_ENVIRONMENT=%s
  export AWS_ENDPOINT_URL_S3=%s AWS_REGION=%s AWS_ACCESS_KEY_ID=%s AWS_SECRET_ACCESS_KEY=%s

  ferry list
  ferry start --upload FILE --route %s --wait
`,
		stack.UIURL, c.Target.BaseURL, c.Target.Username, c.S3.Endpoint,
		c.Temporal.Address, c.Temporal.Namespace,
		c.S3.Endpoint, c.S3.WorkBucket,
		// These are the stack's own credentials, made for this run.
		c.S3.AccessKeyID, c.S3.SecretAccessKey.Reveal(),
		c.Target.BaseURL, c.Target.Username, c.Target.Password.Reveal(), c.Target.Environment,
		c.S3.Endpoint, c.S3.Region, c.S3.AccessKeyID, c.S3.SecretAccessKey.Reveal(),
		routes.AcmeNovaName)
	<-ctx.Done()
	a.say("Stopping everything …")
}
