package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/f0a90b9a/ferry/internal/migration"
)

// problems collects what is wrong, each with its key and its remedy.
type problems []error

func (p *problems) check(ok bool, format string, args ...any) {
	if !ok {
		*p = append(*p, fmt.Errorf(format, args...))
	}
}

func (p *problems) between(name string, value, low, high int) {
	p.check(value >= low && value <= high, "%s: %d is not between %d and %d", name, value, low, high)
}

func (p *problems) duration(name string, value, low, high time.Duration) {
	p.check(value >= low && value <= high, "%s: %s is not between %s and %s",
		name, value, shortDuration(low), shortDuration(high))
}

// settingKeys are the keys of settings that a start or an operator may change, too: what is
// out of range there is out of range here.
var settingKeys = map[string]string{
	"limits.errorRate":     "migration.limits.error_rate",
	"limits.minSample":     "migration.limits.min_sample",
	"limits.consecutive":   "migration.limits.consecutive",
	"limits.maxFailures":   "migration.limits.max_failures",
	"concurrency.batches":  "migration.concurrency.batches",
	"concurrency.perBatch": "migration.concurrency.per_batch",
	"requestsPerSecond":    "migration.requests_per_second",
}

func (p *problems) settings(s migration.Settings) {
	for _, e := range migration.EachOutOfRange(s.Check()) {
		p.check(false, "%s: %v is out of range: use %s", settingKeys[e.Setting], e.Value, e.Use)
	}
}

func (p *problems) address(name, value string) {
	if value == "" {
		return
	}
	_, _, err := net.SplitHostPort(value)
	p.check(err == nil, "%s: %q is not host:port", name, value)
}

func (p *problems) pollers(name string, v Pollers) {
	p.between(name+".max", v.Max, 1, 1000)
	p.check(v.Min >= 1 && v.Min <= v.Initial && v.Initial <= v.Max,
		"%s: min %d, initial %d and max %d are not in this order from 1 on", name, v.Min, v.Initial, v.Max)
}

func (p *problems) url(name, value string) {
	if value == "" {
		return
	}
	u, err := url.Parse(value)
	ok := err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
	// The value is not quoted: it may hold a password.
	p.check(ok, "%s: not an http or https URL", name)
	p.check(!ok || u.User == nil, "%s: holds credentials (use the keys for them)", name)
	p.check(!ok || u.RawQuery == "" && u.Fragment == "", "%s: has a query or a fragment", name)
}

// clearHTTP reports whether a URL is http to another machine.
func clearHTTP(value string) bool {
	u, err := url.Parse(value)
	return err == nil && u.Scheme == "http" && !loopbackHost(u.Hostname())
}

// loopbackHost reports whether a host is this machine by its very name.
func loopbackHost(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// Validate judges every value and gives all problems at once, each with its
// key. It does not ask for what only a worker needs.
func (c *Config) Validate() error {
	var p problems
	c.validateTemporal(&p)
	c.validateStores(&p)
	c.validateMigration(&p)
	c.validatePrograms(&p)
	return errors.Join(p...)
}

// ValidateWorker judges every value and what a worker can't do without.
func (c *Config) ValidateWorker() error {
	var p problems
	p.check(c.S3.WorkBucket != "", "s3.work_bucket: is required (name a bucket that Ferry alone writes to)")
	p.check(c.Target.BaseURL != "", "target.base_url: is required (the Resale API's address, such as https://host)")
	p.check(c.Target.Username != "", "target.username: is required")
	p.check(c.Target.Password != "", "target.password: is required (set target.password_file or FERRY_TARGET_PASSWORD)")
	p.check(c.Notify.URL != "" || c.Notify.Secret == "", "notify.secret: is set without notify.url")
	p.check(c.Notify.URL == "" || c.Notify.Secret != "",
		"notify.secret: is required with notify.url, so that the receiver can tell whose messages they are (openssl rand -base64 32 makes one)")
	p.check(c.Target.Environment != "",
		"target.environment: is required (a name such as sandbox or production; a file name is good once in each)")
	return errors.Join(c.Validate(), errors.Join(p...))
}

func (c *Config) validateTemporal(p *problems) {
	t := c.Temporal
	p.address("temporal.address", t.Address)
	p.check(t.TaskQueue != "", "temporal.task_queue: is empty (the default is ferry)")
	p.duration("temporal.workflow_task_timeout", t.WorkflowTaskTimeout, time.Second, 2*time.Minute)
	p.check(t.SearchAttributes == SearchAttributesAuto || t.SearchAttributes == SearchAttributesOff,
		"temporal.search_attributes: %q is not auto or off", t.SearchAttributes)
	p.duration("temporal.connect_timeout", t.ConnectTimeout, 100*time.Millisecond, 5*time.Minute)
	p.check(t.DeploymentName == "" || versionName.MatchString(t.DeploymentName),
		"temporal.deployment_name: %q is not a plain name (letters, digits, dash, underscore)", t.DeploymentName)
	p.check(t.BuildID == "" || buildName.MatchString(t.BuildID),
		"temporal.build_id: %q is not a plain name (letters, digits, dot, dash, underscore, plus)", t.BuildID)
}

var (
	// environmentName fits into an object key between two slashes.
	environmentName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)
	// versionName has no dot, which Temporal puts between a deployment and a build.
	versionName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$`)
	buildName   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._+-]{0,127}$`)
	bucketName  = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
)

