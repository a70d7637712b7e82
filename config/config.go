// Package config is the configuration of Ferry's programs: what each key
// means, where its value comes from, and what is wrong with it. The programs
// load it once at their start. Nothing below them reads it, and it never
// prints a secret.
package config

import "time"

// Config is the whole configuration. Every key has a default; those that a
// program can't do without are named by ValidateWorker.
type Config struct {
	Temporal  Temporal  `mapstructure:"temporal"`
	S3        S3        `mapstructure:"s3"`
	Target    Target    `mapstructure:"target"`
	Migration Migration `mapstructure:"migration"`
	Worker    Worker    `mapstructure:"worker"`
	Log       Log       `mapstructure:"log"`
	Dashboard Dashboard `mapstructure:"dashboard"`
	Notify    Notify    `mapstructure:"notify"`
}

// Temporal says where the Temporal service is. TLS, API keys and everything
// else of the connection come from the SDK's own TEMPORAL_* environment and
// profile file. An empty address or namespace is taken from there too.
type Temporal struct {
	Address             string        `mapstructure:"address"`   // host:port
	Namespace           string        `mapstructure:"namespace"` // "default" if named nowhere
	TaskQueue           string        `mapstructure:"task_queue"`
	Profile             string        `mapstructure:"profile"`               // of the SDK's profile file
	WorkflowTaskTimeout time.Duration `mapstructure:"workflow_task_timeout"` // 1s to 2m
	ConnectTimeout      time.Duration `mapstructure:"connect_timeout"`
	SearchAttributes    string        `mapstructure:"search_attributes"` // auto, off
	DeploymentName      string        `mapstructure:"deployment_name"`   // empty: workers have no versions
	BuildID             string        `mapstructure:"build_id"`          // empty: the binary's own
}

// S3 says where the object store is. Without keys the AWS SDK's own chain
// (environment, profile, role) is used.
type S3 struct {
	Region              string `mapstructure:"region"`
	Endpoint            string `mapstructure:"endpoint"` // empty: AWS
	PathStyle           bool   `mapstructure:"path_style"`
	AccessKeyID         string `mapstructure:"access_key_id"`
	SecretAccessKey     Secret `mapstructure:"secret_access_key"`
	SecretAccessKeyFile string `mapstructure:"secret_access_key_file"`
	WorkBucket          string `mapstructure:"work_bucket"`
}

// Target is the reseller platform that entitlements are migrated to.
type Target struct {
	BaseURL        string        `mapstructure:"base_url"`
	AllowHTTP      bool          `mapstructure:"allow_http"` // beyond loopback; else base_url is https
	Username       string        `mapstructure:"username"`
	Password       Secret        `mapstructure:"password"`
	PasswordFile   string        `mapstructure:"password_file"`
	Environment    string        `mapstructure:"environment"` // names the ledger of used file names
	RequestTimeout time.Duration `mapstructure:"request_timeout"`
	MaxInFlight    int           `mapstructure:"max_in_flight"` // per route and worker, 1 to 10000
}

// Migration holds what a migration goes by where its start says nothing.
type Migration struct {
	Limits              Limits        `mapstructure:"limits"`
	BatchSize           int           `mapstructure:"batch_size"` // records, 1 to 200
	Concurrency         Concurrency   `mapstructure:"concurrency"`
	RequestsPerSecond   float64       `mapstructure:"requests_per_second"` // per worker; 0: unlimited
	Reconcile           bool          `mapstructure:"reconcile"`
	Waves               bool          `mapstructure:"waves"`
	RequireApproval     bool          `mapstructure:"require_approval"`
	ApproveFirstWave    bool          `mapstructure:"approve_first_wave"`
	RetryBudget         time.Duration `mapstructure:"retry_budget"` // whole seconds
	HoldAfter           time.Duration `mapstructure:"hold_after"`   // whole seconds
	SecondLook          time.Duration `mapstructure:"second_look"`  // whole seconds
	MaxProblems         int           `mapstructure:"max_problems"`
	ContinueAfterEvents int           `mapstructure:"continue_after_events"` // 100 to 10000
}

// Limits are the default error limits; 0 switches one off.
type Limits struct {
	ErrorRate   float64 `mapstructure:"error_rate"` // 0 to 1
	MinSample   int     `mapstructure:"min_sample"`
	Consecutive int     `mapstructure:"consecutive"`
	MaxFailures int     `mapstructure:"max_failures"`
}

// Concurrency is how much one migration has under way at once.
type Concurrency struct {
	Batches  int `mapstructure:"batches"`   // 1 to 32
	PerBatch int `mapstructure:"per_batch"` // 1 to 200
}

