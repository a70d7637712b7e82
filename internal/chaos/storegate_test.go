package chaos

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// shelf is an S3 server that counts what it is asked to keep.
type shelf struct {
	t     *testing.T
	gate  *storeGate
	url   string
	kept  atomic.Int64
	kills atomic.Int64
	back  *httptest.Server
}

func setupShelf(t *testing.T, faults ...Fault) *shelf {
	t.Helper()
	s := &shelf{t: t}
	s.back = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		s.kept.Add(1)
	}))
	t.Cleanup(s.back.Close)
	var err error
	s.gate, err = newStoreGate(s.back.URL)
	require.NoError(t, err)
	d, _ := setupDirector(t, faults...)
	s.gate.scene.Store(&storeScene{director: d, kill: func() { s.kills.Add(1) }, source: "/partner/a.json"})
	front := httptest.NewServer(s.gate)
	t.Cleanup(front.Close)
	s.url = front.URL
	return s
}

// put gives the status, 0 if no answer came.
func (s *shelf) put(path string) int {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodPut, s.url+path, strings.NewReader("body"))
	require.NoError(s.t, err)
	answer, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
	if err != nil {
		return 0
	}
	defer answer.Body.Close()
	return answer.StatusCode
}

func TestStoreGateNamesObjects(t *testing.T) {
	t.Parallel()
	s := storeScene{source: "/partner/input/a.json"}
	for path, want := range map[string]string{
		"/partner/input/a.json":                      "GET source",
		"/ferry/migrations/m-1/records.ndjson":       "GET records.ndjson",
		"/ferry/migrations/m-1/outcomes/000001.json": "GET outcomes/000001.json",
		"/ferry/ledger/chaos/partner/a.json":         "GET ledger/chaos/partner/a.json",
	} {
		require.Equal(t, want, s.object(httptest.NewRequest(http.MethodGet, path, nil)))
	}
}

func TestStoreGateAnswersWrongly(t *testing.T) {
	t.Parallel()
	for kind, c := range map[Kind]struct {
		status      int
		kept, kills int64
	}{
		StoreErrors:         {http.StatusServiceUnavailable, 1, 0},
		StoreLost:           {0, 2, 0},
		WorkerKilledInStore: {0, 2, 1},
		StoreStopped:        {0, 1, 0},
	} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			s := setupShelf(t, Fault{Kind: kind, When: When{Nth: 2, Object: "PUT outcomes/"}, Amount: 1})
			require.Equal(t, http.StatusOK, s.put("/ferry/migrations/m/outcomes/000001.ndjson"))
			require.Equal(t, c.status, s.put("/ferry/migrations/m/outcomes/000002.ndjson"))
			require.Equal(t, c.kept, s.kept.Load())
			require.Equal(t, c.kills, s.kills.Load())
			require.Equal(t, http.StatusOK, s.put("/ferry/migrations/m/outcomes/000002.ndjson"))
		})
	}
}

func TestStoreGateTellsThatTheStoreIsAway(t *testing.T) {
	t.Parallel()
	s := setupShelf(t)
	s.back.Close()
	require.Zero(t, s.put("/ferry/migrations/m/reload.json"))
	d := s.gate.scene.Load().director
	d.mu.Lock()
	defer d.mu.Unlock()
	require.Equal(t, 1, d.refused)
}

func TestWiresBreakAndMend(t *testing.T) {
	t.Parallel()
	back := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, strings.Repeat("x", 1000))
	}))
	t.Cleanup(back.Close)
	address := back.Listener.Addr().String()
	w, err := newWires(address, address, address)
	require.NoError(t, err)
	t.Cleanup(w.close)
	get := func(listen string) error {
		r, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), http.MethodGet, "http://"+listen, nil)
		require.NoError(t, err)
		answer, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		_, err = io.Copy(io.Discard, answer.Body)
		return err
	}
	for n, listen := range map[Net]string{
		NetTemporalCut: w.temporal.Listen, NetTargetReset: w.target.Listen,
		NetTargetShort: w.target.Listen, NetStoreReset: w.store.Listen,
	} {
		require.NoError(t, get(listen))
		mend, err := w.trouble(n)
		require.NoError(t, err)
		require.Error(t, get(listen))
		mend()
		require.NoError(t, get(listen))
	}
}
