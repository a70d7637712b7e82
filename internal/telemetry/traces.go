package telemetry

import (
	"context"
	"fmt"
	"net/url"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.temporal.io/sdk/contrib/opentelemetry"
	"go.temporal.io/sdk/interceptor"
)

// traces are the spans of workflows and activities. Their attributes are the
// SDK's: ids of workflows and runs, nothing of a record but its external id.
type traces struct {
	provider    *trace.TracerProvider
	interceptor interceptor.Interceptor
}

// newTraces sends spans to a collector over HTTP. What the endpoint doesn't say
// (headers, certificates, the share of runs to sample) comes from OpenTelemetry's
// own OTEL_* variables.
func newTraces(ctx context.Context, o Options) (*traces, error) {
	address, err := url.JoinPath(o.TracesEndpoint, "v1", "traces")
	if err != nil {
		return nil, fmt.Errorf("traces: %w (see worker.traces_endpoint)", err)
	}
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(address))
	if err != nil {
		return nil, fmt.Errorf("traces: %w (see worker.traces_endpoint)", err)
	}
	about, err := resource.New(ctx, resource.WithAttributes(
		attribute.String("service.name", "ferry-worker"), attribute.String("service.version", o.BuildID),
	), resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("traces: %w (see OTEL_RESOURCE_ATTRIBUTES)", err)
	}
	provider := trace.NewTracerProvider(trace.WithBatcher(exporter), trace.WithResource(about))
	tracing, err := opentelemetry.NewTracingInterceptor(opentelemetry.TracerOptions{
		Tracer: provider.Tracer(scope),
		// Baggage is whatever a caller puts into it; a migration needs none.
		DisableBaggage: true,
		// A migration that was started without traces goes on.
		AllowInvalidParentSpans: true,
	})
	if err != nil {
		return nil, fmt.Errorf("traces: %w", err)
	}
	return &traces{provider: provider, interceptor: tracing}, nil
}
