package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/f0a90b9a/ferry/internal/cli/view"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/workflows"
)

// who is asked of everybody who steers a migration: it lands in the audit
// trail.
type who struct{ by, reason string }

func (w *who) addFlags(a *app, flags *pflag.FlagSet) {
	flags.StringVar(&w.by, "by", a.userName(), "who asks for it")
	flags.StringVar(&w.reason, "reason", "", "why, for the audit trail")
}

func (w *who) action() workflows.OperatorAction {
	return workflows.OperatorAction{By: w.by, Reason: w.reason}
}

// steering is a command that sends an update and shows the migration after it.
type steering struct {
	name, update, short string
	// input makes the update's input; nil sends who alone.
	input func(flags *pflag.FlagSet, by workflows.OperatorAction) (any, error)
	// add gives the command flags of its own; may be nil.
	add func(flags *pflag.FlagSet)
}

func newSteering(a *app, k steering) *cobra.Command {
	var w who
	command := &cobra.Command{
		Use:   k.name + " ID",
		Short: k.short,
		Args:  arguments("migration ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if w.by == "" {
				return usagef("--by is missing")
			}
			if err := w.action().Check(); err != nil {
				return usagef("%s", strings.ReplaceAll(err.Error(), "\n", "; "))
			}
			var input any = w.action()
			if k.input != nil {
				var err error
				if input, err = k.input(cmd.Flags(), w.action()); err != nil {
					return err
				}
			}
			return a.steer(cmd, args[0], k.update, input)
		},
	}
	w.addFlags(a, command.Flags())
	if k.add != nil {
		k.add(command.Flags())
	}
	return command
}

func (a *app) steer(cmd *cobra.Command, id, update string, input any) error {
	n, err := a.dial(cmd)
	if err != nil {
		return err
	}
	defer n.close()
	ctx, cancel := brief(cmd.Context())
	defer cancel()
	s, err := n.engine.Update(ctx, id, update, input)
	if err != nil {
		return err
	}
	if a.json {
		return a.writeJSON(s)
	}
	writeState(a.Out, s)
	return nil
}

// writeState says in a few lines how a migration stands after an update.
func writeState(w io.Writer, s migration.Summary) {
	fmt.Fprintf(w, "%s  %s\n", view.Plain(s.Migration), view.Plain(string(s.Phase)))
	fmt.Fprintf(w, "  finished     %d of %d records\n", s.Outcomes.Finished(), s.Records)
	view.Settings(w, s.Settings)
}

func newPause(a *app) *cobra.Command {
	return newSteering(a, steering{
		name: "pause", update: workflows.UpdatePause,
		short: "Hold a migration: nothing new is started, what is in flight finishes",
	})
}

func newResume(a *app) *cobra.Command {
	return newSteering(a, steering{
		name: "resume", update: workflows.UpdateResume,
		short: "Let a paused migration go on",
	})
}

func newAbort(a *app) *cobra.Command {
	return newSteering(a, steering{
		name: "abort", update: workflows.UpdateAbort,
		short: "End a migration early; its reports are written",
	})
}

func newApprove(a *app) *cobra.Command {
	var plan string
	return newSteering(a, steering{
		name: "approve", update: workflows.UpdateApprove,
		short: "Let a migration that waits for approval go on",
		add: func(flags *pflag.FlagSet) {
			flags.StringVar(&plan, "plan", "", "hash of the plan that was looked at, as 'ferry status' shows it (required)")
		},
		input: func(_ *pflag.FlagSet, by workflows.OperatorAction) (any, error) {
			if plan == "" {
				return nil, usagef("--plan is missing: 'ferry status ID' shows the plan's hash")
			}
			in := workflows.ApproveInput{OperatorAction: by, Plan: plan}
			if err := in.Check(); err != nil {
				return nil, usagef("%w", err)
			}
			return in, nil
		},
	})
}

func newLimits(a *app) *cobra.Command {
	var l limitFlags
	return newSteering(a, steering{
		name: "limits", update: workflows.UpdateSetLimits,
		short: "Change the error limits of a running migration",
		add:   l.addFlags,
		input: func(flags *pflag.FlagSet, by workflows.OperatorAction) (any, error) {
			limits := l.input(flags)
			if limits == nil {
				return nil, usagef("no limit is given, such as --error-rate 0.2")
			}
			return workflows.SetLimitsInput{OperatorAction: by, Limits: *limits}, checkLimits(limits)
		},
	})
}

func newConcurrency(a *app) *cobra.Command {
	var w widthFlags
	return newSteering(a, steering{
		name: "concurrency", update: workflows.UpdateSetConcurrency,
		short: "Change how much a running migration has under way",
		add:   w.addFlags,
		input: func(flags *pflag.FlagSet, by workflows.OperatorAction) (any, error) {
			width, rps := w.input(flags)
			if width == nil && rps == nil {
				return nil, usagef("nothing is given, such as --batches 2")
			}
			in := workflows.SetConcurrencyInput{OperatorAction: by, RequestsPerSecond: rps}
			if width != nil {
				in.Concurrency = *width
			}
			return in, checkWidth(width, rps)
		},
	})
}
