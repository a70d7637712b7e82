package deploy

import (
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/yaml"
)

func TestSelectorsChoosePods(t *testing.T) {
	t.Parallel()
	forOverlays(t, func(m *manifests) {
		t := m.t
		for name, w := range m.workloads {
			found := m.selected(w.selector)
			require.Len(t, found, 1, "%s chooses its own pods alone", name)
			require.Contains(t, found, name)
			for _, spread := range w.template.Spec.TopologySpreadConstraints {
				require.Contains(t, m.selected(spread.LabelSelector), name)
			}
		}
		for name, service := range m.services {
			found := m.selected(&metav1.LabelSelector{MatchLabels: service.Spec.Selector})
			require.Len(t, found, 1, name)
			for _, w := range found {
				for _, port := range service.Spec.Ports {
					require.NotZero(t, portOf(w, port.TargetPort), "%s: %s", name, port.TargetPort.String())
				}
			}
		}
		for name, budget := range m.budgets {
			require.Len(t, m.selected(budget.Spec.Selector), 1, name)
		}
		for name, policy := range m.policies {
			for _, w := range m.selected(&policy.Spec.PodSelector) {
				for _, rule := range policy.Spec.Ingress {
					for _, port := range rule.Ports {
						require.NotZero(t, portOf(w, *port.Port), "%s: %s", name, port.Port.String())
					}
				}
			}
			require.NotEmpty(t, m.selected(&policy.Spec.PodSelector), name)
		}
	})
}

// portOf gives the number of a container's port by its number or name; 0:
// there is none.
func portOf(w workload, port intstr.IntOrString) int32 {
	for _, c := range w.template.Spec.Containers {
		for _, own := range c.Ports {
			if port.Type == intstr.String && own.Name == port.StrVal || port.Type == intstr.Int && own.ContainerPort == port.IntVal {
				return own.ContainerPort
			}
		}
	}
	return 0
}

func TestPodsFindWhatTheyName(t *testing.T) {
	t.Parallel()
	forOverlays(t, func(m *manifests) {
		t := m.t
		for name, w := range m.workloads {
			if account := w.template.Spec.ServiceAccountName; account != "" {
				require.Contains(t, m.accounts, account, name)
			}
			for _, c := range w.template.Spec.Containers {
				require.NotNil(t, c.ReadinessProbe, name)
				for _, probe := range []*corev1.Probe{c.ReadinessProbe, c.LivenessProbe} {
					if probe != nil && probe.HTTPGet != nil {
						require.NotZero(t, portOf(w, probe.HTTPGet.Port), name)
					}
				}
				for _, env := range c.Env {
					if env.ValueFrom != nil {
						require.Contains(t, m.secret(env.ValueFrom.SecretKeyRef.Name), env.ValueFrom.SecretKeyRef.Key, name)
					}
				}
			}
			for _, v := range w.template.Spec.Volumes {
				if v.Secret != nil {
					for _, item := range v.Secret.Items {
						require.Contains(t, m.secret(v.Secret.SecretName), item.Key, name)
					}
				}
			}
		}
	})
}

// The probes ask where the programs answer.
func TestProbesAskTheHealthEndpoints(t *testing.T) {
	t.Parallel()
	help := buildImage(t).run(t, nil, "/worker", "--help").output
	health := regexp.MustCompile(`--worker-health-address .*\(default ":(\d+)"\)`).FindStringSubmatch(help)
	require.NotNil(t, health)
	forOverlays(t, func(m *manifests) {
		t := m.t
		for name, port := range map[string]string{
			"ferry-worker":    health[1],
			"ferry-dashboard": portIn(t, m.config("ferry-dashboard").Dashboard.Address),
		} {
			w := m.workloads[name]
			c := w.container()
			for path, probe := range map[string]*corev1.Probe{"/livez": c.LivenessProbe, "/readyz": c.ReadinessProbe} {
				require.Equal(t, path, probe.HTTPGet.Path, name)
				require.Equal(t, port, strconv.Itoa(int(portOf(w, probe.HTTPGet.Port))), name)
			}
		}
	})
}

// settings is the part of a mounted configuration that others must fit.
type settings struct {
	Temporal struct {
		Address, Namespace  string
		TaskQueue           string `json:"task_queue"`
		WorkflowTaskTimeout string `json:"workflow_task_timeout"`
	}
	S3     map[string]any
	Target struct {
		BaseURL string `json:"base_url"`
	}
	Worker struct {
		StopTimeout string `json:"stop_timeout"`
	}
	Dashboard struct{ Address string }
}

// config reads the configuration of a workload.
func (m *manifests) config(name string) (s settings) {
	t := m.t
	t.Helper()
	for _, v := range m.workloads[name].template.Spec.Volumes {
		if v.ConfigMap != nil {
			require.Contains(t, m.configs, v.ConfigMap.Name)
			require.NoError(t, yaml.Unmarshal([]byte(m.configs[v.ConfigMap.Name].Data["ferry.yaml"]), &s))
		}
	}
	require.NotEmpty(t, s.Temporal.Address, name)
	return s
}

func portIn(t *testing.T, address string) string {
	t.Helper()
	_, port, err := net.SplitHostPort(address)
	require.NoError(t, err)
	return port
}

