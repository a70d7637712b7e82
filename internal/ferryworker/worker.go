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
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"

	"github.com/f0a90b9a/ferry/activities"
	"github.com/f0a90b9a/ferry/config"
	"github.com/f0a90b9a/ferry/internal/objectstore"
	"github.com/f0a90b9a/ferry/internal/resale"
	"github.com/f0a90b9a/ferry/internal/telemetry"
	"github.com/f0a90b9a/ferry/internal/temporalconn"
	"github.com/f0a90b9a/ferry/internal/webhook"
	"github.com/f0a90b9a/ferry/workflows"
)

// Worker is one worker process's worth of polling.
type Worker struct {
	config     *config.Config
	logger     *slog.Logger
	connection client.Client
	target     *resale.Client
	temporal   worker.Worker
	telemetry  *telemetry.Telemetry
	fatal      chan error
	health     *health
	endAdvice  func()
}

// deadlockLimit is how long a piece of workflow code may run. Ferry's takes
// milliseconds; a worker that gets little of its processors is not to have its
// tasks refused for that.
const deadlockLimit = 5 * time.Second

// heartbeatNews is how often a pass over a whole file tells how far it is, and
// hears that it is to end.
const heartbeatNews = 5 * time.Second

// closeLimit is how long spans that are left may take to be sent.
const closeLimit = 5 * time.Second

// Run makes a worker and runs it until ctx ends, then drains it. The error
// says what is missing or unreachable, with its remedy; env is the environment
// for Temporal's own settings, nil for the process's.
func Run(ctx context.Context, c *config.Config, env temporalconn.Env, logger *slog.Logger) error {
	w, err := New(ctx, c, env, logger)
	if err != nil {
		return err
	}
	err = w.Run(ctx)
	if closed := w.Close(); closed != nil { //nolint:contextcheck // ctx has ended
		// Spans that were not sent are no reason to call a run wrong.
		logger.Warn("The worker could not close everything.", "error", closed.Error())
	}
	return err
}

// New connects to Temporal and makes everything that a worker needs; it polls
// nothing yet. The worker needs a Close.
func New(ctx context.Context, c *config.Config, env temporalconn.Env, logger *slog.Logger) (*Worker, error) {
	if err := c.ValidateWorker(); err != nil {
		return nil, err
	}
	target, err := resale.NewClient(TargetOptions(c.Target))
	if err != nil {
		return nil, err
	}
	w := &Worker{config: c, logger: logger, target: target, fatal: make(chan error, 1)}
	if err := w.assemble(ctx, env); err != nil {
		return nil, errors.Join(err, w.Close()) //nolint:contextcheck // ctx may be what has ended it
	}
	return w, nil
}

func (w *Worker) assemble(ctx context.Context, env temporalconn.Env) error {
	c := w.config
	notifier, err := w.notifier()
	if err != nil {
		return err
	}
	store, err := objectstore.New(ctx, StoreOptions(c.S3))
	if err != nil {
		return err
	}
	if err := w.connect(ctx, env); err != nil {
		return err
	}
	options, err := temporalconn.Options(c.Temporal, env)
	if err != nil {
		return err
	}
	// For the whole process; it has one worker.
	worker.SetStickyWorkflowCacheSize(c.Worker.StickyCacheSize)
	workerOptions, err := w.options()
	if err != nil {
		return err
	}
	w.temporal = worker.New(w.connection, c.Temporal.TaskQueue, workerOptions)
	w.health = newHealth(c.Worker.HealthAddress, w.connection, w.telemetry.Handler())
	workflows.Register(w.temporal, activities.New(activities.Options{
		Store:     store,
		Target:    w.target,
		Defaults:  c.Settings(),
		Namespace: options.Namespace,
		Notifier:  notifier,

		SearchAttributes: w.searchAttributes(ctx, options.Namespace),

		MaxInFlight: c.Target.MaxInFlight,
		Meter:       w.telemetry.Meter(),
	}))
	return nil
}

