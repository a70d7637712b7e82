package activities

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/migrationfile"
	"github.com/f0a90b9a/ferry/internal/objectstore"
)

// monitor hears every heartbeat that an activity makes, before the SDK thins
// them out.
type monitor struct {
	interceptor.WorkerInterceptorBase
	mu       sync.Mutex
	last     time.Time
	silence  time.Duration // the longest
	beats    int
	progress any
}

func (m *monitor) InterceptActivity(_ context.Context, next interceptor.ActivityInboundInterceptor) interceptor.ActivityInboundInterceptor {
	m.last = time.Now()
	return &monitorInbound{interceptor.ActivityInboundInterceptorBase{Next: next}, m}
}

type monitorInbound struct {
	interceptor.ActivityInboundInterceptorBase
	monitor *monitor
}

func (i *monitorInbound) Init(out interceptor.ActivityOutboundInterceptor) error {
	return i.Next.Init(&monitorOutbound{interceptor.ActivityOutboundInterceptorBase{Next: out}, i.monitor})
}

type monitorOutbound struct {
	interceptor.ActivityOutboundInterceptorBase
	monitor *monitor
}

func (o *monitorOutbound) RecordHeartbeat(ctx context.Context, details ...any) {
	m := o.monitor
	m.mu.Lock()
	m.silence = max(m.silence, time.Since(m.last))
	m.last = time.Now()
	m.beats++
	m.progress = details[0]
	m.mu.Unlock()
	o.Next.RecordHeartbeat(ctx, details...)
}

// monitored runs activities with a monitor.
func monitored() (*testsuite.TestActivityEnvironment, *monitor) {
	m := &monitor{}
	env := quietEnv()
	env.SetWorkerOptions(worker.Options{Interceptors: []interceptor.WorkerInterceptor{m}})
	return env, m
}

// heartbeatTimeout is that of the long activities.
const heartbeatTimeout = time.Minute

func TestLongActivitiesBeatThroughALongWait(t *testing.T) {
	t.Parallel()
	for name, in := range map[string]any{
		ReadBackName:       ReadBackInput{Migration: "acme", From: 1, To: 2},
		ResolveRecordsName: ResolveRecordsInput{BatchRef: BatchRef{Migration: "acme", Number: 1, First: 1, Count: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m, ref := stagedInMemory(t)
				slow := endless{find: func(ctx context.Context, _ []string) ([]entitlement.Entitlement, error) {
					select {
					case <-time.After(5 * time.Minute):
					case <-ctx.Done():
					}
					return nil, ctx.Err()
				}}
				if r, ok := in.(ResolveRecordsInput); ok {
					r.At = ref.At
					in = r
				}
				env, heard := monitored()
				New(Options{Store: m, Target: slow}).Register(env)
				_, err := env.ExecuteActivity(name, in)
				require.NoError(t, err)
				require.Less(t, max(heard.silence, time.Since(heard.last)), heartbeatTimeout)
				require.Greater(t, heard.beats, 15)
			})
		})
	}
}

// stagedInMemory is a store that holds a migration of one record, migrated.
func stagedInMemory(t *testing.T) (*memory, BatchRef) {
	t.Helper()
	line := sound(1, nil) + "\n"
	var plan strings.Builder
	batch := migrationfile.Batch{Number: 1, First: 1, Count: 1, Length: int64(len(line))}
	require.NoError(t, migrationfile.EncodePlan(&plan, migrationfile.Plan{
		Batches: []migrationfile.Batch{batch},
		Waves:   []migrationfile.Wave{{Number: 1, FirstBatch: 1, LastBatch: 1, Records: 1}},
	}))
	m := newMemory()
	m.objects["migrations/acme/batches.json"] = plan.String()
	m.objects[acmeRecords] = line
	m.objects[migration.Key("acme", migration.OutcomesFile(1))] = `{"record":1,"externalEntitlementId":"ext-0001","outcome":"MIGRATED"}`
	return m, batchRef("acme", batch)
}

func TestPulseRepeatsTheLastProgress(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		env, heard := monitored()
		env.RegisterActivityWithOptions(func(ctx context.Context) error {
			ctx, stop := withPulse(ctx)
			defer stop()
			heartbeat(ctx, 7)
			<-time.After(10*pulseEvery + time.Second)
			return nil
		}, activity.RegisterOptions{Name: "waiting"})
		_, err := env.ExecuteActivity("waiting")
		require.NoError(t, err)
		require.Equal(t, 7, heard.progress)
		beats := heard.beats
		require.Equal(t, 11, beats)
		<-time.After(10 * pulseEvery)
		require.Equal(t, beats, heard.beats, "it ends with the activity")
	})
}

// A worker that hangs must be noticed in the end.
func TestPulseOfAnActivityThatHangsStops(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		env, heard := monitored()
		env.RegisterActivityWithOptions(func(ctx context.Context) error {
			_, stop := withPulse(context.WithoutCancel(ctx)) // the environment's own limit is shorter
			defer stop()
			<-time.After(2 * pulseLimit)
			return nil
		}, activity.RegisterOptions{Name: "hanging"})
		began := time.Now()
		_, _ = env.ExecuteActivity("hanging")
		require.Less(t, heard.last.Sub(began), pulseLimit)
		require.Greater(t, heard.last.Sub(began), pulseLimit-2*pulseEvery)
	})
}

// slowReads is a store that takes its time.
type slowReads struct{ *memory }

func (s slowReads) Read(ctx context.Context, loc objectstore.Location, limit int64) ([]byte, string, error) {
	<-time.After(5 * time.Minute)
	return s.memory.Read(ctx, loc, limit)
}

func TestOpenReconciliationBeatsThroughALongWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m, _ := stagedInMemory(t)
		env, heard := monitored()
		New(Options{Store: slowReads{m}}).Register(env)
		_, err := env.ExecuteActivity(OpenReconciliationName, OpenReconciliationInput{Migration: "acme"})
		require.Error(t, err, "there is no plan")
		require.Less(t, max(heard.silence, time.Since(heard.last)), heartbeatTimeout)
		require.Greater(t, heard.beats, 15)
	})
}
