package sandbox

import (
	"context"
	"encoding/json"
	"io"
	"math"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/resale/resaleapi"
)

func TestFaultsThatDoNothing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change     func(*Faults)
		status     int
		code       string
		retryAfter string
	}{
		"errors":       {func(f *Faults) { f.ErrorRate = 1 }, 500, "INTERNAL_ERROR", ""},
		"throttle":     {func(f *Faults) { f.ThrottleRate = 1; f.RetryAfterSeconds = 7 }, 429, "TOO_MANY_REQUESTS", "7"},
		"no header":    {func(f *Faults) { f.ThrottleRate = 1; f.RetryAfterSeconds = 0 }, 429, "TOO_MANY_REQUESTS", ""},
		"outage":       {func(f *Faults) { f.Outage = true }, 503, "SERVICE_UNAVAILABLE", "1"},
		"unauthorized": {func(f *Faults) { f.Unauthorized = true }, 401, "UNAUTHORIZED", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.faults(c.change)
			got := b.create(migration("e", resaleapi.StatusACTIVE), "id-1")
			require.Equal(t, c.status, got.HTTP)
			require.Equal(t, c.code, got.Code)
			require.Equal(t, c.retryAfter, got.Header.Get("Retry-After"))
			require.Equal(t, c.code, b.reply(b.raw().Echo(t.Context(), "x")).Code)
			stats := b.stats()
			require.Equal(t, int64(1), stats.Calls["create"])
			require.Zero(t, stats.Effective["create"])
			require.Zero(t, stats.Rejected)
			b.faults(func(f *Faults) { *f = DefaultFaults() })
			require.Equal(t, "OK", b.create(migration("e", resaleapi.StatusACTIVE), "id-1").Code)
		})
	}
}

func TestGatewayPages(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.faults(func(f *Faults) { f.Outage, f.HTML, f.RetryAfterSeconds = true, true, 3 })
	resp, err := b.raw().Echo(t.Context(), "x")
	require.NoError(t, err)
	defer func() { require.NoError(t, resp.Body.Close()) }()
	page, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusServiceUnavailable, resp.StatusCode)
	require.Equal(t, "3", resp.Header.Get("Retry-After"))
	require.False(t, json.Valid(page))
	require.Contains(t, string(page), "<html>")
}

func TestLostAnswerIsDone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	body := migration("e", resaleapi.StatusACTIVE)
	params := &resaleapi.CreateEntitlementParams{XRequestIdentifier: new("id-1")}
	b.faults(func(f *Faults) { f.LostAnswerRate = 1 })
	resp, err := b.raw().CreateEntitlement(t.Context(), params, body)
	if err == nil {
		_ = resp.Body.Close()
	}
	require.Error(t, err)
	require.Equal(t, int64(1), b.stats().Effective["create"])
	require.Equal(t, "OK", b.reply(b.raw().Echo(t.Context(), "x")).Code, "a read is never lost")
	other := migration("other", resaleapi.StatusACTIVE)
	other.ProductKey = "nova-fail-create"
	require.Equal(t, "NOT_AVAILABLE", b.create(other).Code, "nor is a refusal")
	b.faults(func(f *Faults) { f.LostAnswerRate = 0 })
	require.Equal(t, "OK", b.create(body, "id-1").Code)
	require.Equal(t, int64(1), b.stats().Replayed)
	require.Equal(t, int64(1), b.stats().Effective["create"])
}

// held makes a write in the background whose answer, or lack of one, comes
// through the channel.
func (b *bundle) held(ctx context.Context, body resaleapi.CreateRequest, id string) <-chan error {
	done := make(chan error, 1)
	go func() {
		resp, err := b.raw().CreateEntitlement(ctx, &resaleapi.CreateEntitlementParams{XRequestIdentifier: &id}, body)
		if err == nil {
			err = resp.Body.Close()
		}
		done <- err
	}()
	return done
}

func (b *bundle) awaitCreates(n int64) {
	b.t.Helper()
	require.Eventually(b.t, func() bool { return b.stats().Effective["create"] == n }, time.Minute, time.Millisecond)
}

