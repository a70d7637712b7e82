package deploy

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

var withCluster = flag.Bool("cluster", false, "apply the manifests to a real Kubernetes API server")

var (
	etcdTool      = tool{name: "etcd", module: "go.etcd.io/etcd/server/v3", in: repo("tools", "cluster")}
	apiserverTool = tool{name: "kube-apiserver", module: "k8s.io/kubernetes", pkg: "cmd/kube-apiserver", in: repo("tools", "cluster")}
	kubectlTool   = tool{name: "kubectl", module: "k8s.io/kubernetes", pkg: "cmd/kubectl", in: repo("tools", "cluster")}
)

// cluster is a Kubernetes API server with its store, and nothing that would
// run a pod.
type cluster struct {
	t       *testing.T
	kubectl []string
}

// startCluster starts an API server that believes whoever has the token.
func startCluster(t *testing.T) *cluster {
	t.Helper()
	dir, token, at := t.TempDir(), rand.Text(), freePorts(t, 3)
	store := "http://127.0.0.1:" + at[0]
	start(t, dir, launch{name: "etcd", command: []string{
		etcdTool.path(t), "--data-dir", filepath.Join(dir, "etcd"), "--listen-client-urls", store, "--advertise-client-urls", store,
		"--listen-peer-urls", "http://127.0.0.1:" + at[1], "--log-level", "warn",
	}})
	tokens, key := filepath.Join(dir, "tokens.csv"), filepath.Join(dir, "accounts.pem")
	require.NoError(t, os.WriteFile(tokens, []byte(token+",admin,admin,system:masters\n"), 0o600))
	require.NoError(t, os.WriteFile(key, accountKey(t), 0o600))
	p := start(t, dir, launch{name: "kube-apiserver", command: []string{
		apiserverTool.path(t), "--etcd-servers", store, "--bind-address", "127.0.0.1", "--secure-port", at[2],
		"--cert-dir", filepath.Join(dir, "certificates"), "--token-auth-file", tokens, "--authorization-mode", "RBAC",
		"--service-account-issuer", "https://kubernetes.default.svc", "--service-account-key-file", key,
		"--service-account-signing-key-file", key, "--service-cluster-ip-range", "10.0.0.0/24",
	}})
	c := &cluster{t: t, kubectl: []string{
		kubectlTool.path(t), "--server", "https://127.0.0.1:" + at[2], "--token", token, "--insecure-skip-tls-verify",
	}}
	p.until("ready", nil, slices.Concat(c.kubectl, []string{"get", "--raw", "/readyz"})...)
	return c
}

// accountKey makes the key with which the server signs tokens of accounts.
func accountKey(t *testing.T) []byte {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
}

// run gives what kubectl says.
func (c *cluster) run(stdin []byte, args ...string) (string, error) {
	c.t.Helper()
	var said bytes.Buffer
	cmd := exec.CommandContext(c.t.Context(), c.kubectl[0], slices.Concat(c.kubectl[1:], args)...)
	cmd.Env = []string{"HOME=" + c.t.TempDir()}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(stdin), &said, &said
	err := cmd.Run()
	return said.String(), err
}

// must runs what has to succeed without a warning: admission warns of pods
// that the namespace would refuse.
func (c *cluster) must(stdin []byte, args ...string) string {
	c.t.Helper()
	said, err := c.run(stdin, args...)
	require.NoError(c.t, err, "%v: %s", args, said)
	require.NotContains(c.t, said, "Warning", "%v", args)
	return said
}

// podMonitors stands in for the Prometheus operator's definition.
const podMonitors = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: podmonitors.monitoring.coreos.com}
spec:
  group: monitoring.coreos.com
  scope: Namespaced
  names: {kind: PodMonitor, plural: podmonitors, singular: podmonitor}
  versions:
    - name: v1
      served: true
      storage: true
      schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
`

func TestClusterTakesTheManifests(t *testing.T) { //nolint:paralleltest // it has the machine's two cores to itself
	if !*withCluster {
		t.Skip("runs with -cluster alone: it builds a Kubernetes API server (make test-k8s)")
	}
	c := startCluster(t)
	crds := filepath.Join(keda.folder(t), "config", "crd", "bases", "keda.sh_scaledobjects.yaml")
	c.must(nil, "apply", "--server-side", "--filename", crds)
	c.must([]byte(podMonitors), "apply", "--server-side", "--filename", "-")
	c.must(nil, "wait", "--for", "condition=Established", "crd", "--all", "--timeout", "2m")
	for _, overlay := range overlays {
		m, folder := build(t, overlay), repo("deploy", "k8s", "overlays", overlay)
		c.must(nil, "create", "namespace", m.namespace)
		for range 2 { // what is there already is no obstacle
			c.must(nil, "apply", "--server-side", "--force-conflicts", "--validate=strict", "--kustomize", folder)
		}
		require.Equal(t, len(m.workloads), strings.Count(c.must(nil, "--namespace", m.namespace, "get", "deployments,statefulsets", "--no-headers"), "\n"))
		c.takesPods(m)
		c.refuses(m)
	}
}

// takesPods asks for the pods that the workloads would make, which the
// namespace's security standard judges.
func (c *cluster) takesPods(m *manifests) {
	c.t.Helper()
	c.must(nil, "--namespace", m.namespace, "create", "serviceaccount", "default")
	for name, w := range m.workloads {
		c.must(c.podOf(name, w), "--namespace", m.namespace, "create", "--dry-run=server", "--filename", "-")
	}
}

// podOf gives a workload's pod.
func (c *cluster) podOf(name string, w workload) []byte {
	c.t.Helper()
	p := corev1.Pod{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: w.template.Labels},
		Spec:       *w.template.Spec.DeepCopy(),
	}
	if !slices.ContainsFunc(p.Spec.Volumes, func(v corev1.Volume) bool { return v.ConfigMap != nil }) {
		// A StatefulSet's pods get their claims from it.
		empty := corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}
		p.Spec.Volumes = append(p.Spec.Volumes, corev1.Volume{Name: "data", VolumeSource: empty})
	}
	body, err := json.Marshal(p)
	require.NoError(c.t, err)
	return body
}

// refuses shows that the server judges: what is wrong it does not take.
func (c *cluster) refuses(m *manifests) {
	c.t.Helper()
	said, err := c.run(nil, "--namespace", m.namespace, "patch", "deployment", "ferry-worker", "--dry-run=server", "--patch", `{"spec":{"replicas":-2}}`)
	require.Error(c.t, err)
	require.Contains(c.t, said, "spec.replicas")
	w := m.workloads["ferry-worker"]
	w.template.Spec.SecurityContext.RunAsNonRoot = nil
	said, err = c.run(c.podOf("root", w), "--namespace", m.namespace, "create", "--dry-run=server", "--filename", "-")
	require.Error(c.t, err)
	require.Contains(c.t, said, "violates PodSecurity")
}
