package chaos

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/f0a90b9a/ferry/config"
	"github.com/f0a90b9a/ferry/internal/devstack"
	"github.com/f0a90b9a/ferry/internal/objectstore"
	"github.com/f0a90b9a/ferry/internal/operator"
	"github.com/f0a90b9a/ferry/internal/sandbox"
	"github.com/f0a90b9a/ferry/internal/temporalconn"
)

const (
	workBucket   = "ferry"
	inputBucket  = "partner"
	environment  = "chaos"
	route        = "acme-nova"
	headerLimit  = 10 * time.Second
	taskTimeout  = 2 * time.Second // of a workflow task, so that a lost worker is noticed soon
	callTimeout  = 2 * time.Second // of a call to the target
	holdAfter    = 3 * time.Second
	drainTimeout = taskTimeout + time.Second
)

// Stack is Temporal, an S3 server and the gates before them and before the
// target. Runs use it one after another.
type Stack struct {
	Dir string // holds logs and data

	temporal  *devstack.Temporal
	s3        *devstack.S3
	store     *objectstore.Store // past the gate
	operator  *operator.Client
	wires     *wires
	gate      targetGate
	storeGate *storeGate
	crew      *crew
	closers   []func()
}

// NewStack starts a stack that keeps its data in a folder. ctx bounds the
// start alone; the stack needs a Close.
func NewStack(ctx context.Context, dir string, say func(string)) (*Stack, error) {
	s := &Stack{Dir: dir}
	if err := s.start(ctx, say); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func (s *Stack) start(ctx context.Context, say func(string)) error {
	cli, err := devstack.FindTemporalCLI(ctx, say)
	if err != nil {
		return err
	}
	if err := s.startServers(ctx, cli); err != nil {
		return err
	}
	if s.storeGate, err = newStoreGate(s.s3.Endpoint); err != nil {
		return err
	}
	target, err := s.serve(&s.gate)
	if err != nil {
		return err
	}
	store, err := s.serve(s.storeGate)
	if err != nil {
		return err
	}
	if s.wires, err = newWires(s.temporal.HostPort, target, store); err != nil {
		return err
	}
	s.closers = append(s.closers, s.wires.close)
	if err := s.connect(ctx); err != nil {
		return err
	}
	return s.startCrew()
}

func (s *Stack) startServers(ctx context.Context, cli string) (err error) {
	s.temporal, err = devstack.StartTemporal(ctx, devstack.TemporalOptions{
		CLIPath: cli, DBFile: filepath.Join(s.Dir, "temporal.db"), LogFile: filepath.Join(s.Dir, "temporal.log"),
		// Without these every transaction waits for the disk.
		Args: []string{"--sqlite-pragma", "journal_mode=wal", "--sqlite-pragma", "synchronous=normal"},
		// A child workflow without a task timeout of its own gets the server's.
		DynamicConfig: map[string]any{"history.defaultWorkflowTaskTimeout": taskTimeout.String()},
	})
	if err != nil {
		return err
	}
	s.closers = append(s.closers, s.temporal.Stop, s.temporal.Kill)
	s.s3, err = devstack.StartS3(ctx, devstack.S3Options{Dir: filepath.Join(s.Dir, "s3")})
	if err == nil {
		s.closers = append(s.closers, s.s3.Stop)
	}
	return err
}

// serve puts a gate on a port and gives its address.
func (s *Stack) serve(h http.Handler) (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("gate: %w", err)
	}
	server := &http.Server{
		Handler: h, ReadHeaderTimeout: headerLimit,
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError), // cut connections are its business
	}
	go func() { _ = server.Serve(listener) }()
	s.closers = append(s.closers, func() { _ = server.Close() })
	return listener.Addr().String(), nil
}

