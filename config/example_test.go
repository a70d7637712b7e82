package config_test

import (
	"os"
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/f0a90b9a/ferry/config"
)

const exampleFile = "config.example.yaml"

func TestExampleHasEveryKeyWithItsDefault(t *testing.T) {
	t.Parallel()
	body, err := os.ReadFile(exampleFile)
	require.NoError(t, err)
	var example map[string]any
	require.NoError(t, yaml.Unmarshal(body, &example))
	requireKeys(t, "", reflect.TypeFor[config.Config](), example)

	c, err := config.Load(config.Options{File: exampleFile, Env: []string{}})
	require.NoError(t, err)
	require.Equal(t, config.Default(), *c)
	require.NoError(t, c.Validate())
}

// requireKeys holds a section to the struct: nothing missing, nothing more.
func requireKeys(t *testing.T, path string, section reflect.Type, example map[string]any) {
	t.Helper()
	require.Len(t, example, section.NumField(), "keys of section %q", path)
	for field := range section.Fields() {
		key := field.Tag.Get("mapstructure")
		require.Contains(t, example, key, "section %q", path)
		if field.Type.Kind() == reflect.Struct {
			inner, is := example[key].(map[string]any)
			require.True(t, is, "%s%s is a section", path, key)
			requireKeys(t, path+key+".", field.Type, inner)
		}
	}
}