// Worker bounds one worker process, whatever the number of migrations.
type Worker struct {
	MaxConcurrentWorkflowTasks   int           `mapstructure:"max_concurrent_workflow_tasks"`
	MaxConcurrentActivities      int           `mapstructure:"max_concurrent_activities"`
	MaxConcurrentLocalActivities int           `mapstructure:"max_concurrent_local_activities"`
	WorkflowPollers              Pollers       `mapstructure:"workflow_pollers"`
	ActivityPollers              Pollers       `mapstructure:"activity_pollers"`
	StickyCacheSize              int           `mapstructure:"sticky_cache_size"` // workflows kept in memory
	HealthAddress                string        `mapstructure:"health_address"`    // empty: no health endpoints, no metrics
	TracesEndpoint               string        `mapstructure:"traces_endpoint"`   // of an OTLP collector; empty: no traces
	StopTimeout                  time.Duration `mapstructure:"stop_timeout"`      // above temporal.workflow_task_timeout
}

// Pollers bound how many requests for work a worker has open at the server. It
// begins with Initial and asks for more or fewer as work comes.
type Pollers struct {
	Min     int `mapstructure:"min"`
	Max     int `mapstructure:"max"`
	Initial int `mapstructure:"initial"`
}

// Log says what is logged and how.
type Log struct {
	Level  string `mapstructure:"level"`  // debug, info, warn, error
	Format string `mapstructure:"format"` // text, json
}

// Dashboard says where the dashboard listens and who may see and do what.
// Lists are separated by commas.
type Dashboard struct {
	Address        string `mapstructure:"address"`         // host:port
	UsersFile      string `mapstructure:"users_file"`      // empty: no users, loopback only
	UserHeader     string `mapstructure:"user_header"`     // in which a trusted proxy names the user
	TrustedProxies string `mapstructure:"trusted_proxies"` // addresses or networks, such as 10.0.0.0/8
	PublicURL      string `mapstructure:"public_url"`      // as browsers see it
	AllowHTTP      bool   `mapstructure:"allow_http"`      // passwords may cross a network unencrypted
	TemporalUI     string `mapstructure:"temporal_ui"`     // base address for links; empty: none
	TLSCertFile    string `mapstructure:"tls_cert_file"`
	TLSKeyFile     string `mapstructure:"tls_key_file"`
	MaxUploadMB    int    `mapstructure:"max_upload_mb"` // MiB of one uploaded file
}

// Notify says where the summary of a migration is posted when it is over. The
// address may hold a token, so it is kept as a secret.
type Notify struct {
	URL        Secret `mapstructure:"url"` // empty: nowhere
	URLFile    string `mapstructure:"url_file"`
	Secret     Secret `mapstructure:"secret"` // signs, as Standard Webhooks says
	SecretFile string `mapstructure:"secret_file"`
}

// Whether workflows set Ferry's search attributes.
const (
	SearchAttributesAuto = "auto" // those that the namespace has
	SearchAttributesOff  = "off"
)

// Default gives every key its default.
func Default() Config {
	return Config{
		Temporal:  Temporal{TaskQueue: "ferry", WorkflowTaskTimeout: 10 * time.Second, ConnectTimeout: 5 * time.Second, SearchAttributes: SearchAttributesAuto},
		S3:        S3{Region: "us-east-1"},
		Target:    Target{RequestTimeout: 30 * time.Second, MaxInFlight: 200},
		Migration: defaultMigration(),
		Worker: Worker{
			MaxConcurrentWorkflowTasks:   200,
			MaxConcurrentActivities:      200,
			MaxConcurrentLocalActivities: 200,
			WorkflowPollers:              Pollers{Min: 2, Max: 50, Initial: 5},
			ActivityPollers:              Pollers{Min: 1, Max: 50, Initial: 5},
			StickyCacheSize:              10_000,
			HealthAddress:                ":8081",
			StopTimeout:                  30 * time.Second,
		},
		Log:       Log{Level: "info", Format: "text"},
		Dashboard: Dashboard{Address: "127.0.0.1:8088", MaxUploadMB: 1024},
	}
}

func defaultMigration() Migration {
	return Migration{
		Limits:              Limits{ErrorRate: 0.10, MinSample: 100, Consecutive: 10},
		BatchSize:           50,
		Concurrency:         Concurrency{Batches: 4, PerBatch: 50},
		Reconcile:           true,
		Waves:               true,
		RetryBudget:         15 * time.Minute,
		HoldAfter:           2 * time.Minute,
		SecondLook:          10 * time.Second,
		MaxProblems:         10_000,
		ContinueAfterEvents: 4_000,
	}
}
