package config_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/config"
	"github.com/f0a90b9a/ferry/internal/migration"
)

func TestDefaultsAreValid(t *testing.T) {
	t.Parallel()
	c := config.Default()
	require.NoError(t, c.Validate())
}

func TestWorkerNeeds(t *testing.T) {
	t.Parallel()
	c := config.Default()
	err := c.ValidateWorker()
	for _, key := range []string{"s3.work_bucket", "target.base_url", "target.username", "target.password", "target.environment"} {
		require.ErrorContains(t, err, key+": is required")
	}
	c.S3.WorkBucket = "ferry"
	c.Target = config.Target{
		BaseURL: "https://resale.example.com", Username: "acme", Password: "p",
		Environment: "production", RequestTimeout: time.Second, MaxInFlight: 1,
	}
	require.NoError(t, c.ValidateWorker())
	c.Log.Level = "loud"
	require.ErrorContains(t, c.ValidateWorker(), "log.level")
}

func TestEachBadValueIsNamed(t *testing.T) {
	t.Parallel()
	for key, spoil := range map[string]func(*config.Config){
		"temporal.address":               func(c *config.Config) { c.Temporal.Address = "localhost" },
		"temporal.task_queue":            func(c *config.Config) { c.Temporal.TaskQueue = "" },
		"temporal.workflow_task_timeout": func(c *config.Config) { c.Temporal.WorkflowTaskTimeout = time.Hour },
		"temporal.connect_timeout":       func(c *config.Config) { c.Temporal.ConnectTimeout = 0 },
		"s3.endpoint":                    func(c *config.Config) { c.S3.Endpoint = "localhost:9000" },
		"s3.region":                      func(c *config.Config) { c.S3.Region = "" },
		"s3.access_key_id":               func(c *config.Config) { c.S3.AccessKeyID = "id" },
		"s3.work_bucket":                 func(c *config.Config) { c.S3.WorkBucket = "a/b" },
		"target.base_url":                func(c *config.Config) { c.Target.BaseURL = "ftp://host" },
		"target.username":                func(c *config.Config) { c.Target.Username = "a:b" },
		"target.environment":             func(c *config.Config) { c.Target.Environment = "a/b" },
		"target.request_timeout":         func(c *config.Config) { c.Target.RequestTimeout = time.Millisecond },
		"target.max_in_flight":           func(c *config.Config) { c.Target.MaxInFlight = 0 },
		"migration.limits.error_rate":    func(c *config.Config) { c.Migration.Limits.ErrorRate = math.NaN() },
		"migration.limits.min_sample":    func(c *config.Config) { c.Migration.Limits.MinSample = -1 },
		"migration.limits.consecutive":   func(c *config.Config) { c.Migration.Limits.Consecutive = -1 },
		"migration.limits.max_failures":  func(c *config.Config) { c.Migration.Limits.MaxFailures = -1 },
		"migration.batch_size":           func(c *config.Config) { c.Migration.BatchSize = 201 },
		"migration.concurrency.batches":  func(c *config.Config) { c.Migration.Concurrency.Batches = 0 },
		"migration.concurrency.per_batch": func(c *config.Config) {
			c.Migration.Concurrency.PerBatch = 1000
		},
		"migration.requests_per_second":          func(c *config.Config) { c.Migration.RequestsPerSecond = math.Inf(1) },
		"migration.retry_budget":                 func(c *config.Config) { c.Migration.RetryBudget = 1500 * time.Millisecond },
		"migration.hold_after":                   func(c *config.Config) { c.Migration.HoldAfter = 0 },
		"migration.second_look":                  func(c *config.Config) { c.Migration.SecondLook = 1500 * time.Millisecond },
		"migration.max_problems":                 func(c *config.Config) { c.Migration.MaxProblems = 0 },
		"migration.continue_after_events":        func(c *config.Config) { c.Migration.ContinueAfterEvents = 50_000 },
		"worker.max_concurrent_workflow_tasks":   func(c *config.Config) { c.Worker.MaxConcurrentWorkflowTasks = 1 },
		"worker.max_concurrent_activities":       func(c *config.Config) { c.Worker.MaxConcurrentActivities = 0 },
		"worker.max_concurrent_local_activities": func(c *config.Config) { c.Worker.MaxConcurrentLocalActivities = 0 },
		"worker.health_address":                  func(c *config.Config) { c.Worker.HealthAddress = "8081" },
		"worker.stop_timeout":                    func(c *config.Config) { c.Worker.StopTimeout = -time.Second },
		"worker.stop_timeout: 10s is not longer than temporal.workflow_task_timeout (10s)": func(c *config.Config) {
			c.Worker.StopTimeout = c.Temporal.WorkflowTaskTimeout
		},
		"worker.workflow_pollers.max":                func(c *config.Config) { c.Worker.WorkflowPollers.Max = 5000 },
		"worker.activity_pollers: min 0":             func(c *config.Config) { c.Worker.ActivityPollers.Min = 0 },
		"worker.activity_pollers: min 1, initial 60": func(c *config.Config) { c.Worker.ActivityPollers.Initial = 60 },
		"worker.sticky_cache_size":                   func(c *config.Config) { c.Worker.StickyCacheSize = 0 },
		"worker.traces_endpoint":                     func(c *config.Config) { c.Worker.TracesEndpoint = "collector:4318" },
		"temporal.deployment_name":                   func(c *config.Config) { c.Temporal.DeploymentName = "ferry.eu" },
		"temporal.build_id":                          func(c *config.Config) { c.Temporal.BuildID = "a b" },
		"log.level":                                  func(c *config.Config) { c.Log.Level = "trace" },
		"log.format":                                 func(c *config.Config) { c.Log.Format = "xml" },
		"dashboard.address":                          func(c *config.Config) { c.Dashboard.Address = "here" },
		"dashboard.trusted_proxies":                  func(c *config.Config) { c.Dashboard.TrustedProxies = "10.0.0.0/8, proxy" },
		"dashboard.user_header": func(c *config.Config) {
			c.Dashboard.UserHeader, c.Dashboard.TrustedProxies = "X-User", "10.0.0.1"
		},
		"dashboard.public_url":    func(c *config.Config) { c.Dashboard.PublicURL = "ferry.example.com" },
		"dashboard.temporal_ui":   func(c *config.Config) { c.Dashboard.TemporalUI = "127.0.0.1:8233" },
		"dashboard.tls_cert_file": func(c *config.Config) { c.Dashboard.TLSCertFile = "cert.pem" },
		"dashboard.max_upload_mb": func(c *config.Config) { c.Dashboard.MaxUploadMB = 0 },
	} {
		t.Run(key, func(t *testing.T) {
			t.Parallel()
			c := config.Default()
			spoil(&c)
			require.ErrorContains(t, c.Validate(), key)
		})
	}
}

