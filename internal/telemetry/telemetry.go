// Package telemetry gives a worker its numbers and its traces: the metrics of
// the Temporal SDK and Ferry's own through OpenTelemetry, to be scraped by
// Prometheus, and on request spans for a collector. internal/ferryworker makes
// one for each worker. It decides nothing, keeps no global state, and none of
// its labels has a value that a file or an operator makes up.
package telemetry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	promexporter "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/opentelemetry"
	"go.temporal.io/sdk/interceptor"
)

// scope names who measures. It is no label.
const scope = "github.com/f0a90b9a/ferry"

// seconds are the upper bounds of every histogram: from a call that is answered
// at once to a pass over a large file.
var seconds = []float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800}

// shape gives histograms their bounds. The SDK measures each request twice, the
// second time without its retries; those series would be a third of a scrape.
func shape(i metric.Instrument) (metric.Stream, bool) {
	s := metric.Stream{Name: i.Name, Description: i.Description, Unit: i.Unit}
	switch {
	case strings.HasSuffix(i.Name, "_latency_attempt"):
		s.Aggregation = metric.AggregationDrop{}
	case i.Kind == metric.InstrumentKindHistogram:
		s.Aggregation = metric.AggregationExplicitBucketHistogram{Boundaries: seconds, NoMinMax: true}
	default:
		return s, false
	}
	return s, true
}

// Options say what is to be measured, and where spans go.
type Options struct {
	BuildID string // of this worker; a label of ferry_build_info
	// TracesEndpoint is an OTLP collector's HTTP address, such as
	// http://collector:4318. Empty: no traces.
	TracesEndpoint string
	Log            *slog.Logger // is told of scrapes and spans that went wrong
}

// Telemetry is one worker's. It needs a Close.
type Telemetry struct {
	registry *prometheus.Registry
	metrics  *metric.MeterProvider
	traces   *traces // nil: none
	meter    *Meter
	log      *slog.Logger
}

// New makes a worker's telemetry. Nothing is sent or served yet.
func New(ctx context.Context, o Options) (*Telemetry, error) {
	t := &Telemetry{registry: prometheus.NewRegistry(), log: o.Log}
	t.registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	exporter, err := promexporter.New(
		promexporter.WithRegisterer(t.registry), promexporter.WithoutScopeInfo(), promexporter.WithoutTargetInfo(),
	)
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	t.metrics = metric.NewMeterProvider(metric.WithReader(exporter), metric.WithView(shape))
	if t.meter, err = newMeter(t.metrics.Meter(scope), o.BuildID); err != nil {
		return nil, errors.Join(err, t.Close(ctx))
	}
	if o.TracesEndpoint != "" {
		if t.traces, err = newTraces(ctx, o); err != nil {
			return nil, errors.Join(err, t.Close(ctx))
		}
	}
	return t, nil
}

// Apply makes a client, and every worker that uses it, measure and trace.
func (t *Telemetry) Apply(o *client.Options) {
	o.MetricsHandler = opentelemetry.NewMetricsHandler(opentelemetry.MetricsHandlerOptions{
		Meter:                t.metrics.Meter("temporal-sdk-go"),
		UseMonotonicCounters: true,
		OnError:              func(err error) { t.log.Warn("A metric could not be made.", "error", err.Error()) },
	})
	if t.traces != nil {
		o.Interceptors = append([]interceptor.ClientInterceptor{t.traces.interceptor}, o.Interceptors...)
	}
}

// Meter takes what activities count.
func (t *Telemetry) Meter() *Meter { return t.meter }

// Handler serves the metrics in Prometheus' format.
func (t *Telemetry) Handler() http.Handler {
	return promhttp.HandlerFor(t.registry, promhttp.HandlerOpts{
		ErrorLog:      slog.NewLogLogger(t.log.Handler(), slog.LevelWarn),
		ErrorHandling: promhttp.ContinueOnError, // some numbers are better than none
	})
}

// Close sends the spans that are left, for as long as ctx lasts.
func (t *Telemetry) Close(ctx context.Context) error {
	err := t.metrics.Shutdown(ctx)
	if t.traces != nil {
		err = errors.Join(err, t.traces.provider.Shutdown(ctx))
	}
	if err != nil {
		return fmt.Errorf("telemetry: %w", err)
	}
	return nil
}
