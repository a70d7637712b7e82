package sandbox

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/resale/resaleapi"
)

// onDisk keeps the store in a file whose name needs escaping, or in memory.
func onDisk(t testing.TB, disk bool) func(*Options) {
	t.Helper()
	if !disk {
		return func(*Options) {}
	}
	file := filepath.Join(t.TempDir(), "sand box?#%.db")
	return func(o *Options) { o.DB = file }
}

func TestStoreOutlivesTheServer(t *testing.T) {
	t.Parallel()
	disk := onDisk(t, true)
	b := setup(t, disk)
	ending := b.at(entitlement.ActiveEnding, "ending")
	body := migration("e", resaleapi.StatusACTIVE)
	first := b.create(body, "id-1")
	b.create(body, "id-1")
	b.create(body, "id-2")
	before := b.stats()
	list := b.list()
	b.close()

	b = setup(t, disk)
	require.Equal(t, before, b.stats())
	require.Equal(t, list, b.list())
	require.Equal(t, first.EntitlementID, b.create(body, "id-1").EntitlementID)
	b.clock.forward(time.Hour)
	require.Equal(t, "CANCELLED", b.get(ending).Status, "what was due is still due")
}

func (b *bundle) list() []resaleapi.Entitlement {
	b.t.Helper()
	var all []resaleapi.Entitlement
	for e, err := range b.server.Entitlements(b.t.Context(), "acme-nova") {
		require.NoError(b.t, err)
		all = append(all, e)
	}
	return all
}

// victim is the environment variable that makes this test binary a sandbox
// that writes until it is killed.
const victim = "FERRY_TEST_SANDBOX_VICTIM"

func TestKilledVictim(t *testing.T) { //nolint:paralleltest // it is no test, but another process of one
	file := os.Getenv(victim)
	if file == "" {
		t.Skip("this is the process that TestStoreSurvivesAKill kills")
	}
	b := setup(t, func(o *Options) { o.DB = file })
	for i := 0; ; i++ {
		external := fmt.Sprintf("e-%d", i)
		if b.create(migration(external, resaleapi.StatusACTIVE), external).Code == "OK" {
			fmt.Println("answered", external)
		}
	}
}

func TestStoreSurvivesAKill(t *testing.T) {
	t.Parallel()
	disk := onDisk(t, true)
	var o Options
	disk(&o)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	child := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestKilledVictim$", "-test.v")
	child.Env = append(os.Environ(), victim+"="+o.DB)
	var out answered
	out.want, out.enough = 200, make(chan struct{})
	child.Stdout = &out
	require.NoError(t, child.Start())
	select {
	case <-out.enough:
	case <-ctx.Done():
	}
	require.NoError(t, child.Process.Kill())
	require.Error(t, child.Wait())
	require.GreaterOrEqual(t, out.lines.Load(), int64(200))

	b := setup(t, disk)
	stats := b.stats()
	require.GreaterOrEqual(t, stats.Effective["create"], out.lines.Load(), "every answered write is there")
	require.Equal(t, stats.Effective["create"], stats.Entitlements[entitlement.Pending], "and its books with it")
	replay := b.create(migration("e-0", resaleapi.StatusACTIVE), "e-0")
	require.Equal(t, "OK", replay.Code, "and its answer")
}

// answered counts the writes that a child process was told of.
type answered struct {
	lines  atomic.Int64
	want   int64
	enough chan struct{}
}

func (a *answered) Write(p []byte) (int, error) {
	before := a.lines.Load()
	after := a.lines.Add(int64(strings.Count(string(p), "answered ")))
	if before < a.want && after >= a.want {
		close(a.enough)
	}
	return len(p), nil
}

func TestStoreThatCannotBeOpened(t *testing.T) {
	t.Parallel()
	_, err := New(Options{DB: filepath.Join(t.TempDir(), "absent", "x.db")})
	require.ErrorContains(t, err, "sandbox store")
}

// BenchmarkCreate is a whole create over HTTP, in memory and in a file.
func BenchmarkCreate(b *testing.B) {
	for _, disk := range []bool{false, true} {
		b.Run(fmt.Sprintf("disk=%t", disk), func(b *testing.B) {
			box := setup(b, onDisk(b, disk))
			var n atomic.Int64
			b.SetParallelism(16)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					external := fmt.Sprintf("e-%d", n.Add(1))
					if got := box.create(migration(external, resaleapi.StatusACTIVE), external); got.Code != "OK" {
						b.Error(got.Code)
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "writes/s")
		})
	}
}
