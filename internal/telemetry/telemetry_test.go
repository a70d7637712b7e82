package telemetry_test

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"github.com/f0a90b9a/ferry/activities"
	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/telemetry"
	"github.com/f0a90b9a/ferry/internal/throttle"
)

func setup(t *testing.T) *telemetry.Telemetry {
	t.Helper()
	tel, err := telemetry.New(t.Context(), telemetry.Options{BuildID: "1.4.2", Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	t.Cleanup(func() { _ = tel.Close(t.Context()) })
	return tel
}

// text is a scrape.
func text(tel *telemetry.Telemetry) string {
	w := httptest.NewRecorder()
	tel.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	return w.Body.String()
}

func scrape(t *testing.T, tel *telemetry.Telemetry) map[string]*dto.MetricFamily {
	t.Helper()
	textParser := expfmt.NewTextParser(model.UTF8Validation)
	found, err := textParser.TextToMetricFamilies(strings.NewReader(text(tel)))
	require.NoError(t, err)
	return found
}

func refused(code string) error { return &fault.Fault{Kind: fault.Retryable, Code: code} }

// measureAll has each number counted at least once.
func measureAll(m *telemetry.Meter) {
	m.Call("create", 20*time.Millisecond, nil)
	m.Call("create", time.Second, refused("MADE_UP"))
	m.Call("create", time.Second, refused(fault.CodeGateway))
	m.Call("create", time.Second, refused(fault.CodeNotAvailable))
	m.Waited(activities.WaitPlace, 2*time.Second)
	m.LookUp(true, nil)
	m.LookUp(false, nil)
	m.LookUp(false, refused(fault.CodeTimeout))
	m.Step(activities.StepAttempt{Step: entitlement.Create, Took: time.Second, Err: refused(fault.CodeTimeout)})
	m.Step(activities.StepAttempt{Step: entitlement.Create, Took: time.Second, Again: true, Found: true})
	m.Probe(time.Now().Add(-time.Minute), refused(fault.CodeServiceUnavailable))
	m.Probe(time.Now().Add(-time.Minute), nil)
	m.Imported(1000, 650_000, map[string]int{entitlement.CodeRequired: 3})
	m.Outcomes([]migration.Outcome{
		{Fate: migration.Migrated},
		{Fate: migration.Migrated},
		{Fate: migration.Failed, Code: fault.CodeNotAvailable},
		{Fate: migration.Failed, Code: "MADE_UP"},
		{Fate: migration.NotAttempted, Code: fault.CodeStoppedByLimit},
	})
	m.Finished(migration.Summary{
		Result: migration.StoppedByLimit, Outcomes: migration.Outcomes{Migrated: 2, Failed: 2, NotAttempted: 996},
		Limits: migration.LimitsState{Tripped: &migration.Tripped{Rule: migration.RuleConsecutive}},
	})
	m.Finished(migration.Summary{Result: migration.Rejected, Outcomes: migration.Outcomes{NotAttempted: 50}})
	m.Route("acme-nova", func() throttle.State { return throttle.State{InFlight: 3, Waiting: 2, Limit: 64} })
}

func TestNumbersAreWhatWasMeasured(t *testing.T) {
	t.Parallel()
	tel := setup(t)
	measureAll(tel.Meter())
	shown := text(tel)
	for _, line := range []string{
		`ferry_build_info{build="1.4.2"} 1`,
		`ferry_records_total{code="",outcome="MIGRATED"} 2`,
		`ferry_records_total{code="NOT_AVAILABLE",outcome="FAILED"} 1`,
		`ferry_records_total{code="OTHER",outcome="FAILED"} 1`,
		`ferry_records_total{code="",outcome="NOT_ATTEMPTED"} 996`,
		`ferry_migrations_total{result="STOPPED_BY_LIMIT"} 1`,
		`ferry_migrations_total{result="REJECTED"} 1`,
		`ferry_limit_trips_total{rule="consecutive"} 1`,
		`ferry_limit_trips_total{rule="canary"} 0`,
		`ferry_target_call_duration_seconds_count{answer="OK",call="create"} 1`,
		`ferry_target_call_duration_seconds_bucket{answer="OK",call="create",le="0.025"} 1`,
		`ferry_target_call_duration_seconds_bucket{answer="OK",call="create",le="0.01"} 0`,
		`ferry_target_call_duration_seconds_count{answer="OTHER",call="create"} 1`,
		`ferry_target_trouble_total{answer="GATEWAY"} 1`,
		`ferry_target_trouble_total{answer="UNAUTHORIZED"} 0`,
		`ferry_step_duration_seconds_count{answer="TIMEOUT",step="create"} 1`,
		`ferry_step_duration_seconds_count{answer="FOUND",step="create"} 1`,
		`ferry_step_retries_total{step="create"} 1`,
		`ferry_step_retries_total{step="revoke"} 0`,
		`ferry_look_ups_total{answer="found"} 1`,
		`ferry_look_ups_total{answer="none"} 1`,
		`ferry_look_ups_total{answer="error"} 1`,
		`ferry_probes_total{answer="SERVICE_UNAVAILABLE"} 1`,
		`ferry_hold_duration_seconds_count 1`,
		`ferry_wait_duration_seconds_sum{reason="place"} 2`,
		`ferry_import_records_total 1000`,
		`ferry_import_bytes_total 650000`,
		`ferry_import_problems_total{code="REQUIRED"} 3`,
		`ferry_target_calls_in_flight{route="acme-nova"} 3`,
		`ferry_target_calls_waiting{route="acme-nova"} 2`,
		`ferry_target_calls_limit{route="acme-nova"} 64`,
	} {
		require.Contains(t, shown, line+"\n")
	}
}

// What alerts look at is there before it happens, or its first time is no
// increase.
func TestCountersBeginAtZero(t *testing.T) {
	t.Parallel()
	shown := text(setup(t))
	for _, line := range []string{
		`ferry_limit_trips_total{rule="errorRate"} 0`,
		`ferry_migrations_total{result="STOPPED_BY_LIMIT"} 0`,
		`ferry_records_total{code="",outcome="MIGRATED"} 0`,
		`ferry_probes_total{answer="OTHER"} 0`,
	} {
		require.Contains(t, shown, line+"\n")
	}
}

var row = regexp.MustCompile("(?m)^\\| `(ferry_[a-z_]+)` \\| (counter|gauge|histogram) \\|([^|]*)\\|")

// docs/metrics.md has every metric of Ferry's with its type and labels, and no
// other.
func TestPageIsWhatIsMeasured(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/metrics.md")
	require.NoError(t, err)
	told := map[string]string{}
	for _, cells := range row.FindAllStringSubmatch(string(page), -1) {
		told[cells[1]] = cells[2] + " " + strings.ReplaceAll(strings.TrimSpace(cells[3]), "`", "")
	}
	tel := setup(t)
	measureAll(tel.Meter())
	measured := map[string]string{}
	for name, f := range scrape(t, tel) {
		if !strings.HasPrefix(name, "ferry_") {
			continue
		}
		labels := map[string]bool{}
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				labels[l.GetName()] = true
			}
		}
		measured[name] = strings.ToLower(f.GetType().String()) + " " + strings.Join(slices.Sorted(maps.Keys(labels)), ", ")
	}
	for name, is := range measured {
		measured[name] = strings.TrimSpace(is)
	}
	for name, is := range told {
		told[name] = strings.TrimSpace(is)
	}
	require.Equal(t, measured, told)
}

