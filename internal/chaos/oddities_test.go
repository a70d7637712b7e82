package chaos

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/sandbox"
)

func TestOdditiesSwitchTheSandboxOn(t *testing.T) {
	t.Parallel()
	f, err := NewFile(1, 20)
	require.NoError(t, err)
	o := Oddities{
		Answers: sandbox.AnswerNoContent, Strangers: sandbox.OddNotAskedBroken, RetryAfter: "soon", KeepsIDs: true,
		PageRefused: 500, PageRecord: 3, Forbidden: 4, Step: entitlement.Create,
	}
	require.Len(t, o.kinds(), 6)
	require.Equal(t, 6, strings.Count(o.String(), "\n"))
	target, err := newTarget(Schedule{Seed: 1, Oddities: o}, f)
	require.NoError(t, err)
	defer func() { require.NoError(t, target.Close()) }()
	faults := target.Faults()
	require.Equal(t, sandbox.AnswerNoContent, faults.WriteAnswers[0].As)
	require.Equal(t, sandbox.OddNotAskedBroken, faults.OddItems[0].As)
	require.Equal(t, "soon", faults.RetryAfterText)
	require.True(t, faults.TrimIDs && faults.FoldIDs)
	require.Equal(t, f.Records[2].External, faults.Refuse[0].ExternalID)
	require.Equal(t, f.Records[3].External, faults.Refuse[1].ExternalID)
	require.Equal(t, entitlement.Create, f.Records[3].Forbidden)
	for _, r := range f.Records {
		require.Equal(t, strings.ToLower(strings.TrimSpace(r.External)), r.External, "kept or not, an id of a file is the same")
	}
}

// An odd answer tells nothing of what was done, and the books are kept all the
// same.
func TestGateBooksWritesWithOddAnswers(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	require.NoError(t, b.target.ChangeFaults(func(f *sandbox.Faults) error {
		f.WriteAnswers = []sandbox.WriteAnswer{{As: sandbox.AnswerNoContent}}
		return nil
	}))
	require.Equal(t, http.StatusNoContent, b.create("odd", "one"))
	effects, steps := b.ledger.counts()
	require.Equal(t, map[effect]int{{External: "odd", Step: entitlement.Create}: 1}, effects)
	require.Equal(t, map[entitlement.Step]int{entitlement.Create: 1}, steps)
}

func TestGateLetsCreatesGoOnAfterTheirCallers(t *testing.T) {
	t.Parallel()
	b := newBench(t,
		Fault{Kind: CreatesUnderWay, When: When{Nth: 1}, Amount: 1, For: time.Hour})
	require.Equal(t, http.StatusOK, b.create("first", "one"))
	require.Zero(t, b.create("second", "two"), "cut off")
	require.Equal(t, http.StatusConflict, b.create("second", "two"))
	require.Equal(t, http.StatusOK, b.create("third", "three"))
	require.Equal(t, int64(2), b.created())
	injected, err := b.director.close()
	require.NoError(t, err)
	require.Equal(t, 1, injected[CreatesUnderWay])
	require.Equal(t, int64(3), b.created(), "what is under way is done at the end")
	effects, _ := b.ledger.counts()
	require.Len(t, effects, 3)
}

func TestForbiddenRecordFailsAndComesBack(t *testing.T) {
	t.Parallel()
	r := Record{Number: 1, External: "x", Forbidden: entitlement.Create, Steps: []entitlement.Step{entitlement.Create}}
	for name, c := range map[string]struct {
		outcome  migration.Outcome
		repaired bool
		finds    int
	}{
		"as it should be": {migration.Outcome{Fate: migration.Failed, Code: "GATEWAY", Step: entitlement.Create}, false, 0},
		"another step":    {migration.Outcome{Fate: migration.Failed, Code: "GATEWAY", Step: entitlement.Revoke}, false, 2},
		"repaired":        {migration.Outcome{Fate: migration.Failed, Code: "GATEWAY", Step: entitlement.Create}, true, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found := 0
			a := auditor{evidence: &evidence{}, repaired: c.repaired, find: func(Verdict, int, string) { found++ }}
			require.True(t, a.record(&r, &c.outcome))
			require.Equal(t, c.finds, found)
		})
	}
}

// bench is a gate before a target, with some faults.
type bench struct {
	t        *testing.T
	target   *sandbox.Server
	ledger   *ledger
	director *director
	http     *httptest.Server
}

func newBench(t *testing.T, faults ...Fault) *bench {
	t.Helper()
	target, err := newTarget(Schedule{Seed: 1}, nil)
	require.NoError(t, err)
	b := &bench{t: t, target: target, ledger: newLedger(), director: newDirector(t.Context(), nil, faults)}
	gate := &targetGate{}
	gate.scene.Store(&targetScene{api: target.Handler(), ledger: b.ledger, director: b.director, kill: func() {}})
	b.http = httptest.NewServer(gate)
	t.Cleanup(func() {
		b.http.Close()
		_, _ = b.director.close()
		require.NoError(t, target.Close())
	})
	return b
}

// create gives the status, 0 if the connection was cut.
func (b *bench) create(external, request string) int {
	b.t.Helper()
	body := `{"migration":true,"externalEntitlementId":"` + external + `","customerIdentifier":"c-` + external + `",
		"merchantAccountKey":"nova-music","productKey":"nova-basic","status":"PENDING","dateCreated":"2024-05-31T09:30:00Z"}`
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, b.http.URL+"/v1/entitlement", strings.NewReader(body))
	require.NoError(b.t, err)
	r.SetBasicAuth(sandbox.DefaultUser, sandbox.DefaultPassword)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-RequestIdentifier", request)
	resp, err := b.http.Client().Do(r)
	if err != nil {
		return 0
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	require.NoError(b.t, resp.Body.Close())
	return resp.StatusCode
}

func (b *bench) created() int64 {
	b.t.Helper()
	stats, err := b.target.Stats(b.t.Context())
	require.NoError(b.t, err)
	return stats.Effective["create"]
}
