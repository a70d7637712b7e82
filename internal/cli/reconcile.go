package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/f0a90b9a/ferry/internal/cli/view"
	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/operator"
	"github.com/f0a90b9a/ferry/internal/reconcile"
)

func newReconcile(a *app) *cobra.Command {
	var report reportChoice
	command := &cobra.Command{
		Use:   "reconcile ID",
		Short: "Compare a past migration with the target again, or with a report of the platform's",
		Long: `Compare a past migration with the target again, or with a report of the
platform's, at any time after its end, also when Temporal has forgotten it.

The workers read every migrated record back and compare product, customer,
status and each date; what differs is looked at twice. With --report nobody but
the work bucket is asked: FILE is the platform's entitlement report, version 2
(a local file or s3://). Whether it must have all entitlements, the active ones
(AR) or changes alone (CR, ER) is told by its name, or by --report-has.

Rows in the platform's words are left in the work bucket, under
migrations/ID/reconciliations/. What the migration itself wrote stays as it is.
The exit code is 0 without a difference, 1 with any, 7 while the migration runs.`,
		Example: `  ferry reconcile acme-1-5f2c9a10
  ferry reconcile acme-1-5f2c9a10 --report AR_V1_W_20261116.csv`,
		Args: arguments("migration ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := report.check(cmd); err != nil {
				return err
			}
			n, err := a.dial(cmd)
			if err != nil {
				return err
			}
			defer n.close()
			past, err := checkPast(cmd.Context(), n, args[0])
			if err != nil {
				return err
			}
			compare := a.reconcile
			if report.file != "" {
				compare = report.reconcile
			}
			r, err := compare(cmd.Context(), n, past)
			if err != nil {
				return err
			}
			return a.showReconciliation(r)
		},
	}
	flags := command.Flags()
	flags.StringVar(&report.file, "report", "", "entitlement report to compare with, instead of the target")
	flags.StringVar(&report.has, "report-has", "", "what the report has: all, active or changes (default: by its name)")
	return command
}

// checkPast refuses what can't be reconciled, and gives the summary of what can.
func checkPast(ctx context.Context, n *connection, id string) (migration.Summary, error) {
	if err := checkArchive(n, id); err != nil {
		return migration.Summary{}, err
	}
	ctx, cancel := brief(ctx)
	defer cancel()
	run, err := n.engine.Describe(ctx, id)
	if err == nil && run.State == operator.Open {
		return migration.Summary{}, stillRunning(id)
	}
	if err != nil && !errors.Is(err, operator.ErrUnknown) {
		return migration.Summary{}, err
	}
	if err := refusePurged(ctx, n, id); err != nil {
		return migration.Summary{}, err
	}
	s, found, readErr := n.past.Summary(ctx, id)
	switch {
	case readErr != nil:
		return s, readErr
	case found && (s.Result == migration.Rejected || s.Result == migration.DryRun || s.Records == 0):
		return s, nothingSent(id, s.Result)
	case found:
		return s, nil
	}
	traces, readErr := n.past.Traces(ctx, id)
	switch {
	case readErr != nil:
		return s, readErr
	case err == nil && len(traces.Files) > 0:
		return s, unwritten(id, traces)
	case len(traces.Files) > 0:
		return s, forgotten(id)
	case err == nil:
		err = fmt.Errorf("migration %s: no files in bucket %s: %w", id, n.store.WorkBucket(), operator.ErrUnknown)
	}
	return s, err
}

func nothingSent(id string, result migration.Result) error {
	return &problem{
		code: exitRefused, thing: "migration " + id,
		err: fmt.Errorf("it ended as %s, so nothing was sent to the target", result),
	}
}

// reconcile has the workers compare, and shows how far they are.
func (a *app) reconcile(ctx context.Context, n *connection, past migration.Summary) (migration.Reconciliation, error) {
	a.warnNoWorker(ctx, n)
	call, cancel := brief(ctx)
	defer cancel()
	reconciling, err := n.engine.Reconcile(call, past.Migration)
	if err != nil {
		return migration.Reconciliation{}, err
	}
	asking, stop := context.WithCancel(ctx)
	asked := make(chan struct{})
	go func() {
		defer close(asked)
		a.askReconciliation(asking, n, reconciling)
	}()
	r, err := n.engine.ReconcileResult(ctx, reconciling)
	stop()
	<-asked
	if ctx.Err() != nil {
		return r, &problem{
			code: exitInterrupted, thing: "migration " + past.Migration, err: errors.New("its reconciliation goes on without you"),
			remedy: "follow it again with the same command",
		}
	}
	if failed, ok := errors.AsType[*operator.FailedError](err); ok && failed.Code == fault.CodeBadInput {
		return r, &problem{code: exitRefused, err: errors.New(failed.Message)}
	}
	return r, err
}

// askReconciliation says how far a reconciliation is until ctx ends, in lines:
// most are over before a bar could be read.
func (a *app) askReconciliation(ctx context.Context, n *connection, id string) {
	said := ""
	say := func(line string) {
		if line != said {
			said = line
			fmt.Fprintln(a.Err, line)
		}
	}
	for ctx.Err() == nil {
		call, cancel := context.WithTimeout(ctx, queryTimeout)
		r, err := n.engine.ReconcileProgress(call, id)
		cancel()
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			say(waiting(n, err))
		default:
			say(view.ReconciliationProgress(r))
		}
		select {
		case <-ctx.Done():
		case <-time.After(pollEvery):
		}
	}
}

// showReconciliation writes a comparison for whoever reads, and ends with its
// code.
func (a *app) showReconciliation(r migration.Reconciliation) error {
	if a.json {
		if err := a.writeJSON(r); err != nil {
			return err
		}
	} else {
		view.Reconciliation(a.Out, a.style(), r)
	}
	if r.Different() > 0 {
		return resultError(migration.CompletedWithFailures)
	}
	return nil
}

// reportChoice is the report that a migration is compared with.
type reportChoice struct{ file, has string }

func (c *reportChoice) check(cmd *cobra.Command) error {
	switch {
	case cmd.Flags().Changed("report") && c.file == "":
		return usagef("--report: the file is missing")
	case c.has != "" && c.file == "":
		return usagef("--report-has goes with --report")
	case c.has != "" && !reconcile.Contents(c.has).Known():
		return usagef("--report-has %q is not all, active or changes", c.has)
	}
	return nil
}

// contents is what the report has.
func (c *reportChoice) contents() reconcile.Contents {
	if c.has != "" {
		return reconcile.Contents(c.has)
	}
	return reconcile.ContentsOf(c.file)
}
