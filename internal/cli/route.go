package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/f0a90b9a/ferry/config"
	"github.com/f0a90b9a/ferry/internal/cli/view"
	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/ferryworker"
	"github.com/f0a90b9a/ferry/internal/resale"
	"github.com/f0a90b9a/ferry/internal/routes"
)

func newRoute(a *app) *cobra.Command {
	var offline bool
	command := &cobra.Command{
		Use:   "route NAME",
		Short: "Print a route's rules: what a file for it may contain",
		Long: `Print a route's rules: what a file for it may contain. They come from the target
if one is configured (target.base_url and its credentials), else from those that
Ferry knows by itself: ` + strings.Join(routes.Names(), ", ") + `. With --json they are in the form
that 'ferry validate --route FILE' reads, so that a partner can check files
without access to the target.`,
		Args: arguments("route NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.loadConfig(cmd)
			if err != nil {
				return err
			}
			route, err := findRoute(cmd.Context(), c, args[0], offline)
			if err != nil {
				return err
			}
			if a.json {
				return a.writeJSON(route)
			}
			view.Route(a.Out, route)
			return nil
		},
	}
	command.Flags().BoolVar(&offline, "offline", false, "don't ask the target")
	return command
}

// findRoute asks the target for a route's rules, or gives those that are built
// in.
func findRoute(ctx context.Context, c *config.Config, name string, offline bool) (entitlement.Route, error) {
	if !offline && c.Target.BaseURL != "" {
		return targetRoute(ctx, c, name)
	}
	route, known := routes.Builtin(name)
	if !known {
		return route, &problem{
			code: exitUnable, thing: "route " + name,
			err:    fmt.Errorf("is not one of those known without a target: %s", strings.Join(routes.Names(), ", ")),
			remedy: "set target.base_url and its credentials, or name a file made by 'ferry route NAME --json'",
		}
	}
	return route, nil
}

func targetRoute(ctx context.Context, c *config.Config, name string) (entitlement.Route, error) {
	target, err := resale.NewClient(ferryworker.TargetOptions(c.Target))
	if err != nil {
		return entitlement.Route{}, err
	}
	defer target.Close()
	ctx, cancel := brief(ctx)
	defer cancel()
	route, err := target.Route(ctx, name)
	if f, ok := fault.As(err); ok && f.Code == fault.CodeNotFound {
		return route, &problem{code: exitUnable, thing: "route " + name, err: errors.New("the target doesn't know it"), remedy: "check its name"}
	}
	return route, err
}
