package devstack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

const (
	temporalStartLimit = 60 * time.Second
	temporalStopGrace  = 15 * time.Second
)

// TemporalOptions says how to start a Temporal dev server.
type TemporalOptions struct {
	CLIPath   string // the temporal CLI; see FindTemporalCLI
	Namespace string // empty: "default"
	DBFile    string // keeps the data over a restart; empty: in memory
	Port      int    // 0 or AnyPort: a free one
	UIPort    int    // 0: no UI; AnyPort: a free one
	LogFile   string // gets the server's output, appended; empty: none

	// DynamicConfig are the server's dynamic configuration values; they must
	// be fit for JSON.
	DynamicConfig map[string]any
	// SearchAttributes are registered at the start: name to type, e.g.
	// Keyword.
	SearchAttributes map[string]string
	// Args are further flags of `temporal server start-dev`.
	Args []string
}

// Keywords registers search attributes of the type Keyword.
func Keywords(names []string) map[string]string {
	types := make(map[string]string, len(names))
	for _, name := range names {
		types[name] = "Keyword"
	}
	return types
}

// Temporal is a running Temporal dev server.
type Temporal struct {
	server
	HostPort  string // of the frontend, 127.0.0.1:port
	UIURL     string // empty without a UI
	Namespace string

	options TemporalOptions
}

// StartTemporal starts a Temporal dev server and waits until its frontend
// knows the namespace and its UI answers, at most 60 s. The error has the
// server's last lines.
func StartTemporal(ctx context.Context, o TemporalOptions) (*Temporal, error) {
	if o.CLIPath == "" {
		return nil, errors.New("Temporal dev server: no CLI is given")
	}
	o.Namespace = orElse(o.Namespace, "default")
	t := &Temporal{Namespace: o.Namespace, options: o}
	t.ports = []*int{&t.options.Port}
	if o.UIPort != 0 {
		t.ports = append(t.ports, &t.options.UIPort)
	}
	t.launch, t.end = t.launchCLI, func(p *process) { p.stop(p.terminate, temporalStopGrace) }
	if err := t.start(ctx); err != nil {
		return nil, err
	}
	t.HostPort = address(t.options.Port)
	if o.UIPort != 0 {
		t.UIURL = "http://" + address(t.options.UIPort)
	}
	return t, nil
}

func (t *Temporal) launchCLI(ctx context.Context) (*process, error) {
	args, err := t.options.args()
	if err != nil {
		return nil, err
	}
	log, err := openLog(t.options.LogFile)
	if err != nil {
		return nil, err
	}
	p, err := run(command{
		name: "Temporal dev server",
		path: t.options.CLIPath,
		args: args,
		env:  withoutTemporal(os.Environ()),
		log:  log,
	})
	if err != nil {
		return nil, err
	}
	if err := p.awaitReady(ctx, temporalStartLimit, t.options.probe); err != nil {
		return nil, err
	}
	return p, nil
}

// args is the command line.
func (o TemporalOptions) args() ([]string, error) {
	args := []string{
		"server", "start-dev",
		"--ip", loopback, "--port", strconv.Itoa(o.Port),
		"--namespace", o.Namespace,
		// The user's own configuration of the CLI is for other servers.
		"--disable-config-file", "--disable-config-env", "--env-file", os.DevNull,
		"--color", "never",
	}
	if o.UIPort == 0 {
		args = append(args, "--headless")
	} else {
		args = append(args, "--ui-ip", loopback, "--ui-port", strconv.Itoa(o.UIPort))
	}
	if o.DBFile != "" {
		args = append(args, "--db-filename", o.DBFile)
	}
	for _, key := range slices.Sorted(maps.Keys(o.DynamicConfig)) {
		value, err := json.Marshal(o.DynamicConfig[key])
		if err != nil {
			return nil, fmt.Errorf("dynamic configuration %s: %w", key, err)
		}
		args = append(args, "--dynamic-config-value", key+"="+string(value))
	}
	for _, name := range slices.Sorted(maps.Keys(o.SearchAttributes)) {
		args = append(args, "--search-attribute", name+"="+o.SearchAttributes[name])
	}
	return append(args, o.Args...), nil
}

// probe asks the frontend for the namespace, and the UI for its page.
func (o TemporalOptions) probe(ctx context.Context) error {
	conn, err := grpc.NewClient("passthrough:///"+address(o.Port), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = workflowservice.NewWorkflowServiceClient(conn).
		DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: o.Namespace})
	if err != nil || o.UIPort == 0 {
		return err
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	return answers(ctx, client, "http://"+address(o.UIPort)+"/")
}

// withoutTemporal drops the settings with which a shell may point the CLI
// elsewhere.
func withoutTemporal(env []string) []string {
	return slices.DeleteFunc(slices.Clone(env), func(v string) bool { return strings.HasPrefix(v, "TEMPORAL_") })
}

// openLog opens the log of one start; nil for none.
func openLog(path string) (io.WriteCloser, error) {
	if path == "" {
		return nil, nil
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("log of the Temporal dev server: %w", err)
	}
	return f, nil
}
