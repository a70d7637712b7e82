package activities

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"runtime/metrics"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/worker"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/migrationfile"
	"github.com/f0a90b9a/ferry/internal/objectstore"
)

// huge is a store with a migration of any size, every tenth record failed, of
// which it makes up each batch when it is read, and a look at the heap then.
// What is written goes to the real store.
type huge struct {
	Store
	line string // of record 1; all are of its length
	plan []byte
	peak uint64 // bytes
}

func newHuge(s Store, records int) *huge {
	h := &huge{Store: s, line: hugeLine(1)}
	var plan migrationfile.Plan
	const count = 50
	for first := 1; first <= records; first += count {
		length := int64(len(h.line) * count)
		plan.Batches = append(plan.Batches, migrationfile.Batch{
			Number: len(plan.Batches) + 1, First: first, Count: count,
			Offset: int64(len(plan.Batches)) * length, Length: length,
		})
	}
	plan.Waves = []migrationfile.Wave{{Number: 1, FirstBatch: 1, LastBatch: len(plan.Batches), Records: records}}
	var body bytes.Buffer
	if err := migrationfile.EncodePlan(&body, plan); err != nil {
		panic(err)
	}
	h.plan = body.Bytes()
	return h
}

func hugeLine(n int) string {
	return sound(1, map[string]any{
		"externalEntitlementId": fmt.Sprintf("ext-%08d", n), "customerIdentifier": fmt.Sprintf("cust-%08d", n),
	}) + "\n"
}

func (h *huge) look() {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	h.peak = max(h.peak, live[0].Value.Uint64())
}

func (h *huge) ReadRange(_ context.Context, _ objectstore.Location, offset, length int64) ([]byte, error) {
	h.look()
	first := int(offset)/len(h.line) + 1
	body := make([]byte, 0, length)
	for n := first; int64(len(body)) < length; n++ {
		line := strings.Replace(h.line, "ext-00000001", fmt.Sprintf("ext-%08d", n), 1)
		body = append(body, strings.Replace(line, "cust-00000001", fmt.Sprintf("cust-%08d", n), 1)...)
	}
	return body, nil
}

func (h *huge) Read(_ context.Context, loc objectstore.Location, _ int64) (body []byte, etag string, err error) {
	_, name, isOutcomes := strings.Cut(loc.Key, "/outcomes/")
	if !isOutcomes {
		return h.plan, "", nil
	}
	batch, err := strconv.Atoi(strings.TrimSuffix(name, ".ndjson"))
	if err != nil {
		return nil, "", err
	}
	var out bytes.Buffer
	for n := (batch-1)*50 + 1; n <= batch*50; n++ {
		o := migration.Outcome{
			Record: n, ExternalEntitlementID: fmt.Sprintf("ext-%08d", n), Fate: migration.Migrated,
			Status: entitlement.Suspended, EntitlementID: someID, Attempts: 1,
		}
		if n%10 == 0 {
			o.Fate, o.Code, o.Step = migration.Failed, fault.CodeNotAvailable, entitlement.Suspend
		}
		line, err := json.Marshal(o)
		if err != nil {
			return nil, "", err
		}
		out.Write(append(line, '\n'))
	}
	return out.Bytes(), "", nil
}

// BenchmarkMemory shows that memory does not follow the size of the file: of a
// pass over a migration it reports the largest heap that a garbage collection
// left. Beyond the range cache (64 MiB) it grows by the plan alone, some bytes
// a record.
func BenchmarkMemory(b *testing.B) {
	for _, records := range []int{20_000, 200_000, 800_000} {
		for _, name := range []string{WriteReportsName, ReconcileName} {
			b.Run(fmt.Sprintf("%s/%d", name, records), func(b *testing.B) { benchmarkPass(b, name, records) })
		}
	}
}

func benchmarkPass(b *testing.B, name string, records int) {
	b.Helper()
	box := setup(b)
	h := newHuge(box.store, records)
	same := endless{find: func(_ context.Context, ids []string) ([]entitlement.Entitlement, error) {
		found := make([]entitlement.Entitlement, len(ids))
		for i, id := range ids {
			found[i] = entitlement.Entitlement{EntitlementID: someID, ExternalEntitlementID: id, Status: entitlement.Suspended}
		}
		return found, nil
	}}
	acts := New(Options{Store: h, Target: same})
	env := quietEnv()
	env.SetTestTimeout(10 * time.Minute)
	env.SetWorkerOptions(worker.Options{BackgroundActivityContext: box.ctx})
	acts.Register(env)
	var in any = ReconcileInput{Migration: "acme"}
	if name == WriteReportsName {
		in = WriteReportsInput{Migration: "acme", Opened: records / 50}
	}
	for b.Loop() {
		_, err := env.ExecuteActivity(name, in)
		require.NoError(b, err)
	}
	b.ReportMetric(float64(h.peak)/(1<<20), "MiB-live")
	b.ReportMetric(float64(records)*float64(b.N)/b.Elapsed().Seconds(), "records/s")
}
