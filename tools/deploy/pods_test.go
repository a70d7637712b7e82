package deploy

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// ourImage is how kustomizations call the image of the Dockerfile.
var ourImage = regexp.MustCompile(`(^|/)ferry:`)

func isOurs(c *corev1.Container) bool { return ourImage.MatchString(c.Image) }

// commandIn is what a container runs.
func commandIn(c *corev1.Container) []string { return slices.Concat(c.Command, c.Args) }

// pod is a container to look at, in its pod.
type pod struct {
	t         *testing.T
	workload  workload
	container *corev1.Container
}

// forContainers runs a check on every container of every overlay.
func forContainers(t *testing.T, check func(p pod)) {
	t.Helper()
	forOverlays(t, func(m *manifests) {
		t := m.t
		require.Contains(t, m.workloads, "ferry-worker")
		require.Contains(t, m.workloads, "ferry-dashboard")
		for name, w := range m.workloads {
			for _, c := range w.all() {
				t.Run(name+"/"+c.Name, func(t *testing.T) {
					t.Parallel()
					check(pod{t, w, &c})
				})
			}
		}
	})
}

func TestPodsAreShutIn(t *testing.T) {
	t.Parallel()
	forContainers(t, func(p pod) {
		t, w, c := p.t, p.workload, p.container
		pod, own := w.template.Spec, c.SecurityContext
		require.NotNil(t, pod.AutomountServiceAccountToken)
		require.False(t, *pod.AutomountServiceAccountToken, "it does not call Kubernetes")
		require.True(t, *pod.SecurityContext.RunAsNonRoot)
		require.Positive(t, *pod.SecurityContext.RunAsUser)
		require.Equal(t, corev1.SeccompProfileTypeRuntimeDefault, pod.SecurityContext.SeccompProfile.Type)
		require.False(t, pod.HostNetwork || pod.HostPID || pod.HostIPC)
		require.NotNil(t, own)
		require.False(t, *own.AllowPrivilegeEscalation)
		require.True(t, *own.ReadOnlyRootFilesystem)
		require.Equal(t, []corev1.Capability{"ALL"}, own.Capabilities.Drop)
		require.Empty(t, own.Capabilities.Add)
		require.Nil(t, own.Privileged)
		if isOurs(c) {
			require.True(t, strings.HasPrefix(buildImage(t).user, resource.NewQuantity(*pod.SecurityContext.RunAsUser, resource.DecimalSI).String()+":"),
				"the user is the image's")
		}
	})
}

func TestContainersAreBounded(t *testing.T) {
	t.Parallel()
	forContainers(t, func(p pod) {
		t, c := p.t, p.container
		requireExactTag(t, c.Image)
		need, most := c.Resources.Requests, c.Resources.Limits
		require.Positive(t, need.Cpu().MilliValue())
		require.Positive(t, need.Memory().Value())
		require.GreaterOrEqual(t, most.Memory().Value(), need.Memory().Value())
		require.True(t, most.Cpu().IsZero(), "a throttled program misses its deadlines")
		for _, env := range c.Env {
			switch env.Name {
			case "GOMEMLIMIT":
				limit, err := resource.ParseQuantity(strings.TrimSuffix(env.Value, "B"))
				require.NoError(t, err)
				share := float64(limit.Value()) / float64(most.Memory().Value())
				require.InDelta(t, 0.87, share, 0.05, "Go leaves something to what it does not count")
			case "GOMAXPROCS":
				cores := resource.MustParse(env.Value)
				require.GreaterOrEqual(t, cores.MilliValue(), need.Cpu().MilliValue())
			}
		}
	})
}

func TestContainersRunOurProgramsWithTheirFlags(t *testing.T) {
	t.Parallel()
	forContainers(t, func(p pod) {
		t, c := p.t, p.container
		require.NotEmpty(t, c.Command, "it says what it runs")
		switch {
		case isOurs(c):
			buildImage(t).takes(t, commandIn(c))
		case c.Name == "temporal":
			said, err := output(t, nil, append([]string{temporalCLI(t)}, append(commandIn(c)[1:], "--help")...)...)
			require.NoError(t, err, "%s", said)
			require.Equal(t, pinned(t, repo("tools", "go.mod"), "github.com/temporalio/cli"), "v"+c.Image[strings.LastIndex(c.Image, ":")+1:])
		default:
			// As in docker-compose.yml, whose containers are tested for real.
			require.Equal(t, composeFile(t).Services["s3"].Image, c.Image)
		}
	})
}