func TestHeldAnswerIsDoneAndComesWhenItIsReleased(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.faults(func(f *Faults) { f.HoldAnswers = []entitlement.Step{entitlement.Create} })
	answered := b.held(t.Context(), migration("e", resaleapi.StatusACTIVE), "id-1")
	b.awaitCreates(1)
	require.Equal(t, "OK", b.reply(b.raw().Echo(t.Context(), "x")).Code, "a read is never held")
	refused := migration("other", resaleapi.StatusACTIVE)
	refused.ProductKey = "nova-fail-create"
	require.Equal(t, "NOT_AVAILABLE", b.create(refused).Code, "nor is a refusal")
	b.faults(func(f *Faults) { f.LatencyMs = 1 }) // another change releases nothing
	require.Equal(t, "OK", b.call(kindActivate, b.only().EntitlementID, &past).Code, "nor is another step")
	require.Empty(t, answered)
	b.faults(func(f *Faults) { f.HoldAnswers = nil })
	require.NoError(t, <-answered)
	require.Equal(t, int64(1), b.stats().Effective["create"])
}

func TestHeldAnswerIsLostWithItsCaller(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.faults(func(f *Faults) { f.HoldAnswers = []entitlement.Step{entitlement.Create} })
	ctx, hangUp := context.WithCancel(t.Context())
	body := migration("e", resaleapi.StatusACTIVE)
	answered := b.held(ctx, body, "id-1")
	b.awaitCreates(1)
	hangUp()
	require.ErrorIs(t, <-answered, context.Canceled)
	b.faults(func(f *Faults) { f.HoldAnswers = nil })
	require.Equal(t, "OK", b.create(body, "id-1").Code)
	stats := b.stats()
	require.Equal(t, int64(1), stats.Effective["create"])
	require.Equal(t, int64(1), stats.Replayed)
}

func TestForgetfulRepeatsWhatIsRepeated(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.faults(func(f *Faults) { f.Forgetful, f.UniqueExternalIDs = true, false })
	body := migration("e", resaleapi.StatusREVOKED)
	require.NotEqual(t, b.create(body, "id-1").EntitlementID, b.create(body, "id-1").EntitlementID)
	b.faults(func(f *Faults) { f.Forgetful = false })
	third := b.create(body, "id-1").EntitlementID
	require.Equal(t, third, b.create(body, "id-1").EntitlementID)
	require.Equal(t, int64(3), b.stats().Effective["create"])
	require.Equal(t, int64(1), b.stats().Replayed)
}

// only is the one entitlement that there is.
func (b *bundle) only() resaleapi.Entitlement {
	b.t.Helper()
	var all []resaleapi.Entitlement
	for e, err := range b.server.Entitlements(b.t.Context(), "") {
		require.NoError(b.t, err)
		all = append(all, e)
	}
	require.Len(b.t, all, 1)
	return all[0]
}

func TestAcceptedSettlesLater(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.faults(func(f *Faults) { f.AcceptedRate, f.SettleAfterMs = 1, 5000 })
	made := b.create(migration("e", resaleapi.StatusACTIVE), "create")
	require.Equal(t, http.StatusAccepted, made.HTTP)
	require.Equal(t, "OK", made.Code)
	id := made.EntitlementID
	pending := b.get(id)
	require.Equal(t, http.StatusAccepted, pending.HTTP)
	require.Equal(t, "create", *pending.PendingAction)
	require.Equal(t, "CONFLICT", b.call(kindActivate, id, nil).Code, "one call at a time")
	b.clock.forward(5 * time.Second)
	settled := b.get(id)
	require.Equal(t, http.StatusOK, settled.HTTP)
	require.Nil(t, settled.PendingAction)

	accepted := b.call(kindActivate, id, &past)
	require.Equal(t, http.StatusAccepted, accepted.HTTP)
	require.Equal(t, "PENDING", accepted.Status)
	require.Equal(t, "PENDING", b.get(id).Status)
	require.Equal(t, int64(1), b.stats().Effective["activate"])
	b.clock.forward(5 * time.Second)
	require.Equal(t, int64(1), b.stats().Entitlements[entitlement.Active])
	require.Equal(t, "ACTIVE", b.get(id).Status)

	require.Equal(t, http.StatusAccepted, b.create(migration("e", resaleapi.StatusACTIVE), "create").HTTP, "remembered too")
	end := b.clock.Now().Add(10 * time.Second)
	require.Equal(t, http.StatusAccepted, b.call(kindCancel, id, &end).HTTP)
	b.clock.forward(5 * time.Second)
	require.Equal(t, "ACTIVE-ENDING", b.get(id).Status)
	b.clock.forward(5 * time.Second)
	require.Equal(t, "CANCELLED", b.get(id).Status)
}

