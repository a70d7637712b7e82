package cli

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWrongCommandLines(t *testing.T) {
	t.Parallel()
	for line, expected := range map[string]string{
		"strat":          `unknown command "strat" (did you mean start?)`,
		"frobnicate":     `unknown command "frobnicate"`,
		"start":          "s3://BUCKET/KEY or --upload FILE is missing",
		"start s3://b/k": "--route is missing",
		"start s3://partner/k s3://partner/l --route r":            `unknown argument "s3://partner/l"`,
		"start http://b/k --route r":                               "it must start with s3://",
		"start s3://partner/folder/ --route r":                     "folder",
		"start s3://partner/k --route r --id -x":                   `migration id "-x" must match`,
		"start s3://partner/k --route r --error-rate 2":            "--error-rate 2 is out of range: use 0 (off) to 1",
		"start s3://partner/k --route r --error-rate many":         "invalid argument",
		"start s3://partner/k --route r --batches 0":               "--batches 0 is out of range",
		"start s3://partner/k --route r --rps -1":                  "--rps -1 is out of range",
		"start s3://partner/k --route r --frob":                    "unknown flag: --frob",
		"status":                                                   "migration ID is missing",
		"status a b":                                               `unknown argument "b"`,
		"list a":                                                   `unknown argument "a"`,
		"list --limit 0":                                           "--limit 0",
		"approve a":                                                "--plan is missing",
		"limits a":                                                 "no limit is given",
		"limits a --consecutive -1":                                "--consecutive -1 is out of range",
		"limits a --min-sample 100000001":                          "--min-sample 100000001 is out of range",
		"limits a --error-rate NaN":                                "--error-rate NaN is out of range",
		"concurrency a --rps Inf":                                  "--rps +Inf is out of range",
		"concurrency a --rps 1e-9":                                 "--rps 1e-09 is out of range",
		"concurrency a --rps 100001":                               "--rps 100001 is out of range",
		"start s3://partner/k --route r --rps NaN":                 "--rps NaN is out of range",
		"concurrency a":                                            "nothing is given",
		"concurrency a --per-batch 5000":                           "--per-batch 5000 is out of range",
		"pause a --by=":                                            "--by is missing",
		"pause a --by=k --reason=" + strings.Repeat("x", 501):      `"reason" has 501 characters: use at most 500`,
		"pause a --by=" + strings.Repeat("x", 101):                 `"by" has 101 characters: use at most 100`,
		"abort a --by=k --reason=a\u202eb":                         "control character U+202E",
		"approve a --by=k --plan=" + strings.Repeat("x", 101):      "plan is 101 bytes long",
		"start s3://partner/k --route " + strings.Repeat("r", 101): "route is 101 bytes long",
		"validate":                     "FILE is missing",
		"validate - x -":               "stdin (-) can be read only once",
		"validate s3://partner":        "s3://partner",
		"validate x --max-problems -1": "--max-problems is negative",
		"validate x --from-target":     "--from-target needs --route",
		"route":                        "route NAME is missing",
		"demo --records 0":             "--records 0",
		"demo --records 5 --file f":    "records",
		"demo --fault nonsense":        "--fault",
		"demo --max-failures -1":       "--max-failures -1",
		"start s3://partner/k --route r --no-waves=perhaps":             "invalid argument",
		"start --upload f s3://partner/k s3://partner/l --route r":      `unknown argument "s3://partner/l"`,
		"start --upload a?b --route r --id " + strings.Repeat("a", 100): "must match",
	} {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			r := b.run(strings.Fields(line)...)
			requireEnd(t, r, exitUsage, "", expected)
			require.True(t, strings.HasPrefix(r.errors, "ferry: "), r.errors)
			require.Contains(t, r.errors, "--help'")
			require.Empty(t, b.temporal.started)
			require.Empty(t, b.temporal.updates)
		})
	}
}

func TestHelpNamesEveryCommand(t *testing.T) {
	t.Parallel()
	r := setup(t).run()
	for _, name := range []string{
		"demo", "validate", "route", "start", "list", "status", "watch", "pause",
		"resume", "abort", "approve", "limits", "concurrency", "reports", "reconcile",
	} {
		require.Contains(t, r.out, "\n  "+name+" ")
		one := setup(t).run(name, "--help")
		requireEnd(t, one, exitOK, "Usage:", "")
	}
	require.Equal(t, exitOK, r.code)
}

func TestBadConfigurationStopsEveryCommand(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		"list", "status a", "watch a", "pause a", "reports a", "route acme-nova",
		"validate x", "demo", "start s3://partner/k --route r",
	} {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.env = append(b.env, "FERRY_TARGT_BASE_URL=x")
			requireEnd(t, b.run(strings.Fields(line)...), exitUnable, "", "FERRY_TARGT_BASE_URL: no such setting")
		})
	}
}

// Whatever is said about a name can't act on the terminal.
func TestMessagesCannotMoveTheCursor(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, args := range [][]string{
		{"status", "a\x1b[2J\u202e"},
		{"validate", "no\x1b[2J\u202e.json"},
		{"start", "s3://partner/a\x1b[2J\u202e", "--route", "r"},
		{"start", "--upload", "no\x1b[2J\u202e.json", "--route", "r"},
		{"pau\x1b[2J\u202ese"},
		{"list", "--li\x1b[2J\u202emit"},
	} {
		r := b.run(args...)
		require.NotZero(t, r.code, args)
		require.NotContains(t, r.errors+r.out, "\x1b", args)
		require.NotContains(t, r.errors+r.out, "\u202e", args)
	}
}

func TestValidateReadsNoWebAddress(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, address := range []string{"https://files.example.com/acme.json?X-Amz-Signature=topsecret", "S3://partner/a.json", "ftp://x/y"} {
		r := b.run("validate", address)
		requireEnd(t, r, exitUsage, "", "only s3://BUCKET/KEY, a local file or - for stdin can be read (download it first")
		require.NotContains(t, r.errors, "topsecret")
	}
	r := b.run("start", "https://files.example.com/acme.json?X-Amz-Signature=topsecret", "--route", "acme-nova")
	requireEnd(t, r, exitUsage, "", "it must start with s3://")
	require.NotContains(t, r.errors, "topsecret")
}

// The user of a container has no name, but is somebody.
func TestSteeringWithoutAUserName(t *testing.T) {
	t.Parallel()
	require.NotEmpty(t, (&app{}).userName())
	require.Equal(t, "kim", (&app{Streams: Streams{Env: []string{"LOGNAME=kim"}}}).envUser())
	require.Regexp(t, `^user \d+ on .`, (&app{}).envUser())
}
