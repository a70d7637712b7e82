package deploy

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	_ "github.com/kedacore/keda/v2/version" // pins the module whose definitions and sources the tests read
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"
)

var keda = tool{module: "github.com/kedacore/keda/v2", in: "."}

// scaled gives the ScaledObject that production has.
func scaled(t *testing.T) (m *manifests, object map[string]any) {
	t.Helper()
	m = build(t, "production")
	require.Contains(t, m.custom, "ScaledObject")
	return m, m.custom["ScaledObject"]
}

// dig gives what is under some keys.
func dig[T any](t *testing.T, object any, keys ...string) T {
	t.Helper()
	for _, key := range keys {
		fields, is := object.(map[string]any)
		require.True(t, is, key)
		require.Contains(t, fields, key)
		object = fields[key]
	}
	value, is := object.(T)
	require.True(t, is, "%v: %T", keys, object)
	return value
}

// scaledObjectSchema is KEDA's own definition of a ScaledObject, made strict.
func scaledObjectSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(keda.folder(t), "config", "crd", "bases", "keda.sh_scaledobjects.yaml"))
	require.NoError(t, err)
	var definition map[string]any
	require.NoError(t, yaml.Unmarshal(text, &definition))
	versions := dig[[]any](t, definition, "spec", "versions")
	require.Len(t, versions, 1)
	schema := dig[map[string]any](t, versions[0], "schema", "openAPIV3Schema")
	// What every object has, the definition leaves open.
	delete(dig[map[string]any](t, schema, "properties"), "metadata")
	tighten(schema)
	dig[map[string]any](t, schema, "properties")["metadata"] = map[string]any{"type": "object"}
	body, err := json.Marshal(schema)
	require.NoError(t, err)
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	require.NoError(t, err)
	compiler := jsonschema.NewCompiler()
	require.NoError(t, compiler.AddResource("scaledobject.json", document))
	compiled, err := compiler.Compile("scaledobject.json")
	require.NoError(t, err)
	return compiled
}

// tighten makes unknown fields errors, as strict field validation does, and
// says in JSON Schema what Kubernetes has words of its own for.
func tighten(schema map[string]any) {
	if properties, is := schema["properties"].(map[string]any); is {
		schema["additionalProperties"] = false
		for _, property := range properties {
			tighten(property.(map[string]any))
		}
	}
	if items, is := schema["items"].(map[string]any); is {
		tighten(items)
	}
	if _, either := schema["x-kubernetes-int-or-string"]; either {
		delete(schema, "type")
		delete(schema, "pattern")
	}
	delete(schema, "format")
}

func TestScaledObjectIsWhatKEDAKnows(t *testing.T) {
	t.Parallel()
	schema := scaledObjectSchema(t)
	_, object := scaled(t)
	require.NoError(t, schema.Validate(object))

	_, strange := scaled(t)
	dig[map[string]any](t, strange, "spec")["minReplicas"] = 1.0
	require.ErrorContains(t, schema.Validate(strange), "minReplicas", "an unknown field is an error")
}

// scalerKeys are the settings of KEDA's Temporal scaler, as its source has
// them: name → the options of the tag.
func scalerKeys(t *testing.T) map[string]string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(keda.folder(t), "pkg", "scalers", "temporal_scaler.go"), nil, 0)
	require.NoError(t, err)
	keys := map[string]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, is := n.(*ast.TypeSpec)
		if !is || spec.Name.Name != "temporalMetadata" {
			return true
		}
		for _, field := range spec.Type.(*ast.StructType).Fields.List {
			if field.Tag == nil {
				continue
			}
			text, err := strconv.Unquote(field.Tag.Value)
			require.NoError(t, err)
			options := reflect.StructTag(text).Get("keda")
			name, rest, _ := strings.Cut(strings.TrimPrefix(options, "name="), ",")
			keys[name] = rest
		}
		return false
	})
	require.Contains(t, keys, "taskQueue")
	return keys
}

func TestScalerAsksForTheWorkersBacklog(t *testing.T) {
	t.Parallel()
	m, object := scaled(t)
	triggers := dig[[]any](t, object, "spec", "triggers")
	require.Len(t, triggers, 1)
	require.Equal(t, "temporal", dig[string](t, triggers[0], "type"))
	asked := dig[map[string]any](t, triggers[0], "metadata")
	known := scalerKeys(t)
	for key := range asked {
		require.Contains(t, known, key)
		require.Contains(t, known[key], "triggerMetadata", "%s belongs here", key)
		require.NotContains(t, known[key], "deprecated", key)
	}
	for key, options := range known {
		if !strings.Contains(options, "optional") && !strings.Contains(options, "default=") {
			require.Contains(t, asked, key)
		}
	}
	worker := m.config("ferry-worker").Temporal
	help := buildImage(t).run(t, nil, "/worker", "--help").output
	require.Regexp(t, `--temporal-task-queue .*\(default "`+asked["taskQueue"].(string)+`"\)`, help)
	require.Empty(t, worker.TaskQueue, "the workers poll the default queue")
	require.Equal(t, worker.Address, asked["endpoint"])
	require.Equal(t, worker.Namespace, asked["namespace"])
}

func TestScalerLeavesEnoughWorkers(t *testing.T) {
	t.Parallel()
	m, object := scaled(t)
	target := dig[string](t, object, "spec", "scaleTargetRef", "name")
	require.Contains(t, m.workloads, target)
	require.Nil(t, m.workloads[target].replicas, "an apply must not set the number back")
	least, most := dig[float64](t, object, "spec", "minReplicaCount"), dig[float64](t, object, "spec", "maxReplicaCount")
	require.Less(t, least, most)
	require.Greater(t, least, float64(m.budgets[target].Spec.MaxUnavailable.IntValue()), "one is left when a node is drained")
	require.GreaterOrEqual(t, dig[float64](t, object, "spec", "fallback", "replicas"), least)
}

func TestMetricsAreScrapedWhereTheyAre(t *testing.T) {
	t.Parallel()
	m := build(t, "production")
	monitor := m.custom["PodMonitor"]
	chosen := dig[map[string]any](t, monitor, "spec", "selector", "matchLabels")
	w := m.workloads["ferry-worker"]
	for key, value := range chosen {
		require.Equal(t, value, w.template.Labels[key])
	}
	endpoints := dig[[]any](t, monitor, "spec", "podMetricsEndpoints")
	require.Len(t, endpoints, 1)
	require.Equal(t, "health", dig[string](t, endpoints[0], "port"))
	require.Equal(t, "health", w.container().Ports[0].Name)
	require.Equal(t, "/metrics", dig[string](t, endpoints[0], "path"))
}
