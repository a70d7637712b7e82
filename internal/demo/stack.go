// Package demo brings up everything that a migration needs on loopback: a
// Temporal dev server, an S3 server, the sandbox as the target, and a worker in
// this process. `ferry demo` calls it, and tests of the whole may. It holds
// test data only and listens on 127.0.0.1 alone. The calling program's main
// must call devstack.RunChild first.
package demo

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/f0a90b9a/ferry/config"
	"github.com/f0a90b9a/ferry/internal/devstack"
	"github.com/f0a90b9a/ferry/internal/ferryworker"
	"github.com/f0a90b9a/ferry/internal/objectstore"
	"github.com/f0a90b9a/ferry/internal/sandbox"
	"github.com/f0a90b9a/ferry/internal/temporalconn"
	"github.com/f0a90b9a/ferry/workflows"
)

// The names that a stack uses.
const (
	WorkBucket  = "ferry"
	InputBucket = "partner" // where a partner would put files
	Environment = "demo"    // of the target
)

const headerTimeout = 5 * time.Second

// Options say how a stack is brought up.
type Options struct {
	Dir string // keeps all data and logs; must exist
	// Throwaway says that nobody will read the data again: Temporal and the
	// sandbox keep theirs in memory, and Temporal, which takes seconds to stop
	// in good order, is ended at once.
	Throwaway bool
	Config    config.Config
	Faults    sandbox.Faults
	UI        bool         // serve Temporal's UI
	Say       func(string) // gets a line about each thing that takes long
}

// Stack is what was brought up. Config leads a program to it.
type Stack struct {
	Config      *config.Config
	TemporalEnv temporalconn.Env // hides the user's own Temporal settings
	UIURL       string
	Sandbox     *sandbox.Server
	Store       *objectstore.Store

	closers []func()
	once    sync.Once
}

// Start brings a stack up; when it returns without an error, the worker polls.
// What was started before an error or the end of ctx is stopped again. ctx
// bounds the start alone.
func Start(ctx context.Context, o Options) (*Stack, error) {
	s := &Stack{
		Config:      &o.Config,
		TemporalEnv: temporalconn.Env{"TEMPORAL_CONFIG_FILE=" + os.DevNull},
	}
	if err := s.start(ctx, o); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func (s *Stack) start(ctx context.Context, o Options) error {
	cli, err := devstack.FindTemporalCLI(ctx, o.Say)
	if err != nil {
		return err
	}
	o.Say("Starting Temporal, an S3 server, the sandbox and a worker on this machine …")
	if err := s.startServers(ctx, o, cli); err != nil {
		return err
	}
	if err := s.startSandbox(o); err != nil {
		return err
	}
	s.Store, err = objectstore.New(ctx, ferryworker.StoreOptions(s.Config.S3))
	if err != nil {
		return err
	}
	for _, bucket := range []string{WorkBucket, InputBucket} {
		if err := s.Store.EnsureBucket(ctx, bucket); err != nil {
			return err
		}
	}
	return s.startWorker(ctx, o)
}

// startServers starts the two child processes side by side.
func (s *Stack) startServers(ctx context.Context, o Options, cli string) error {
	var group errgroup.Group
	var temporal *devstack.Temporal
	var s3 *devstack.S3
	group.Go(func() (err error) {
		temporal, err = devstack.StartTemporal(ctx, temporalOptions(o, cli))
		return err
	})
	group.Go(func() (err error) {
		s3, err = devstack.StartS3(ctx, devstack.S3Options{Dir: filepath.Join(o.Dir, "s3")})
		return err
	})
	err := group.Wait()
	if s3 != nil {
		s.closers = append(s.closers, s3.Stop)
		s.Config.S3 = config.S3{
			Region: "us-east-1", Endpoint: s3.Endpoint, PathStyle: true,
			AccessKeyID: s3.AccessKey, SecretAccessKey: config.Secret(s3.SecretKey),
			WorkBucket: WorkBucket,
		}
	}
	if temporal != nil {
		if o.Throwaway {
			s.closers = append(s.closers, temporal.Stop, temporal.Kill)
		} else {
			s.closers = append(s.closers, temporal.Stop)
		}
		s.Config.Temporal.Address, s.Config.Temporal.Namespace = temporal.HostPort, temporal.Namespace
		s.Config.Temporal.Profile = ""
		s.UIURL = temporal.UIURL
	}
	return err
}

// database is a file in the folder, or memory.
func (o Options) database(name string) string {
	if o.Throwaway {
		return ""
	}
	return filepath.Join(o.Dir, name)
}

func temporalOptions(o Options, cli string) devstack.TemporalOptions {
	options := devstack.TemporalOptions{
		CLIPath: cli,
		DBFile:  o.database("temporal.db"),
		LogFile: filepath.Join(o.Dir, "temporal.log"),

		SearchAttributes: devstack.Keywords(workflows.SearchAttributes()),
	}
	if options.DBFile != "" {
		// By default SQLite waits for the disk in every transaction, which
		// makes a migration ten times slower.
		options.Args = []string{"--sqlite-pragma", "journal_mode=wal", "--sqlite-pragma", "synchronous=normal"}
	}
	if o.UI {
		options.UIPort = devstack.AnyPort
	}
	return options
}

func (s *Stack) startSandbox(o Options) error {
	logger, err := s.logFile(o, "sandbox.log")
	if err != nil {
		return err
	}
	server, err := sandbox.New(sandbox.Options{
		DB: o.database("sandbox.db"), Faults: &o.Faults, Log: logger,
	})
	if err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	s.closers = append(s.closers, func() { _ = server.Close() })
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	web := &http.Server{
		Handler: server.Handler(), ReadHeaderTimeout: headerTimeout,
		ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
	}
	go func() { _ = web.Serve(listener) }()
	s.closers = append(s.closers, func() { _ = web.Close() })
	s.Sandbox = server
	s.Config.Target.BaseURL = "http://" + listener.Addr().String()
	s.Config.Target.Username = sandbox.DefaultUser
	s.Config.Target.Password = sandbox.DefaultPassword
	s.Config.Target.PasswordFile = ""
	s.Config.Target.Environment = Environment
	return nil
}

func (s *Stack) startWorker(ctx context.Context, o Options) error {
	s.Config.Worker.HealthAddress = ""
	// Whatever a worker leaves undone is a retry, and somebody waits at the
	// terminal: no longer than it must be.
	s.Config.Worker.StopTimeout = s.Config.Temporal.WorkflowTaskTimeout + time.Second
	logger, err := s.logFile(o, "worker.log")
	if err != nil {
		return err
	}
	worker, err := ferryworker.New(ctx, s.Config, s.TemporalEnv, logger)
	if err != nil {
		return err
	}
	s.closers = append(s.closers, func() { _ = worker.Close() }) //nolint:contextcheck // ctx bounds the start alone
	if err := worker.Start(); err != nil {                       //nolint:contextcheck // it outlives this start
		return err
	}
	s.closers = append(s.closers, worker.Stop)
	return nil
}

// logFile keeps a part's messages off the screen.
func (s *Stack) logFile(o Options, name string) (*slog.Logger, error) {
	file, err := os.OpenFile(filepath.Join(o.Dir, name), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("log file: %w", err)
	}
	s.closers = append(s.closers, func() { _ = file.Close() })
	return s.Config.Log.Logger(file), nil
}

// Close stops everything, the last started first. It takes seconds at most and
// may be called again.
func (s *Stack) Close() {
	s.once.Do(func() {
		for _, closeOne := range slices.Backward(s.closers) {
			closeOne()
		}
	})
}