func (c *Config) validateStores(p *problems) {
	s, t := c.S3, c.Target
	p.url("s3.endpoint", s.Endpoint)
	p.check(s.Region != "", "s3.region: is empty (the default is us-east-1)")
	p.check((s.AccessKeyID == "") == (s.SecretAccessKey == ""),
		"s3.access_key_id and s3.secret_access_key: only one is set (set both, or none for the AWS SDK's own chain)")
	p.check(s.WorkBucket == "" || bucketName.MatchString(s.WorkBucket),
		"s3.work_bucket: %q is not a bucket's name (3 to 63 lower-case letters, digits, dots and dashes)", s.WorkBucket)
	p.url("target.base_url", t.BaseURL)
	p.check(t.AllowHTTP || !clearHTTP(t.BaseURL), "target.base_url: is http beyond this machine, so its password would cross the network unencrypted "+
		"(write https://, or set target.allow_http if that network is to be trusted)")
	p.check(!strings.Contains(t.Username, ":"), "target.username: holds a colon, which HTTP Basic can't carry")
	p.check(t.Environment == "" || environmentName.MatchString(t.Environment),
		"target.environment: %q is not a plain name (letters, digits, dot, dash, underscore)", t.Environment)
	p.duration("target.request_timeout", t.RequestTimeout, 100*time.Millisecond, time.Minute)
	p.between("target.max_in_flight", t.MaxInFlight, 1, 10_000)
}

func (c *Config) validateMigration(p *problems) {
	m := c.Migration
	p.settings(c.Settings())
	p.between("migration.batch_size", m.BatchSize, 1, migration.MaxPerBatch)
	p.duration("migration.retry_budget", m.RetryBudget, time.Second, 7*24*time.Hour)
	p.duration("migration.hold_after", m.HoldAfter, time.Second, 24*time.Hour)
	p.check(m.RetryBudget%time.Second == 0, "migration.retry_budget: %s is not whole seconds", m.RetryBudget)
	p.check(m.HoldAfter%time.Second == 0, "migration.hold_after: %s is not whole seconds", m.HoldAfter)
	p.duration("migration.second_look", m.SecondLook, 0, time.Hour)
	p.check(m.SecondLook%time.Second == 0, "migration.second_look: %s is not whole seconds", m.SecondLook)
	p.between("migration.max_problems", m.MaxProblems, 1, 1_000_000)
	p.between("migration.continue_after_events", m.ContinueAfterEvents, 100, 10_000)
}

func (c *Config) validatePrograms(p *problems) {
	w := c.Worker
	// The SDK needs room for two workflow tasks.
	p.between("worker.max_concurrent_workflow_tasks", w.MaxConcurrentWorkflowTasks, 2, 10_000)
	p.between("worker.max_concurrent_activities", w.MaxConcurrentActivities, 1, 10_000)
	p.between("worker.max_concurrent_local_activities", w.MaxConcurrentLocalActivities, 1, 10_000)
	p.pollers("worker.workflow_pollers", w.WorkflowPollers)
	p.pollers("worker.activity_pollers", w.ActivityPollers)
	p.between("worker.sticky_cache_size", w.StickyCacheSize, 1, 1_000_000)
	p.address("worker.health_address", w.HealthAddress)
	p.url("worker.traces_endpoint", w.TracesEndpoint)
	p.duration("worker.stop_timeout", w.StopTimeout, 0, time.Hour)
	p.check(w.StopTimeout > c.Temporal.WorkflowTaskTimeout,
		"worker.stop_timeout: %s is not longer than temporal.workflow_task_timeout (%s): "+
			"a worker that is told to stop would leave tasks behind, and their calls would be made again",
		shortDuration(w.StopTimeout), shortDuration(c.Temporal.WorkflowTaskTimeout))
	p.check(slices.Contains(levels, c.Log.Level), "log.level: %q is not one of %s", c.Log.Level, strings.Join(levels, ", "))
	p.check(slices.Contains(formats, c.Log.Format), "log.format: %q is not one of %s", c.Log.Format, strings.Join(formats, ", "))
	c.validateDashboard(p)
}
