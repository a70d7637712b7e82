package deploy

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/sirupsen/logrus"
	"github.com/stretchr/testify/require"
)

// ferryImage is what docker-compose.yml builds.
const ferryImage = "ferry:local"

// compose reads docker-compose.yml as `docker compose` does for somebody who
// has set nothing.
var compose = sync.OnceValues(func() (*types.Project, error) {
	// compose-go tells of missing variables in its log alone.
	var said bytes.Buffer
	logrus.SetOutput(&said)
	options, err := cli.NewProjectOptions([]string{repo("docker-compose.yml")},
		cli.WithEnv([]string{}), cli.WithProfiles([]string{"*"}), cli.WithInterpolation(true))
	if err != nil {
		return nil, err
	}
	project, err := options.LoadProject(context.Background())
	if err == nil && said.Len() > 0 {
		return nil, fmt.Errorf("docker-compose.yml: %s", said.String())
	}
	return project, err
})

func composeFile(t *testing.T) *types.Project {
	t.Helper()
	project, err := compose()
	require.NoError(t, err)
	return project
}

// ours are the services that run the image that is built here.
func ours(project *types.Project) map[string]types.ServiceConfig {
	found := map[string]types.ServiceConfig{}
	for name, service := range project.Services {
		if service.Build != nil {
			found[name] = service
		}
	}
	return found
}

// commandOf is what a service runs.
func commandOf(i *image, service types.ServiceConfig) []string {
	if len(service.Entrypoint) == 0 && len(service.Command) == 0 {
		return i.command
	}
	return slices.Concat(service.Entrypoint, service.Command)
}

// environmentOf is what a service's programs see.
func environmentOf(service types.ServiceConfig) []string {
	var env []string
	for name, value := range service.Environment {
		env = append(env, name+"="+*value)
	}
	return env
}

func TestComposeRunsOurProgramsWithTheirFlags(t *testing.T) {
	t.Parallel()
	i, project := buildImage(t), composeFile(t)
	require.Len(t, ours(project), 4)
	for name, service := range ours(project) {
		require.Equal(t, ferryImage, service.Image, name)
		i.takes(t, commandOf(i, service))
		if service.HealthCheck != nil {
			require.Equal(t, "CMD", service.HealthCheck.Test[0], "%s: the image has no shell", name)
			i.takes(t, service.HealthCheck.Test[1:])
		}
	}
}

// A program that reaches the point at which it looks for Temporal has a
// configuration without unknown settings, in which nothing is missing.
func TestComposeConfiguresOurPrograms(t *testing.T) {
	t.Parallel()
	i, project := buildImage(t), composeFile(t)
	for _, name := range []string{"worker", "dashboard", "ferry"} {
		service := project.Services[name]
		command := commandOf(i, service)
		if name == "ferry" {
			command = append(command, "list")
		}
		env := append(environmentOf(service), noTemporal...)
		for _, mounted := range service.Configs {
			file := t.TempDir() + "/" + mounted.Source
			require.NoError(t, os.WriteFile(file, []byte(project.Configs[mounted.Source].Content), 0o600))
			env = replaced(env, mounted.Target, file)
		}
		requireConfigured(t, i.run(t, env, command...))
	}
}

// noTemporal points a program to where no Temporal is.
var noTemporal = []string{"FERRY_TEMPORAL_ADDRESS=127.0.0.1:1", "FERRY_TEMPORAL_CONNECT_TIMEOUT=100ms"}

// requireConfigured asks that all that was wrong was that Temporal is away.
func requireConfigured(t *testing.T, got answer) {
	t.Helper()
	require.Equal(t, 6, got.code, got.output)
	require.Contains(t, got.output, "no Temporal server answers at 127.0.0.1:1")
}

func replaced(texts []string, from, to string) []string {
	changed := slices.Clone(texts)
	for i := range changed {
		changed[i] = strings.ReplaceAll(changed[i], from, to)
	}
	return changed
}

func TestComposeStartsEachAfterWhatItNeeds(t *testing.T) {
	t.Parallel()
	project := composeFile(t)
	for name, service := range project.Services {
		for needed, how := range service.DependsOn {
			other := project.Services[needed]
			switch how.Condition {
			case types.ServiceConditionHealthy:
				require.NotNil(t, other.HealthCheck, "%s waits for the health of %s", name, needed)
			case types.ServiceConditionCompletedSuccessfully:
				require.Contains(t, []string{"", "no"}, other.Restart, "%s waits for the end of %s", name, needed)
			default:
				require.Fail(t, "a start alone says nothing", "%s on %s", name, needed)
			}
		}
		for _, host := range hosts(service) {
			require.True(t, host == name || waitsFor(project, service, host), "%s calls %s, so it waits for it", name, host)
		}
		if service.Restart != "" && service.Restart != "no" {
			require.NotNil(t, service.HealthCheck, "%s says whether it is well", name)
		}
	}
}

var hostPort = regexp.MustCompile(`^(?:http://)?([a-z][a-z0-9-]*)(?::[0-9]+)?$`)

// hosts are the services that a service's environment names.
func hosts(service types.ServiceConfig) (found []string) {
	for name, value := range service.Environment {
		match := hostPort.FindStringSubmatch(*value)
		if match != nil && regexp.MustCompile(`ADDRESS|ENDPOINT|URL|SEEDS`).MatchString(name) {
			found = append(found, match[1])
		}
	}
	return found
}

