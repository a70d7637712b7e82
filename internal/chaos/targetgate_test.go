package chaos

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/sandbox"
)

// gated is a real target behind a gate.
type gated struct {
	t      *testing.T
	url    string
	target *sandbox.Server
	ledger *ledger
	kills  atomic.Int64
}

func setupGate(t *testing.T, faults ...Fault) *gated {
	t.Helper()
	target, err := newTarget(Schedule{Seed: 1}, nil)
	require.NoError(t, err)
	t.Cleanup(func() { _ = target.Close() })
	g := &gated{t: t, target: target, ledger: newLedger()}
	d, _ := setupDirector(t, faults...)
	var gate targetGate
	gate.scene.Store(&targetScene{
		api: target.Handler(), ledger: g.ledger, director: d, kill: func() { g.kills.Add(1) },
	})
	server := httptest.NewServer(&gate)
	t.Cleanup(server.Close)
	g.url = server.URL
	return g
}

// call gives the status, 0 if no answer came, and the entitlement's id.
func (g *gated) call(method, path, request, body string) (status int, id string) {
	g.t.Helper()
	ctx, cancel := context.WithTimeout(g.t.Context(), 300*time.Millisecond)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, g.url+path, strings.NewReader(body))
	require.NoError(g.t, err)
	r.SetBasicAuth(sandbox.DefaultUser, sandbox.DefaultPassword)
	r.Header.Set("X-RequestIdentifier", request)
	r.Header.Set("Content-Type", "application/json")
	answer, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
	if err != nil {
		return 0, ""
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	require.NoError(g.t, err)
	var made struct {
		EntitlementID string `json:"entitlementId"`
	}
	_ = json.Unmarshal(text, &made)
	return answer.StatusCode, made.EntitlementID
}

const requestOne, requestTwo = "7c3e3f0e-0000-5000-8000-000000000001", "7c3e3f0e-0000-5000-8000-000000000002"

func (g *gated) create(request string) (status int, id string) {
	return g.call(http.MethodPost, "/v1/entitlement", request, `{"migration":true,"externalEntitlementId":"e-1",
		"customerIdentifier":"c-1","merchantAccountKey":"nova-music","productKey":"nova-basic","status":"ACTIVE",
		"dateCreated":"2025-01-01T00:00:00Z","dateActivated":"2025-01-02T00:00:00Z"}`)
}

func (g *gated) activate(request, id string) (status int) {
	status, _ = g.call(http.MethodPost, "/v1/entitlement/activate/"+id, request, `{"dateActivated":"2025-01-02T00:00:00Z"}`)
	return status
}

func (g *gated) effective(step entitlement.Step) int {
	g.t.Helper()
	stats, err := g.target.Stats(g.t.Context())
	require.NoError(g.t, err)
	_, steps := g.ledger.counts()
	require.EqualValues(g.t, stats.Effective[string(step)], steps[step], "our books and the target's")
	return steps[step]
}

func TestGateBooksWhatTookEffect(t *testing.T) {
	t.Parallel()
	g := setupGate(t)
	status, id := g.create(requestOne)
	require.Equal(t, http.StatusOK, status)
	again, same := g.create(requestOne)
	require.Equal(t, http.StatusOK, again)
	require.Equal(t, id, same)
	require.Equal(t, 1, g.effective(entitlement.Create), "the second was answered from memory")
	require.Equal(t, http.StatusOK, g.activate(requestTwo, id))
	require.Equal(t, 1, g.effective(entitlement.Activate))
	effects, _ := g.ledger.counts()
	require.Equal(t, map[effect]int{{"e-1", entitlement.Create}: 1, {"e-1", entitlement.Activate}: 1}, effects)
}

func TestGateKillsBetweenWriteAndAnswer(t *testing.T) {
	t.Parallel()
	g := setupGate(t, Fault{Kind: WorkerKilledInStep, When: When{Step: entitlement.Create, Nth: 1}})
	status, _ := g.create(requestOne)
	require.Zero(t, status, "no answer")
	require.EqualValues(t, 1, g.kills.Load())
	require.Equal(t, 1, g.effective(entitlement.Create))
	status, id := g.create(requestOne)
	require.Equal(t, http.StatusOK, status)
	require.NotEmpty(t, id)
}

func TestGateAnswersWrongly(t *testing.T) {
	t.Parallel()
	for kind, c := range map[Kind]struct{ status, effects int }{
		AnswersLost:  {0, 1},
		AnswersSlow:  {0, 1},
		ErrorsAfter:  {http.StatusInternalServerError, 1},
		ErrorsBefore: {http.StatusServiceUnavailable, 0},
		Throttled:    {http.StatusTooManyRequests, 0},
	} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			g := setupGate(t, atWrite(1, kind, 1))
			_, id := g.create(requestOne)
			require.Equal(t, c.status, g.activate(requestTwo, id))
			require.Equal(t, c.effects, g.effective(entitlement.Activate))
			require.Equal(t, http.StatusOK, g.activate(requestTwo, id))
			require.Equal(t, 1, g.effective(entitlement.Activate))
		})
	}
}

// A late write is done when its client has long gone; its retry, with the same
// identifier, must not be a second one.
func TestGateDoesLateWrites(t *testing.T) {
	t.Parallel()
	g := setupGate(t, atWrite(1, WritesLate, 1))
	_, id := g.create(requestOne)
	require.Zero(t, g.activate(requestTwo, id))
	require.Eventually(t, func() bool { return g.effective(entitlement.Activate) == 1 }, patience, pollStep)
	require.Equal(t, http.StatusOK, g.activate(requestTwo, id))
	require.Equal(t, 1, g.effective(entitlement.Activate))
}
