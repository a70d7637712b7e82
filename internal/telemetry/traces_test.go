package telemetry_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"

	"github.com/f0a90b9a/ferry/internal/telemetry"
)

// collector takes spans as a collector does.
func collector(t *testing.T) (endpoint string, spans <-chan string) {
	t.Helper()
	came := make(chan string, 16)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			came <- r.URL.Path + " " + string(body)
		}
		w.WriteHeader(http.StatusOK)
	}))
	t.Cleanup(server.Close)
	return server.URL, came
}

func TestSpansGoToTheCollector(t *testing.T) {
	t.Parallel()
	endpoint, came := collector(t)
	tel, err := telemetry.New(t.Context(), telemetry.Options{
		BuildID: "1.4.2", TracesEndpoint: endpoint, Log: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	var options client.Options
	tel.Apply(&options)
	require.Len(t, options.Interceptors, 1)

	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestActivityEnvironment()
	env.SetWorkerOptions(worker.Options{Interceptors: []interceptor.WorkerInterceptor{
		options.Interceptors[0].(interceptor.WorkerInterceptor),
	}})
	env.RegisterActivityWithOptions(func(context.Context, string) error { return nil }, activity.RegisterOptions{Name: "Step"})
	_, err = env.ExecuteActivity("Step", "customer-4711")
	require.NoError(t, err)

	require.NoError(t, tel.Close(t.Context()))
	require.NotEmpty(t, came, "nothing came to the collector")
	sent := <-came
	require.Contains(t, sent, "/v1/traces ")
	require.Contains(t, sent, "RunActivity:Step")
	require.Contains(t, sent, "ferry-worker")
	require.NotContains(t, sent, "4711", "spans say nothing of what an activity is given")
}
