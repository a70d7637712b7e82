package config_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/f0a90b9a/ferry/config"
)

// composeFile is the part of docker-compose.yml that concerns Ferry.
type composeFile struct {
	Services map[string]struct {
		Image       string            `yaml:"image"`
		Build       string            `yaml:"build"`
		Environment map[string]string `yaml:"environment"`
		DependsOn   map[string]any    `yaml:"depends_on"`
		Ports       []string          `yaml:"ports"`
		Volumes     []string          `yaml:"volumes"`
	} `yaml:"services"`
	Volumes map[string]any `yaml:"volumes"`
}

func TestComposeFileFitsTheConfiguration(t *testing.T) {
	t.Parallel()
	body, err := os.ReadFile("../docker-compose.yml")
	require.NoError(t, err)
	var compose composeFile
	require.NoError(t, yaml.Unmarshal(body, &compose))

	for _, name := range []string{"worker", "ferry"} {
		var env []string
		for key, value := range compose.Services[name].Environment {
			env = append(env, key+"="+value)
		}
		c, err := config.Load(config.Options{Env: env})
		require.NoError(t, err, name)
		require.NoError(t, c.ValidateWorker(), name)
	}
	for name, service := range compose.Services {
		_, tag, _ := strings.Cut(service.Image, ":")
		require.NotEmpty(t, tag, "%s has a pinned image", name)
		require.NotEqual(t, "latest", tag, name)
		for other := range service.DependsOn {
			require.Contains(t, compose.Services, other, name)
		}
		for _, port := range service.Ports {
			require.True(t, strings.HasPrefix(port, "127.0.0.1:"), "%s publishes %s on loopback alone", name, port)
		}
		for _, volume := range service.Volumes {
			volume, _, _ = strings.Cut(volume, ":")
			require.Contains(t, compose.Volumes, volume, name)
		}
	}
}
