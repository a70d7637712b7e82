package config_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/f0a90b9a/ferry/config"
)

func TestSecretsAreNeverPrinted(t *testing.T) {
	t.Parallel()
	const secret = "hunter2"
	c := config.Default()
	c.Target.Password, c.S3.SecretAccessKey = secret, secret

	var printed bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		fmt.Fprintf(&printed, verb+verb+"\n", c, c.Target.Password)
	}
	asJSON, err := json.Marshal(c)
	require.NoError(t, err)
	asYAML, err := yaml.Marshal(c)
	require.NoError(t, err)
	for _, format := range []string{"text", "json"} {
		logger := config.Log{Level: "info", Format: format}.Logger(&printed)
		logger.Info("The configuration is loaded.", "config", c, "password", c.Target.Password)
		logger.Info("The target is known.", slog.Any("target", &c.Target))
	}
	everything := printed.String() + string(asJSON) + string(asYAML)
	require.NotContains(t, everything, secret)
	require.NotContains(t, everything, fmt.Sprintf("%x", secret))
	require.Contains(t, everything, "[redacted]")
	require.Equal(t, secret, c.Target.Password.Reveal())
	require.Empty(t, config.Secret("").String())
}