func TestRatesAreShares(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.faults(func(f *Faults) { f.ErrorRate = 0.25 })
	failed := 0
	const calls = 400
	for i := range calls {
		if b.reply(b.raw().Echo(t.Context(), strconv.Itoa(i))).HTTP == http.StatusInternalServerError {
			failed++
		}
	}
	require.InDelta(t, calls/4, failed, calls/10)
}

func TestSeedRepeatsTheChances(t *testing.T) {
	t.Parallel()
	run := func() (pattern []int) {
		b := setup(t)
		b.faults(func(f *Faults) { f.ErrorRate, f.Seed = 0.5, 42 })
		for i := range 40 {
			pattern = append(pattern, b.reply(b.raw().Echo(t.Context(), strconv.Itoa(i))).HTTP)
		}
		return pattern
	}
	require.Equal(t, run(), run())
}

func TestFaultsOverHTTP(t *testing.T) {
	t.Parallel()
	b := setup(t)
	status, answer := b.admin(http.MethodPatch, "faults", `{"errorRate":0.5,"refusals":{"cancel":["nova-basic"]}}`)
	require.Equal(t, http.StatusOK, status, answer)
	f := b.server.Faults()
	require.InDelta(t, 0.5, f.ErrorRate, 0)
	require.True(t, f.UniqueExternalIDs)
	require.Equal(t, []string{"nova-basic"}, f.Refusals[entitlement.Cancel])
	require.Equal(t, []string{"nova-fail-create"}, f.Refusals[entitlement.Create])

	status, _ = b.admin(http.MethodPut, "faults", `{"latencyMs":3}`)
	require.Equal(t, http.StatusOK, status)
	want := DefaultFaults()
	want.LatencyMs = 3
	require.Equal(t, want, b.server.Faults())
	_, answer = b.admin(http.MethodGet, "faults", "")
	var got Faults
	require.NoError(t, json.Unmarshal([]byte(answer), &got))
	require.Equal(t, want, got)

	for _, body := range []string{``, `[]`, `{"errorRate":2}`, `{"errorRates":0.1}`, `{"refusals":{"nap":[]}}`, `{"holdAnswers":["nap"]}`, `{} {}`, `{"latencyMs":-1}`} {
		status, answer := b.admin(http.MethodPatch, "faults", body)
		require.Equal(t, http.StatusBadRequest, status, body)
		require.Contains(t, answer, `"error"`)
	}
	require.Equal(t, want, b.server.Faults(), "a refused change changes nothing")
}

func TestFaultsAreTheCallers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	f := b.server.Faults()
	f.Refusals[entitlement.Create][0] = "changed"
	delete(f.Refusals, entitlement.Cancel)
	require.Equal(t, DefaultFaults(), b.server.Faults())
}

func TestParseFaults(t *testing.T) {
	t.Parallel()
	f, err := ParseFaults("errors=0.1, latency=50ms,lost=0.02,throttle=0.3,retry-after=2s,accepted=0.4,settle=1m,outage,html=false,seed=9,duplicates,forgetful,no-refusals,hold=create,hold=revoke,")
	require.NoError(t, err)
	require.Equal(t, Faults{
		LatencyMs: 50, ErrorRate: 0.1, ThrottleRate: 0.3, RetryAfterSeconds: 2, LostAnswerRate: 0.02,
		AcceptedRate: 0.4, SettleAfterMs: 60_000, Outage: true, Seed: 9, Refusals: map[entitlement.Step][]string{},
		HoldAnswers: []entitlement.Step{entitlement.Create, entitlement.Revoke}, Forgetful: true,
		Refuse: []RefuseRule{}, WriteAnswers: []WriteAnswer{}, OddItems: []OddItem{}, UnderWayMs: 1000,
	}, f)
	none, err := ParseFaults("")
	require.NoError(t, err)
	require.Equal(t, DefaultFaults(), none)
	for _, spec := range []string{
		"error=0.1", "errors", "errors=x", "errors=1.5", "errors=NaN", "latency=50", "latency=-1s", "outage=maybe", "seed=-1", "=", "hold", "hold=nap",
	} {
		_, err := ParseFaults(spec)
		require.ErrorContains(t, err, "fault", spec)
	}
}

func TestFaultRanges(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, rate := range []float64{-0.1, 1.1, math.NaN(), math.Inf(1)} {
		f := DefaultFaults()
		f.AcceptedRate = rate
		require.ErrorContains(t, b.server.SetFaults(f), "acceptedRate")
	}
}