// A code that nobody told this package of would be counted as OTHER.
func TestEveryCodeIsKnown(t *testing.T) {
	t.Parallel()
	file, err := parser.ParseFile(token.NewFileSet(), "../fault/codes.go", nil, 0)
	require.NoError(t, err)
	tel := setup(t)
	var codes []string
	ast.Inspect(file, func(n ast.Node) bool {
		if v, ok := n.(*ast.BasicLit); ok && v.Kind == token.STRING {
			code, err := strconv.Unquote(v.Value)
			require.NoError(t, err)
			codes = append(codes, code)
		}
		return true
	})
	require.Greater(t, len(codes), 20)
	for _, code := range codes {
		tel.Meter().Call("get", time.Millisecond, refused(code))
	}
	shown := text(tel)
	for _, code := range codes {
		known := strings.Contains(shown, `ferry_target_call_duration_seconds_count{answer="`+code+`",call="get"} 1`+"\n")
		require.True(t, known, "%s is in internal/fault and not in labels.go", code)
	}
}

func TestAnErrorThatIsNoFaultHasAnAnswer(t *testing.T) {
	t.Parallel()
	tel := setup(t)
	tel.Meter().Call("get", time.Millisecond, errors.New("kim@example.com is unknown"))
	shown := text(tel)
	require.Contains(t, shown, `{answer="OTHER",call="get"} 1`)
	require.NotContains(t, shown, "example.com")
}

// The SDK's own numbers come out of the same scrape, its counters as counters
// and its times in seconds.
func TestTheSDKIsMeasured(t *testing.T) {
	t.Parallel()
	tel := setup(t)
	var options client.Options
	tel.Apply(&options)
	require.Empty(t, options.Interceptors, "no traces")
	sdk := options.MetricsHandler.WithTags(map[string]string{"workflow_type": "MigrateFile"})
	sdk.Counter("temporal_workflow_failed").Inc(2)
	sdk.Timer("temporal_request_latency").Record(20 * time.Millisecond)
	sdk.Timer("temporal_request_latency_attempt").Record(20 * time.Millisecond)
	sdk.Gauge("temporal_num_pollers").Update(5)
	shown := text(tel)
	require.Contains(t, shown, `temporal_workflow_failed_total{workflow_type="MigrateFile"} 2`)
	require.Contains(t, shown, `temporal_request_latency_seconds_bucket{workflow_type="MigrateFile",le="0.025"} 1`)
	require.Contains(t, shown, `temporal_num_pollers{workflow_type="MigrateFile"} 5`)
	require.NotContains(t, shown, "latency_attempt")
	require.Contains(t, shown, "process_resident_memory_bytes")
}
