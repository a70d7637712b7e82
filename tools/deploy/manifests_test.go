package deploy

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// overlays are the installations that deploy/k8s offers.
var overlays = []string{"trial", "production"}

// manifests is all that an overlay comes to.
type manifests struct {
	t         *testing.T
	namespace string
	workloads map[string]workload
	services  map[string]*corev1.Service
	configs   map[string]*corev1.ConfigMap
	secrets   map[string]*corev1.Secret
	accounts  map[string]*corev1.ServiceAccount
	budgets   map[string]*policyv1.PodDisruptionBudget
	policies  map[string]*networkingv1.NetworkPolicy
	custom    map[string]map[string]any // by kind: what comes with an operator
}

// workload is a Deployment or a StatefulSet.
type workload struct {
	replicas *int32
	selector *metav1.LabelSelector
	strategy appsv1.DeploymentStrategy
	template corev1.PodTemplateSpec
}

// container gives the first container.
func (w workload) container() corev1.Container { return w.template.Spec.Containers[0] }

// all gives the containers, those that run first included.
func (w workload) all() []corev1.Container {
	return slices.Concat(w.template.Spec.InitContainers, w.template.Spec.Containers)
}

// customKinds are what operators add to Kubernetes.
var customKinds = []string{"ScaledObject", "PodMonitor"}

// decoder refuses fields that Kubernetes does not know.
func decoder(t *testing.T) runtime.Decoder {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		appsv1.AddToScheme, corev1.AddToScheme, networkingv1.AddToScheme, policyv1.AddToScheme,
	} {
		require.NoError(t, add(scheme))
	}
	return serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer()
}

// build does what `kustomize build` does, and reads the outcome strictly.
func build(t *testing.T, overlay string) *manifests {
	t.Helper()
	folder := repo("deploy", "k8s", "overlays", overlay)
	made, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), folder)
	require.NoError(t, err)
	m := &manifests{
		t:         t,
		workloads: map[string]workload{}, services: map[string]*corev1.Service{}, configs: map[string]*corev1.ConfigMap{},
		secrets: map[string]*corev1.Secret{}, accounts: map[string]*corev1.ServiceAccount{},
		budgets: map[string]*policyv1.PodDisruptionBudget{}, policies: map[string]*networkingv1.NetworkPolicy{},
		custom: map[string]map[string]any{},
	}
	decode := decoder(t)
	var namespaces []string
	for _, resource := range made.Resources() {
		text, err := resource.AsYAML()
		require.NoError(t, err)
		if slices.Contains(customKinds, resource.GetKind()) {
			var object map[string]any
			require.NoError(t, yaml.UnmarshalStrict(text, &object))
			m.custom[resource.GetKind()] = object
		} else {
			object, _, err := decode.Decode(text, nil, nil)
			require.NoError(t, err, "%s", text)
			m.add(object)
		}
		if resource.GetKind() != "Namespace" {
			namespaces = append(namespaces, resource.GetNamespace())
		}
	}
	slices.Sort(namespaces)
	require.Equal(t, []string{m.namespace}, slices.Compact(namespaces), "all is in the overlay's namespace")
	return m
}

func (m *manifests) add(object runtime.Object) {
	t := m.t
	t.Helper()
	switch o := object.(type) {
	case *corev1.Namespace:
		m.namespace = o.Name
	case *appsv1.Deployment:
		m.workloads[o.Name] = workload{o.Spec.Replicas, o.Spec.Selector, o.Spec.Strategy, o.Spec.Template}
	case *appsv1.StatefulSet:
		m.workloads[o.Name] = workload{replicas: o.Spec.Replicas, selector: o.Spec.Selector, template: o.Spec.Template}
	case *corev1.Service:
		m.services[o.Name] = o
	case *corev1.ConfigMap:
		m.configs[o.Name] = o
	case *corev1.Secret:
		m.secrets[o.Name] = o
	case *corev1.ServiceAccount:
		m.accounts[o.Name] = o
	case *policyv1.PodDisruptionBudget:
		m.budgets[o.Name] = o
	case *networkingv1.NetworkPolicy:
		m.policies[o.Name] = o
	default:
		require.FailNow(t, "unexpected kind", "%T", object)
	}
}

// selected gives the workloads whose pods a selector chooses.
func (m *manifests) selected(selector *metav1.LabelSelector) map[string]workload {
	t := m.t
	t.Helper()
	s, err := metav1.LabelSelectorAsSelector(selector)
	require.NoError(t, err)
	found := map[string]workload{}
	for name, w := range m.workloads {
		if s.Matches(labels.Set(w.template.Labels)) {
			found[name] = w
		}
	}
	return found
}

// forOverlays runs a test on each overlay.
func forOverlays(t *testing.T, test func(m *manifests)) {
	t.Helper()
	for _, overlay := range overlays {
		t.Run(overlay, func(t *testing.T) {
			t.Parallel()
			test(build(t, overlay))
		})
	}
}

// Every kustomization is part of an installation that is tested.
func TestOverlaysUseEverything(t *testing.T) {
	t.Parallel()
	found, err := filepath.Glob(repo("deploy", "k8s", "overlays", "*"))
	require.NoError(t, err)
	require.Len(t, found, len(overlays))
	for _, kind := range customKinds {
		require.Contains(t, build(t, "production").custom, kind)
	}
}

// A misspelt key must be refused, or the tests prove nothing.
func TestManifestsAreReadStrictly(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(repo("deploy", "k8s", "base", "serviceaccounts.yaml"))
	require.NoError(t, err)
	_, _, err = decoder(t).Decode(append([]byte("automountServiceAccountTokens: false\n"), text...), nil, nil)
	require.ErrorContains(t, err, "automountServiceAccountTokens")
}
