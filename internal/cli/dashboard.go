package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/f0a90b9a/ferry/config"
	"github.com/f0a90b9a/ferry/internal/dashboard"
)

func newDashboard(a *app) *cobra.Command {
	command := &cobra.Command{
		Use:   "dashboard",
		Short: "Serve a web page on which migrations can be followed, started and steered",
		Long: `Serve a web page on which migrations can be followed, started and steered,
until Ctrl-C.

It listens on loopback alone unless users are configured: dashboard.users_file
has one a line, as name:bcrypt hash:role:routes. 'htpasswd -nB NAME' makes the
first half. Roles are viewer and operator; routes are separated by commas, and
* stands for all.`,
		Example: `  ferry dashboard
  ferry dashboard --dashboard-address 127.0.0.1:9000 --dashboard-temporal-ui http://127.0.0.1:8233`,
		Args: arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.loadConfig(cmd)
			if err != nil {
				return err
			}
			scheme := "http"
			if c.Dashboard.TLSCertFile != "" {
				scheme = "https"
			}
			return dashboard.Run(cmd.Context(), dashboard.RunOptions{
				Config: c, Env: a.Env, DefaultBy: a.userName(), Log: c.Log.Logger(a.Err),
				Ready: func(address string) {
					fmt.Fprintf(a.Out, "The dashboard is at %s://%s (Ctrl-C ends it; migrations go on).\n", scheme, address)
				},
			})
		},
	}
	config.AddFlags(command.Flags(), "dashboard.", "log.")
	return command
}