// Whoever may list pods, or look into a node's processes, sees environments and
// arguments.
func TestSecretsAreInFilesAlone(t *testing.T) {
	t.Parallel()
	secret := regexp.MustCompile(`(?i)password|secret|token|_key$`)
	forContainers(t, func(p pod) {
		t, c := p.t, p.container
		if !isOurs(c) {
			return // the trial's S3 server takes its own in no other way
		}
		require.Empty(t, c.EnvFrom)
		for _, env := range c.Env {
			require.NotRegexp(t, secret, env.Name)
			require.Nil(t, env.ValueFrom, env.Name)
		}
		for _, arg := range c.Args {
			if name, _, _ := strings.Cut(arg, "="); !strings.HasSuffix(name, "-file") {
				require.NotRegexp(t, secret, arg)
			}
		}
	})
	forOverlays(t, func(m *manifests) {
		t := m.t
		for name, config := range m.configs {
			for line := range strings.SplitSeq(config.Data["ferry.yaml"], "\n") {
				key, _, _ := strings.Cut(strings.TrimSpace(line), ":")
				require.NotContains(t, []string{"password", "secret_access_key", "secret", "url"}, key, name)
			}
		}
	})
}

// A program that reaches the point at which it looks for Temporal has a
// configuration without unknown keys, in which nothing is missing, and has
// found its secrets.
func TestMountedConfigurationIsComplete(t *testing.T) {
	t.Parallel()
	forOverlays(t, func(m *manifests) {
		t := m.t
		for name, program := range map[string]string{"ferry-worker": "/worker", "ferry-dashboard": "/dashboard"} {
			w := m.workloads[name]
			c := w.container()
			require.Equal(t, program, c.Command[0])
			root := t.TempDir()
			for _, mount := range c.VolumeMounts {
				m.mount(filepath.Join(root, mount.MountPath), w, mount.Name)
			}
			env := noTemporal
			for _, own := range c.Env {
				env = append(slices.Clone(env), own.Name+"="+own.Value)
			}
			file := filepath.Join(root, "/etc/ferry/ferry.yaml")
			require.Equal(t, []string{"--config", "/etc/ferry/ferry.yaml"}, c.Args)
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			moved := strings.ReplaceAll(string(text), "/etc/ferry-secrets", filepath.Join(root, "/etc/ferry-secrets"))
			require.NoError(t, os.WriteFile(file, []byte(moved), 0o600))
			requireConfigured(t, buildImage(t).run(t, env, program, "--config", file))
		}
	})
}

// madeByHand are secrets that an overlay leaves to its user: name → key →
// something in its place. The README says how to make them.
var madeByHand = map[string]map[string]string{
	"ferry-worker":    {"target-password": "not-the-password"},
	"ferry-dashboard": {"users": "ferry:$2a$10$VYoMxugigxI2/LoX.QAosuonYK70I4oPPhUFavaBjKEANUPdL9Glu:operator:*"},
}

// mount writes what a volume shows to a container.
func (m *manifests) mount(folder string, w workload, volume string) {
	t := m.t
	t.Helper()
	require.NoError(t, os.MkdirAll(folder, 0o755))
	i := slices.IndexFunc(w.template.Spec.Volumes, func(v corev1.Volume) bool { return v.Name == volume })
	require.GreaterOrEqual(t, i, 0, volume)
	files := map[string]string{}
	switch v := w.template.Spec.Volumes[i]; {
	case v.ConfigMap != nil:
		require.Contains(t, m.configs, v.ConfigMap.Name)
		files = m.configs[v.ConfigMap.Name].Data
	case v.Secret != nil:
		files = m.secret(v.Secret.SecretName)
	}
	require.NotEmpty(t, files)
	for name, text := range files {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600))
	}
}

// secret gives a secret's files, be it the overlay's or the user's.
func (m *manifests) secret(name string) map[string]string {
	t := m.t
	t.Helper()
	if made := m.secrets[name]; made != nil {
		files := map[string]string{}
		for key, value := range made.Data {
			files[key] = string(value)
		}
		return files
	}
	readme, err := os.ReadFile(repo("deploy", "k8s", "README.md"))
	require.NoError(t, err)
	require.Contains(t, madeByHand, name)
	require.Contains(t, string(readme), "create secret generic "+name)
	for key := range madeByHand[name] {
		require.Contains(t, string(readme), "--from-file="+key+"=")
	}
	return madeByHand[name]
}