// waitsFor tells whether a service, or one that it waits for, waits for
// another.
func waitsFor(project *types.Project, service types.ServiceConfig, other string) bool {
	for needed := range service.DependsOn {
		if needed == other || waitsFor(project, project.Services[needed], other) {
			return true
		}
	}
	return false
}

func TestComposeIsPinnedAndOnLoopback(t *testing.T) {
	t.Parallel()
	project := composeFile(t)
	taken := map[string]string{}
	for name, service := range project.Services {
		requireExactTag(t, service.Image)
		for _, port := range service.Ports {
			require.Equal(t, "127.0.0.1", port.HostIP, name)
			require.Empty(t, taken[port.Published], "%s has the port of %s", port.Published, name)
			taken[port.Published] = name
		}
		for _, volume := range service.Volumes {
			require.Equal(t, types.VolumeTypeVolume, volume.Type, name)
			require.Contains(t, project.Volumes, volume.Source, name)
		}
	}
	require.Contains(t, taken, "7233")
	require.Contains(t, taken, "8088")
}

// What runs in the containers is what the tests run.
func TestComposeRunsWhatIsTested(t *testing.T) {
	t.Parallel()
	project := composeFile(t)
	require.Equal(t, pinned(t, repo("tools", "go.mod"), "go.temporal.io/server"), "v"+tag(project, "temporal"))
	for _, name := range []string{"s3", "buckets"} {
		require.Equal(t, pinned(t, repo("go.mod"), "github.com/versity/versitygw"), tag(project, name))
	}
	require.Equal(t, pinned(t, repo("go.mod"), "github.com/versity/versitygw"), pinned(t, "go.mod", "github.com/versity/versitygw"))
}

func tag(project *types.Project, service string) string {
	_, tag, _ := strings.Cut(path.Base(project.Services[service].Image), ":")
	return tag
}

// pinned is the version of a module that a go.mod asks for.
func pinned(t *testing.T, file, module string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	match := regexp.MustCompile(`(?m)^(?:require)?\s+` + regexp.QuoteMeta(module) + ` (\S+)`).FindSubmatch(text)
	require.NotNil(t, match, "%s asks for %s", file, module)
	return string(match[1])
}

// Workflows set the attributes that are there when a worker starts, and
// nobody looks at a trial's namespace for those that are missing.
func TestTrialsHaveTheSearchAttributes(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile(repo("workflows", "attributes.go"))
	require.NoError(t, err)
	var create, dev []string
	for _, match := range regexp.MustCompile(`Attribute\w+ +?= "(\w+)"`).FindAllSubmatch(source, -1) {
		name := string(match[1])
		create = append(create, "--name", name, "--type", "Keyword") // the command wants a type for each name
		dev = append(dev, "--search-attribute="+name+"=Keyword")
	}
	require.NotEmpty(t, create)
	service := composeFile(t).Services["search-attributes"]
	require.Subset(t, service.Entrypoint, create)
	require.Equal(t, create, []string(service.Entrypoint[len(service.Entrypoint)-len(create):]))
	server := build(t, "trial").workloads["temporal"].container()
	require.Subset(t, server.Args, dev)
}

func TestComposeShutsOurContainersIn(t *testing.T) {
	t.Parallel()
	for name, service := range ours(composeFile(t)) {
		require.True(t, service.ReadOnly, name)
		require.Equal(t, []string{"ALL"}, service.CapDrop, name)
		require.Contains(t, service.SecurityOpt, "no-new-privileges:true", name)
		require.False(t, service.Privileged, name)
		require.Empty(t, service.User, "%s keeps the image's user", name)
	}
}

// Docker kills what has not stopped in time: a drain must fit in.
func TestComposeLetsAWorkerDrain(t *testing.T) {
	t.Parallel()
	worker := composeFile(t).Services["worker"]
	require.NotNil(t, worker.StopGracePeriod)
	settings := settingsOf(t, buildImage(t), environmentOf(worker))
	require.Greater(t, time.Duration(*worker.StopGracePeriod), settings.stopTimeout)
	require.Greater(t, settings.stopTimeout, settings.workflowTaskTimeout)
}

// timeouts are the settings of a worker that whoever stops it must know.
type timeouts struct {
	stopTimeout, workflowTaskTimeout time.Duration
}

// settingsOf takes a worker's timeouts from its environment, else from the
// defaults that its help names.
func settingsOf(t *testing.T, i *image, env []string) timeouts {
	t.Helper()
	help := i.run(t, nil, "/worker", "--help").output
	value := func(flag string) time.Duration {
		match := regexp.MustCompile(`--` + flag + ` .*\(default "(.*)"\)`).FindStringSubmatch(help)
		require.NotNil(t, match, flag)
		text := match[1]
		name := "FERRY_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_")) + "="
		for _, entry := range env {
			if after, is := strings.CutPrefix(entry, name); is {
				text = after
			}
		}
		d, err := time.ParseDuration(text)
		require.NoError(t, err, flag)
		return d
	}
	return timeouts{
		stopTimeout:         value("worker-stop-timeout"),
		workflowTaskTimeout: value("temporal-workflow-task-timeout"),
	}
}