// connect connects to Temporal, measured.
func (w *Worker) connect(ctx context.Context, env temporalconn.Env) (err error) {
	c := w.config
	w.telemetry, err = telemetry.New(ctx, telemetry.Options{
		BuildID: BuildID(c.Temporal), TracesEndpoint: c.Worker.TracesEndpoint, Log: w.logger,
	})
	if err != nil {
		return err
	}
	w.connection, err = temporalconn.Dial(ctx, c.Temporal, env, w.logger, w.telemetry.Apply)
	return err
}

// notifier is whom migrations' ends are told; nil is nobody.
func (w *Worker) notifier() (activities.Notifier, error) {
	n := w.config.Notify
	if n.URL == "" {
		return nil, nil
	}
	sender, err := webhook.New(n.URL.Reveal(), n.Secret.Reveal())
	if err != nil {
		return nil, fmt.Errorf("notify.url: %w", err)
	}
	return sender, nil
}

// searchAttributes are those of Ferry's that the namespace has. Nothing hangs
// on them, so that a server that doesn't tell only has them left out.
func (w *Worker) searchAttributes(ctx context.Context, namespace string) []string {
	c := w.config.Temporal
	if c.SearchAttributes == config.SearchAttributesOff {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, c.ConnectTimeout)
	defer cancel()
	names, err := temporalconn.KeywordAttributes(ctx, w.connection, namespace, workflows.SearchAttributes())
	if err != nil {
		w.logger.Warn("Temporal does not tell which search attributes there are; workflows go without.", "error", err.Error())
	}
	return names
}

func (w *Worker) options() (worker.Options, error) {
	c := w.config.Worker
	version, err := deployment(w.config.Temporal)
	if err != nil {
		return worker.Options{}, err
	}
	return worker.Options{
		MaxConcurrentWorkflowTaskExecutionSize:  c.MaxConcurrentWorkflowTasks,
		MaxConcurrentActivityExecutionSize:      c.MaxConcurrentActivities,
		MaxConcurrentLocalActivityExecutionSize: c.MaxConcurrentLocalActivities,
		WorkflowTaskPollerBehavior:              pollers(c.WorkflowPollers),
		ActivityTaskPollerBehavior:              pollers(c.ActivityPollers),
		DeploymentOptions:                       version,
		WorkerStopTimeout:                       c.StopTimeout,
		DeadlockDetectionTimeout:                deadlockLimit,
		MaxHeartbeatThrottleInterval:            heartbeatNews,
		OnFatalError:                            w.fail,
	}, nil
}

func pollers(c config.Pollers) worker.PollerBehavior {
	return worker.NewPollerBehaviorAutoscaling(worker.PollerBehaviorAutoscalingOptions{
		InitialNumberOfPollers: c.Initial, MinimumNumberOfPollers: c.Min, MaximumNumberOfPollers: c.Max,
	})
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
	if err := w.Start(); err != nil { //nolint:contextcheck // what it begins ends with Stop
		return err
	}
	defer w.Stop()
	select {
	case <-ctx.Done():
		w.logger.Info("The worker is draining.", "stopTimeout", w.config.Worker.StopTimeout.String())
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
	w.endAdvice = w.advise()
	return nil
}

// Stop polls no more and lets what is under way finish for at most
// worker.stop_timeout: workflow tasks with their local activities first, then
// activities. What is left then is left as by a crash, and done again elsewhere.
func (w *Worker) Stop() {
	w.health.ready.Store(false)
	w.endAdvice()
	if within(w.config.Worker.StopTimeout+stopMargin, w.temporal.Stop) {
		w.logger.Info("The worker has stopped.")
	} else {
		w.logger.Warn("The worker has stopped, and left work behind.", "stopTimeout", w.config.Worker.StopTimeout.String())
	}
	w.health.close()
}

// stopMargin is for a worker that gives up to say so.
const stopMargin = 2 * time.Second

// within waits for f for so long, and reports whether it came to its end. The
// SDK gives each of its parts the whole of a stop timeout, one after the other.
func within(limit time.Duration, f func()) bool {
	done := make(chan struct{})
	go func() { f(); close(done) }()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-timer.C:
		return false
	}
}

// Close gives the connections up.
func (w *Worker) Close() error {
	if w.connection != nil {
		w.connection.Close()
	}
	w.target.Close()
	if w.telemetry == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeLimit)
	defer cancel()
	return w.telemetry.Close(ctx)
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
