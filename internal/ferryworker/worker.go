// Package ferryworker puts a worker together from a configuration: the
// connection to Temporal, the object store, the target's client, activities
// and workflows. The worker program and `ferry demo` run it. It decides
// nothing about migrations.
package ferryworker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"

	"github.com/f0a90b9a/ferry/activities"
	"github.com/f0a90b9a/ferry/config"
	"github.com/f0a90b9a/ferry/internal/objectstore"
	"github.com/f0a90b9a/ferry/internal/resale"
	"github.com/f0a90b9a/ferry/internal/temporalconn"
	"github.com/f0a90b9a/ferry/workflows"
)

// Worker is one worker process's worth of polling.
type Worker struct {
	config     *config.Config
	logger     *slog.Logger
	connection client.Client
	target     *resale.Client
	temporal   worker.Worker
	fatal      chan error
	health     *health
}

// Run makes a worker and runs it until ctx ends, then drains it. The error
// says what is missing or unreachable, with its remedy; env is the environment
// for Temporal's own settings, nil for the process's.
func Run(ctx context.Context, c *config.Config, env temporalconn.Env, logger *slog.Logger) error {
	w, err := New(ctx, c, env, logger)
	if err != nil {
		return err
	}
	defer w.Close()
	return w.Run(ctx)
}

// New connects to Temporal and makes everything that a worker needs; it polls
// nothing yet. The worker needs a Close.
func New(ctx context.Context, c *config.Config, env temporalconn.Env, logger *slog.Logger) (*Worker, error) {
	if err := c.ValidateWorker(); err != nil {
		return nil, err
	}
	store, err := objectstore.New(ctx, StoreOptions(c.S3))
	if err != nil {
		return nil, err
	}
	target, err := resale.NewClient(TargetOptions(c.Target))
	if err != nil {
		return nil, err
	}
	connection, err := temporalconn.Dial(ctx, c.Temporal, env, logger)
	if err != nil {
		return nil, err
	}
	w := &Worker{config: c, logger: logger, connection: connection, target: target, fatal: make(chan error, 1)}
	options, err := temporalconn.Options(c.Temporal, env)
	if err != nil {
		return nil, errors.Join(err, w.Close())
	}
	w.temporal = worker.New(connection, c.Temporal.TaskQueue, w.options())
	w.health = newHealth(c.Worker.HealthAddress, connection)
	workflows.Register(w.temporal, activities.New(activities.Options{
		Store:     store,
		Target:    target,
		Defaults:  c.Settings(),
		Namespace: options.Namespace,

		MaxInFlight: c.Target.MaxInFlight,
	}))
	return w, nil
}

func (w *Worker) options() worker.Options {
	c := w.config.Worker
	autoscaling := worker.NewPollerBehaviorAutoscaling(worker.PollerBehaviorAutoscalingOptions{})
	return worker.Options{
		MaxConcurrentWorkflowTaskExecutionSize:  c.MaxConcurrentWorkflowTasks,
		MaxConcurrentActivityExecutionSize:      c.MaxConcurrentActivities,
		MaxConcurrentLocalActivityExecutionSize: c.MaxConcurrentLocalActivities,
		WorkflowTaskPollerBehavior:              autoscaling,
		ActivityTaskPollerBehavior:              autoscaling,
		WorkerStopTimeout:                       c.StopTimeout,
		OnFatalError:                            w.fail,
	}
}

func (w *Worker) fail(err error) {
	select {
	case w.fatal <- err:
	default: // the first one is the cause
	}
}

// Run polls until ctx ends, then lets what is under way finish for at most
// worker.stop_timeout. The end of ctx is no error.
func (w *Worker) Run(ctx context.Context) error {
	if err := w.Start(); err != nil {
		return err
	}
	defer w.Stop()
	select {
	case <-ctx.Done():
		w.logger.Info("The worker is draining.", "stopTimeout", w.config.Worker.StopTimeout)
		return nil
	case err := <-w.fatal:
		return fmt.Errorf("worker: %w", err)
	}
}

// Start begins to poll and serves the health endpoints. A worker that was
// started needs a Stop.
func (w *Worker) Start() error {
	if err := w.health.listen(); err != nil {
		return err
	}
	if err := w.temporal.Start(); err != nil {
		w.health.close()
		return fmt.Errorf("worker: start: %w", err)
	}
	w.health.ready.Store(true)
	w.logger.Info("The worker is polling.",
		"taskQueue", w.config.Temporal.TaskQueue, "health", w.health.address())
	return nil
}

// Stop polls no more and lets what is under way finish for at most
// worker.stop_timeout.
func (w *Worker) Stop() {
	w.health.ready.Store(false)
	w.temporal.Stop()
	w.health.close()
	w.logger.Info("The worker has stopped.")
}

// Close gives the connections up.
func (w *Worker) Close() error {
	w.connection.Close()
	w.target.Close()
	return nil
}

// StoreOptions is the object store that a configuration names.
func StoreOptions(c config.S3) objectstore.Options {
	return objectstore.Options{
		Region:          c.Region,
		Endpoint:        c.Endpoint,
		PathStyle:       c.PathStyle,
		AccessKeyID:     c.AccessKeyID,
		SecretAccessKey: c.SecretAccessKey.Reveal(),
		WorkBucket:      c.WorkBucket,
	}
}

// TargetOptions is the target that a configuration names.
func TargetOptions(c config.Target) resale.Options {
	return resale.Options{
		BaseURL:  c.BaseURL,
		Username: c.Username,
		Password: c.Password.Reveal(),
		Timeout:  c.RequestTimeout,
	}
}