func (s *Stack) connect(ctx context.Context) (err error) {
	s.store, err = objectstore.New(ctx, objectstore.Options{
		Region: "us-east-1", Endpoint: s.s3.Endpoint, PathStyle: true,
		AccessKeyID: s.s3.AccessKey, SecretAccessKey: s.s3.SecretKey, WorkBucket: workBucket,
	})
	if err != nil {
		return err
	}
	for _, bucket := range []string{workBucket, inputBucket} {
		if err := s.store.EnsureBucket(ctx, bucket); err != nil {
			return err
		}
	}
	c := config.Default().Temporal
	c.Address, c.Namespace, c.WorkflowTaskTimeout = s.temporal.HostPort, s.temporal.Namespace, taskTimeout
	connection, err := temporalconn.Dial(ctx, c, hiddenEnv(), slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	s.closers = append(s.closers, connection.Close)
	s.operator = operator.New(connection, c)
	return nil
}

func (s *Stack) startCrew() error {
	log, err := os.OpenFile(filepath.Join(s.Dir, "worker.log"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("log of the workers: %w", err)
	}
	s.crew = &crew{log: io.Writer(log)}
	s.closers = append(s.closers, func() { _ = log.Close() }, s.crew.dismiss)
	return nil
}

// Close stops everything, the last started first.
func (s *Stack) Close() {
	for _, closeOne := range slices.Backward(s.closers) {
		closeOne()
	}
	s.closers = nil
}

// hiddenEnv hides the user's own Temporal settings.
func hiddenEnv() temporalconn.Env { return temporalconn.Env{"TEMPORAL_CONFIG_FILE=" + os.DevNull} }

// settings is Ferry's configuration by its environment variables, past the
// proxies (the CLI's) or through them (a worker's).
func (s *Stack) settings(temporal, store string) []string {
	return append([]string(hiddenEnv()),
		"FERRY_TEMPORAL_ADDRESS="+temporal,
		"FERRY_TEMPORAL_NAMESPACE="+s.temporal.Namespace,
		"FERRY_TEMPORAL_WORKFLOW_TASK_TIMEOUT="+taskTimeout.String(),
		"FERRY_S3_ENDPOINT=http://"+store,
		"FERRY_S3_PATH_STYLE=true",
		"FERRY_S3_ACCESS_KEY_ID="+s.s3.AccessKey,
		"FERRY_S3_SECRET_ACCESS_KEY="+s.s3.SecretKey,
		"FERRY_S3_WORK_BUCKET="+workBucket,
	)
}

func (s *Stack) workerSettings(retryBudget time.Duration) []string {
	return append(s.settings(s.wires.temporal.Listen, s.wires.store.Listen),
		"FERRY_TARGET_BASE_URL=http://"+s.wires.target.Listen,
		"FERRY_TARGET_USERNAME="+sandbox.DefaultUser,
		"FERRY_TARGET_PASSWORD="+sandbox.DefaultPassword,
		"FERRY_TARGET_ENVIRONMENT="+environment,
		"FERRY_TARGET_REQUEST_TIMEOUT="+callTimeout.String(),
		"FERRY_MIGRATION_RETRY_BUDGET="+retryBudget.String(),
		"FERRY_MIGRATION_HOLD_AFTER="+holdAfter.String(),
		"FERRY_WORKER_HEALTH_ADDRESS=127.0.0.1:0",
		"FERRY_WORKER_STOP_TIMEOUT="+drainTimeout.String(),
	)
}

// newTarget makes a target without entitlements for one run.
func newTarget(p Schedule, file *File) (*sandbox.Server, error) {
	faults, w := sandbox.DefaultFaults(), p.Weather
	p.Oddities.set(&faults, file)
	faults.LatencyMs, faults.ErrorRate, faults.ThrottleRate = w.LatencyMs, w.ErrorRate, w.ThrottleRate
	faults.AcceptedRate, faults.SettleAfterMs, faults.Seed = w.AcceptedRate, 300, p.Seed
	server, err := sandbox.New(sandbox.Options{Faults: &faults, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, fmt.Errorf("target: %w", err)
	}
	return server, nil
}

var errNotEnded = errors.New("it did not end in time")
