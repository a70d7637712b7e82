package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/f0a90b9a/ferry/config"
)

const rootLong = `Ferry migrates entitlements from one JSON file in S3 to a reseller platform.

  ferry demo                                    see it work, on this machine alone
  ferry validate FILE --route acme-nova         check a file before it is uploaded
  ferry start s3://bucket/key --route acme-nova --wait

Exit codes: 0 all migrated, started or dry run; 1 finished with failures;
2 usage; 3 rejected by validation; 4 stopped by an error limit; 5 aborted;
6 could not run; 7 refused in this state; 130 interrupted.`

func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:           "ferry",
		Short:         "Migrate entitlements to a reseller platform",
		Long:          rootLong,
		SilenceUsage:  true,
		SilenceErrors: true,
		// Without a RunE cobra would not call Args for an unknown command.
		Args: unknownCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usagef("%w", err) })
	flags := root.PersistentFlags()
	flags.StringVar(&a.configFile, "config", "", "configuration file (YAML; or FERRY_CONFIG)")
	flags.BoolVar(&a.json, "json", false, "machine output on stdout alone")
	config.AddFlags(flags, "temporal.", "s3.")
	root.AddCommand(
		newDemo(a), newValidate(a), newRoute(a),
		newStart(a), newList(a), newStatus(a), newWatch(a), newReports(a), newReload(a), newReconcile(a), newPurge(a),
		newPause(a), newResume(a), newAbort(a), newApprove(a), newLimits(a), newConcurrency(a),
		newDashboard(a), newProbe(),
	)
	return root
}

func unknownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	cmd.SuggestionsMinimumDistance = 2
	text := fmt.Sprintf("unknown command %q", args[0])
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		text += fmt.Sprintf(" (did you mean %s?)", strings.Join(near, " or "))
	}
	return usagef("%s", text)
}

// arguments asks for a number of arguments by their names; the last may end in
// "..." for one or more.
func arguments(names ...string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) < len(names) {
			return usagef("%s is missing", strings.TrimSuffix(names[len(args)], "..."))
		}
		many := len(names) > 0 && strings.HasSuffix(names[len(names)-1], "...")
		if len(args) > len(names) && !many {
			return usagef("unknown argument %q", args[len(names)])
		}
		return nil
	}
}
