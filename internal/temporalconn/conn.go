// Package temporalconn connects Ferry's programs to a Temporal service and
// says in plain words what is wrong with it. It never starts, stops or changes
// anything there.
package temporalconn

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"
	"go.temporal.io/sdk/log"

	"github.com/f0a90b9a/ferry/config"
)

// DefaultAddress is where Temporal is looked for if nothing names another.
const DefaultAddress = "127.0.0.1:7233"

// Env is an environment as os.Environ gives it; nil is the process's own.
type Env []string

// Environ gives the entries.
func (e Env) Environ() []string { return e }

// LookupEnv finds one.
func (e Env) LookupEnv(name string) (string, bool) {
	for _, entry := range e {
		if len(entry) > len(name) && entry[len(name)] == '=' && entry[:len(name)] == name {
			return entry[len(name)+1:], true
		}
	}
	return "", false
}

// Options are the SDK's connection options: its own environment and profile
// file, overlaid by what Ferry's configuration names.
func Options(c config.Temporal, env Env) (client.Options, error) {
	if env == nil {
		env = os.Environ()
	}
	options, err := envconfig.LoadClientOptions(envconfig.LoadClientOptionsRequest{
		ConfigFileProfile: c.Profile,
		EnvLookup:         env,
	})
	if err != nil {
		return options, fmt.Errorf("temporal connection settings: %w", err)
	}
	if c.Address != "" {
		options.HostPort = c.Address
	}
	if c.Namespace != "" {
		options.Namespace = c.Namespace
	}
	if options.HostPort == "" {
		options.HostPort = DefaultAddress
	}
	if options.Namespace == "" {
		options.Namespace = client.DefaultNamespace
	}
	options.ConnectionOptions.DialOptions = append(options.ConnectionOptions.DialOptions, withPlainHeaders())
	return options, nil
}

// Dial connects and checks that the server answers and has the namespace, all
// within c.ConnectTimeout. Each of change may add to the connection's options.
// The error names the address and a remedy.
func Dial(ctx context.Context, c config.Temporal, env Env, logger *slog.Logger, change ...func(*client.Options)) (client.Client, error) {
	options, err := Options(c, env)
	if err != nil {
		return nil, err
	}
	options.Logger = log.NewStructuredLogger(logger)
	for _, f := range change {
		f(&options)
	}
	ctx, cancel := context.WithTimeout(ctx, c.ConnectTimeout)
	defer cancel()
	connection, err := client.DialContext(ctx, options)
	if err != nil {
		return nil, unreachable(options, err)
	}
	_, err = connection.WorkflowService().DescribeNamespace(ctx,
		&workflowservice.DescribeNamespaceRequest{Namespace: options.Namespace})
	if err != nil {
		connection.Close()
		return nil, unreachable(options, err)
	}
	return connection, nil
}

func unreachable(o client.Options, err error) error {
	var noNamespace *serviceerror.NamespaceNotFound
	var denied *serviceerror.PermissionDenied
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case errors.As(err, &noNamespace):
		return fmt.Errorf("temporal at %s has no namespace %q (set temporal.namespace, or create it): %w",
			o.HostPort, o.Namespace, err)
	case errors.As(err, &denied):
		return fmt.Errorf("temporal at %s refuses the credentials (see TEMPORAL_API_KEY and TEMPORAL_TLS_*): %w",
			o.HostPort, err)
	}
	return fmt.Errorf("no Temporal server answers at %s (start one, or set temporal.address or TEMPORAL_ADDRESS): %w",
		o.HostPort, err)
}

// WorkerPolls reports whether any worker has lately asked a task queue for
// workflow tasks.
func WorkerPolls(ctx context.Context, c client.Client, queue string) (bool, error) {
	answer, err := c.DescribeTaskQueue(ctx, queue, enumspb.TASK_QUEUE_TYPE_WORKFLOW)
	if err != nil {
		return false, fmt.Errorf("task queue %s: %w", queue, err)
	}
	return len(answer.GetPollers()) > 0, nil
}
