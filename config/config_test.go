package config_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/config"
)

// sources are where a configuration may come from in a test.
type sources struct {
	dir   string
	flags *pflag.FlagSet
}

func setup(t *testing.T) sources {
	t.Helper()
	flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
	config.AddFlags(flags)
	return sources{dir: t.TempDir(), flags: flags}
}

func (s sources) write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(s.dir, name)
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

// load never sees the test process's own environment.
func (s sources) load(file string, env ...string) (*config.Config, error) {
	return config.Load(config.Options{File: file, Flags: s.flags, Env: append([]string{}, env...)})
}

func TestPrecedence(t *testing.T) {
	t.Parallel()
	const fileSays = "target: {request_timeout: 11s}\nmigration: {waves: false, limits: {error_rate: 0.5}}\n"
	for _, c := range []struct {
		name     string
		file     string
		env      []string
		args     []string
		expected time.Duration
	}{
		{"default", "", nil, nil, 30 * time.Second},
		{"file over default", fileSays, nil, nil, 11 * time.Second},
		{"environment over file", fileSays, []string{"FERRY_TARGET_REQUEST_TIMEOUT=12s"}, nil, 12 * time.Second},
		{
			"flag over environment", fileSays,
			[]string{"FERRY_TARGET_REQUEST_TIMEOUT=12s"},
			[]string{"--target-request-timeout=13s"},
			13 * time.Second,
		},
		{"empty variable is none", fileSays, []string{"FERRY_TARGET_REQUEST_TIMEOUT="}, nil, 11 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := setup(t)
			require.NoError(t, s.flags.Parse(c.args))
			file := ""
			if c.file != "" {
				file = s.write(t, "ferry.yaml", c.file)
			}
			loaded, err := s.load(file, c.env...)
			require.NoError(t, err)
			require.Equal(t, c.expected, loaded.Target.RequestTimeout)
			require.Equal(t, c.file == "", loaded.Migration.Waves)
			require.NoError(t, loaded.Validate())
		})
	}
}

func TestEveryKindOfValueFromEveryPlace(t *testing.T) {
	t.Parallel()
	check := func(t *testing.T, c *config.Config, err error) {
		t.Helper()
		require.NoError(t, err)
		require.InDelta(t, 0.25, c.Migration.Limits.ErrorRate, 0)
		require.Equal(t, 7, c.Migration.Limits.Consecutive)
		require.False(t, c.Migration.Reconcile)
		require.Equal(t, "eu-north-1", c.S3.Region)
		require.Equal(t, 90*time.Second, c.Migration.RetryBudget)
	}
	t.Run("file", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		c, err := s.load(s.write(t, "c.yaml", `
s3: {region: eu-north-1}
migration: {limits: {error_rate: 0.25, consecutive: 7}, reconcile: false, retry_budget: 90s}`))
		check(t, c, err)
	})
	t.Run("environment", func(t *testing.T) {
		t.Parallel()
		c, err := setup(t).load("", "FERRY_S3_REGION=eu-north-1", "FERRY_MIGRATION_LIMITS_ERROR_RATE=0.25",
			"FERRY_MIGRATION_LIMITS_CONSECUTIVE=7", "FERRY_MIGRATION_RECONCILE=false", "FERRY_MIGRATION_RETRY_BUDGET=90s")
		check(t, c, err)
	})
	t.Run("flags", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		require.NoError(t, s.flags.Parse([]string{
			"--s3-region=eu-north-1", "--migration-limits-error-rate=0.25",
			"--migration-limits-consecutive=7", "--migration-reconcile=false", "--migration-retry-budget=90s",
		}))
		c, err := s.load("")
		check(t, c, err)
	})
}

func TestFileIsNamedByTheEnvironment(t *testing.T) {
	t.Parallel()
	s := setup(t)
	first := s.write(t, "first.yaml", "log: {level: debug}")
	second := s.write(t, "second.yaml", "log: {level: warn}")
	c, err := s.load("", "FERRY_CONFIG="+first)
	require.NoError(t, err)
	require.Equal(t, "debug", c.Log.Level)
	c, err = s.load(second, "FERRY_CONFIG="+first)
	require.NoError(t, err)
	require.Equal(t, "warn", c.Log.Level)
}

func TestWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, file string
		env        []string
		expected   []string
	}{
		{
			"misspelt keys, all named", "target: {baseurl: x}\nmigraton: {waves: true}", nil,
			[]string{"unknown key target.baseurl (did you mean target.base_url?)", "unknown key migraton.waves (did you mean migration.waves?)"},
		},
		{"misspelt empty section", "targets:\n", nil, []string{"targets"}},
		{
			"misspelt variable", "",
			[]string{"FERRY_TARGET_BASEURL=x"},
			[]string{"FERRY_TARGET_BASEURL: no such setting (did you mean FERRY_TARGET_BASE_URL?)"},
		},
		{"duration without unit", "target: {request_timeout: 30}", nil, []string{"request_timeout", "30 has no unit"}},
		{"fraction for a whole number", "migration: {batch_size: 1.5}", nil, []string{"batch_size", "1.5 is not a whole number"}},
		{"word for a number", "", []string{"FERRY_MIGRATION_BATCH_SIZE=many"}, []string{"batch_size"}},
		{"section that is a value", "target: 5", nil, []string{"target"}},
		{"not YAML", "target: [", nil, []string{"c.yaml"}},
		{"secret in both places", "target: {password: a, password_file: b}", nil, []string{"target.password and target.password_file are both set"}},
		{"secret file missing", "s3: {secret_access_key_file: /nowhere/key}", nil, []string{"s3.secret_access_key_file", "/nowhere/key"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := setup(t)
			file := ""
			if c.file != "" {
				file = s.write(t, "c.yaml", c.file)
			}
			_, err := s.load(file, c.env...)
			require.Error(t, err)
			for _, text := range c.expected {
				require.ErrorContains(t, err, text)
			}
		})
	}
}

func TestMissingFileIsNamed(t *testing.T) {
	t.Parallel()
	_, err := setup(t).load("/nowhere/ferry.yaml")
	require.ErrorIs(t, err, os.ErrNotExist)
	require.ErrorContains(t, err, "/nowhere/ferry.yaml")
}

func TestVariablesThatAreNoSettings(t *testing.T) {
	t.Parallel()
	_, err := setup(t).load("", "FERRY_TEMPORAL_CLI=/usr/bin/temporal", "FERRY_CHILD=s3", "FERRY_CHILD_PORT=1", "HOME=/root", "FERRYMAN=x")
	require.NoError(t, err)
}

func TestSecretsComeFromFiles(t *testing.T) {
	t.Parallel()
	s := setup(t)
	password := s.write(t, "password", "with space \n")
	c, err := s.load("", "FERRY_TARGET_PASSWORD_FILE="+password)
	require.NoError(t, err)
	require.Equal(t, "with space ", c.Target.Password.Reveal())
	_, err = s.load("", "FERRY_TARGET_PASSWORD_FILE="+s.write(t, "empty", "\n"))
	require.ErrorContains(t, err, "is empty")
}
