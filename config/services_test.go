package config_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Kubernetes tells every pod of the Services of its namespace, unless
// enableServiceLinks is false: what it makes of one called ferry-worker, ferry
// or ferry-target-base stops no program.
func TestVariablesOfKubernetesServicesArePassedOver(t *testing.T) {
	t.Parallel()
	for _, variable := range []string{
		"FERRY_WORKER_SERVICE_HOST=10.96.3.7", "FERRY_WORKER_SERVICE_PORT=8081", "FERRY_WORKER_SERVICE_PORT_METRICS=8081",
		"FERRY_WORKER_SERVICE_PORT_HTTP_2=8081", "FERRY_WORKER_PORT=tcp://10.96.3.7:8081",
		"FERRY_WORKER_PORT_8080_TCP=tcp://10.96.3.7:8080", "FERRY_WORKER_PORT_8080_TCP_PROTO=tcp",
		"FERRY_WORKER_PORT_8080_TCP_PORT=8080", "FERRY_WORKER_PORT_8080_TCP_ADDR=10.96.3.7",
		"FERRY_WORKER_SERVICE_HOST=fd00::7", "FERRY_WORKER_PORT=tcp://[fd00::7]:8081", "FERRY_WORKER_PORT_53_UDP=udp://[fd00::7]:53",
		"FERRY_WORKER_PORT_53_UDP_PROTO=udp", "FERRY_WORKER_PORT_9_SCTP=sctp://10.96.3.7:9",
		"FERRY_SERVICE_HOST=10.96.3.7", "FERRY_SERVICE_PORT=80", "FERRY_SERVICE_PORT_HTTP=80", "FERRY_PORT=tcp://10.96.3.7:80",
		"FERRY_PORT_80_TCP=tcp://10.96.3.7:80", "FERRY_PORT_80_TCP_PROTO=tcp", "FERRY_PORT_80_TCP_PORT=80", "FERRY_PORT_80_TCP_ADDR=10.96.3.7",
		"FERRY_TARGET_BASE_SERVICE_HOST=10.96.3.7", "FERRY_TARGET_BASE_PORT=tcp://10.96.3.7:80", "FERRY_DASHBOARD_PORT=tcp://10.96.3.7:80",
	} {
		_, err := setup(t).load("", variable)
		require.NoError(t, err, variable)
	}
}

func TestVariablesThatOnlyLookLikeAServicesAreRefused(t *testing.T) {
	t.Parallel()
	for variable, says := range map[string]string{
		"FERRY_PORT=8088":                           "FERRY_PORT: no such setting",
		"FERRY_DASHBOARD_PORT=8088":                 "FERRY_DASHBOARD_PORT: no such setting",
		"FERRY_DASHBOARD_PORT=http://10.0.0.1:80":   "no such setting",
		"FERRY_DASHBOARD_PORT=tcp://host:80":        "no such setting",
		"FERRY_TEMPORAL_SERVICE_HOST=temporal":      "no such setting",
		"FERRY_WORKER_SERVICE_PORT=many":            "no such setting",
		"FERRY_WORKER_SERVICE_PORT=70000":           "no such setting",
		"FERRY_WORKER_PORT_8080_TCP_PROTO=http":     "no such setting",
		"FERRY_TARGET_BASEURL=tcp://10.96.3.7:8081": "did you mean FERRY_TARGET_BASE_URL?",
		"FERRY_WORKER_HEALTH_ADRESS=:8081":          "did you mean FERRY_WORKER_HEALTH_ADDRESS?", //nolint:misspell // on purpose
	} {
		_, err := setup(t).load("", variable)
		require.ErrorContains(t, err, says, variable)
	}
}
