package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/sandbox"
)

// settings are the program's flags.
type settings struct {
	listen       string
	db           string
	user         string
	password     string
	passwordFile string
	routesFile   string
	faults       string
}

func newCommand() *cobra.Command {
	var s settings
	cmd := &cobra.Command{
		Use:   "sandbox",
		Short: "Serve the stand-in target, the Resale API in its migration profile",
		Long: `Serve the stand-in target, the Resale API in its migration profile.

The API is under /v1/, the sandbox's own calls (faults, stats, entitlements)
under /_sandbox/, both with HTTP Basic; GET /healthz needs no credentials.

Faults for --faults, separated by commas:
` + sandbox.FaultSpecHelp,
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			options, err := s.options()
			if err != nil {
				return err
			}
			return serve(cmd.Context(), s.listen, options, cmd.OutOrStdout())
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&s.listen, "listen", "127.0.0.1:8089", "address to listen on; port 0 chooses a free one")
	flags.StringVar(&s.db, "db", "", "SQLite file to keep entitlements in (default: memory)")
	flags.StringVar(&s.user, "user", sandbox.DefaultUser, "user name that callers must give")
	flags.StringVar(&s.password, "password", sandbox.DefaultPassword, "password that callers must give; the default is for trials")
	flags.StringVar(&s.passwordFile, "password-file", "", "file that holds the password, instead of --password")
	flags.StringVar(&s.routesFile, "routes", "", "JSON file with an array of routes to serve beside acme-nova")
	flags.StringVar(&s.faults, "faults", "", "faults that are on from the start, e.g. errors=0.1,latency=50ms")
	cmd.MarkFlagsMutuallyExclusive("password", "password-file")
	return cmd
}

func (s settings) options() (sandbox.Options, error) {
	o := sandbox.Options{DB: s.db, User: s.user, Password: s.password}
	if s.passwordFile != "" {
		raw, err := os.ReadFile(s.passwordFile)
		if err != nil {
			return o, fmt.Errorf("password file: %w", err)
		}
		o.Password = strings.TrimRight(string(raw), "\r\n")
	}
	if o.User == "" || o.Password == "" {
		return o, errors.New("user and password may not be empty")
	}
	var err error
	if o.Routes, err = readRoutes(s.routesFile); err != nil {
		return o, err
	}
	faults, err := sandbox.ParseFaults(s.faults)
	o.Faults = &faults
	return o, err
}

func readRoutes(file string) ([]entitlement.Route, error) {
	if file == "" {
		return nil, nil
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("routes file: %w", err)
	}
	var routes []entitlement.Route
	if err := json.Unmarshal(raw, &routes); err != nil {
		return nil, fmt.Errorf("routes file %s: %w", file, err)
	}
	return routes, nil
}
