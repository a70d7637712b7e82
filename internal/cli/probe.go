package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"
)

// newProbe is for health checks of containers: the image has no shell and no
// HTTP client but this one. People have no use for it, so help hides it.
func newProbe() *cobra.Command {
	var limit time.Duration
	command := &cobra.Command{
		Use:    "probe URL",
		Hidden: true,
		Short:  "Ask a health endpoint, such as http://127.0.0.1:8081/readyz",
		Long: `Ask a health endpoint, such as http://127.0.0.1:8081/readyz. The exit code is 0
if it answers 200, else 6.`,
		Args: arguments("URL"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if u, err := url.Parse(args[0]); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
				return usagef("URL must be http:// or https://")
			}
			if limit <= 0 {
				return usagef("--limit must be positive")
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), limit)
			defer cancel()
			return probe(ctx, args[0])
		},
	}
	command.Flags().DurationVar(&limit, "limit", 3*time.Second, "how long the answer may take")
	return command
}

// probe asks once. A redirect is no answer of the endpoint's own.
func probe(ctx context.Context, address string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return fmt.Errorf("probe: %w", err)
	}
	once := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	response, err := once.Do(request)
	if err != nil {
		return fmt.Errorf("probe: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return errors.New("probe: " + address + " answers " + response.Status)
	}
	return nil
}