func TestDashboardLooksWhereTheWorkersWork(t *testing.T) {
	t.Parallel()
	forOverlays(t, func(m *manifests) {
		t := m.t
		worker, dashboard := m.config("ferry-worker"), m.config("ferry-dashboard")
		require.Equal(t, worker.Temporal, dashboard.Temporal)
		require.Equal(t, worker.S3, dashboard.S3)
	})
}

// Kubernetes kills what has not stopped in time, and takes an old pod away only
// when a new one works.
func TestRollingRestartLetsWorkersDrain(t *testing.T) {
	t.Parallel()
	forOverlays(t, func(m *manifests) {
		t := m.t
		w, c := m.workloads["ferry-worker"], m.config("ferry-worker")
		var env []string
		if c.Worker.StopTimeout != "" {
			env = append(env, "FERRY_WORKER_STOP_TIMEOUT="+c.Worker.StopTimeout)
		}
		if c.Temporal.WorkflowTaskTimeout != "" {
			env = append(env, "FERRY_TEMPORAL_WORKFLOW_TASK_TIMEOUT="+c.Temporal.WorkflowTaskTimeout)
		}
		known := settingsOf(t, buildImage(t), env)
		grace := time.Duration(*w.template.Spec.TerminationGracePeriodSeconds) * time.Second
		require.Greater(t, grace, known.stopTimeout)
		require.Greater(t, known.stopTimeout, known.workflowTaskTimeout)
		for _, name := range []string{"ferry-worker", "ferry-dashboard"} {
			rolling := m.workloads[name].strategy
			require.Equal(t, appsv1.RollingUpdateDeploymentStrategyType, rolling.Type)
			require.Zero(t, rolling.RollingUpdate.MaxUnavailable.IntValue())
			require.Positive(t, rolling.RollingUpdate.MaxSurge.IntValue())
		}
	})
}

// A budget that allows nothing would block every drain of a node.
func TestBudgetAllowsADrain(t *testing.T) {
	t.Parallel()
	forOverlays(t, func(m *manifests) {
		t := m.t
		require.Contains(t, m.budgets, "ferry-worker")
		for _, budget := range m.budgets {
			require.Nil(t, budget.Spec.MinAvailable, "it would have to follow the number of workers")
			require.Positive(t, budget.Spec.MaxUnavailable.IntValue())
		}
		workers := m.workloads["ferry-worker"].replicas
		if workers != nil {
			require.Greater(t, *workers, int32(m.budgets["ferry-worker"].Spec.MaxUnavailable.IntValue()), "one is left")
		}
	})
}

func TestNothingIsOpenThatNobodyNeeds(t *testing.T) {
	t.Parallel()
	forOverlays(t, func(m *manifests) {
		t := m.t
		all := m.policies["default-deny"].Spec
		require.Empty(t, all.PodSelector)
		require.ElementsMatch(t, []networkingv1.PolicyType{"Ingress", "Egress"}, all.PolicyTypes)
		require.Empty(t, all.Ingress)
		require.Empty(t, all.Egress)
		for name, policy := range m.policies {
			for _, rule := range policy.Spec.Egress {
				require.NotEmpty(t, rule.To, "%s names where to", name)
			}
			for _, rule := range policy.Spec.Ingress {
				require.NotEmpty(t, rule.From, "%s names from where", name)
			}
		}
		c := m.config("ferry-worker")
		wanted := []string{"53", portIn(t, c.Temporal.Address), urlPort(t, c.Target.BaseURL)}
		endpoint, _ := c.S3["endpoint"].(string)
		wanted = append(wanted, urlPort(t, endpoint))
		for _, port := range wanted {
			require.True(t, m.mayCall("ferry-worker", port), "a worker may call port %s", port)
		}
		require.False(t, m.listensTo("ferry-worker", "monitoring", "http"))
		require.True(t, m.listensTo("ferry-worker", "monitoring", "health"))
	})
}

// urlPort gives the port of an address; S3 without an endpoint is AWS's.
func urlPort(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	require.NoError(t, err)
	if u.Port() != "" {
		return u.Port()
	}
	require.NotEqual(t, "http", u.Scheme, address)
	return "443"
}

// mayCall tells whether a policy lets a workload's pods call a port somewhere.
func (m *manifests) mayCall(name, port string) bool {
	t := m.t
	t.Helper()
	for _, policy := range m.policies {
		if _, concerns := m.selected(&policy.Spec.PodSelector)[name]; !concerns {
			continue
		}
		for _, rule := range policy.Spec.Egress {
			if len(rule.Ports) == 0 {
				return true
			}
			for _, p := range rule.Ports {
				if p.Port.String() == port {
					return true
				}
			}
		}
	}
	return false
}

// listensTo tells whether a policy lets a namespace call a workload's port.
func (m *manifests) listensTo(name, namespace, port string) bool {
	t := m.t
	t.Helper()
	for _, policy := range m.policies {
		if _, concerns := m.selected(&policy.Spec.PodSelector)[name]; !concerns {
			continue
		}
		for _, rule := range policy.Spec.Ingress {
			for _, from := range rule.From {
				if from.NamespaceSelector == nil || from.NamespaceSelector.MatchLabels["kubernetes.io/metadata.name"] != namespace {
					continue
				}
				if strings.Contains(fmt.Sprint(portNames(rule.Ports)), port) {
					return true
				}
			}
		}
	}
	return false
}

func portNames(ports []networkingv1.NetworkPolicyPort) (names []string) {
	for _, p := range ports {
		names = append(names, p.Port.String())
	}
	return names
}