// What a start and an operator may not set, the configuration may not either.
func TestSettingsHaveOneSetOfBounds(t *testing.T) {
	t.Parallel()
	for key, spoil := range map[string]func(*config.Migration){
		"error_rate: +Inf":                 func(m *config.Migration) { m.Limits.ErrorRate = math.Inf(1) },
		"error_rate: 1.5":                  func(m *config.Migration) { m.Limits.ErrorRate = 1.5 },
		"min_sample: 100000001":            func(m *config.Migration) { m.Limits.MinSample = migration.MaxCount + 1 },
		"consecutive: 9223372036854775807": func(m *config.Migration) { m.Limits.Consecutive = math.MaxInt },
		"max_failures: 100000001":          func(m *config.Migration) { m.Limits.MaxFailures = migration.MaxCount + 1 },
		"batches: 33":                      func(m *config.Migration) { m.Concurrency.Batches = 33 },
		"per_batch: 201":                   func(m *config.Migration) { m.Concurrency.PerBatch = 201 },
		"requests_per_second: NaN":         func(m *config.Migration) { m.RequestsPerSecond = math.NaN() },
		"requests_per_second: -1":          func(m *config.Migration) { m.RequestsPerSecond = -1 },
		"requests_per_second: 1e-09":       func(m *config.Migration) { m.RequestsPerSecond = 1e-9 },
		"requests_per_second: 100001":      func(m *config.Migration) { m.RequestsPerSecond = 100_001 },
	} {
		c := config.Default()
		spoil(&c.Migration)
		require.ErrorContains(t, c.Validate(), key+" is out of range: use ")
	}
}

func TestAllProblemsAtOnce(t *testing.T) {
	t.Parallel()
	c := config.Default()
	c.Log.Level, c.Log.Format = "loud", "xml"
	c.Migration.BatchSize = 0
	c.Target.BaseURL = "https://user:hunter2@host"
	err := c.Validate()
	for _, key := range []string{"log.level", "log.format", "migration.batch_size", "target.base_url: holds credentials"} {
		require.ErrorContains(t, err, key)
	}
	require.NotContains(t, err.Error(), "hunter2")
}

func TestSettings(t *testing.T) {
	t.Parallel()
	c := config.Default()
	c.Target.Environment = "production"
	s := c.Settings()
	require.NoError(t, s.Limits.Check())
	require.NoError(t, s.Concurrency.Check())
	require.Equal(t, "production", s.Environment)
	require.Equal(t, 15*time.Minute, s.RetryBudget())
	require.Equal(t, 2*time.Minute, s.HoldAfter())
	require.Equal(t, 10, s.SecondLookSeconds)
	require.True(t, s.Waves)
	require.True(t, s.Reconcile)
	require.Equal(t, 50, s.BatchSize)
}

func TestATargetBeyondThisMachineNeedsTLS(t *testing.T) {
	t.Parallel()
	for url, fine := range map[string]bool{
		"https://resale.example.com": true, "http://127.0.0.1:8089": true, "http://localhost:8089/base": true, "http://[::1]:8089": true,
		"http://resale.example.com": false, "http://sandbox:8089": false, "HTTP://10.0.0.1": false, "http://localhost.example.com": false,
		"http://127.0.0.1.example.com": false,
	} {
		c := config.Default()
		c.Target.BaseURL = url
		if fine {
			require.NoError(t, c.Validate(), url)
			continue
		}
		require.ErrorContains(t, c.Validate(), "target.base_url: is http beyond this machine", url)
		require.ErrorContains(t, c.Validate(), "target.allow_http")
		c.Target.AllowHTTP = true
		require.NoError(t, c.Validate(), url)
	}
}
