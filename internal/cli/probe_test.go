package cli

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestProbe(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /ready", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /busy", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	mux.Handle("GET /moved", http.RedirectHandler("/ready", http.StatusFound))
	// This one gives up only when its caller does.
	mux.HandleFunc("GET /hangs", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	gone := httptest.NewServer(mux)
	gone.Close()

	b := setup(t)
	requireEnd(t, b.run("probe", server.URL+"/ready"), exitOK, "", "")
	requireEnd(t, b.run("probe", server.URL+"/busy"), exitUnable, "", "503")
	requireEnd(t, b.run("probe", server.URL+"/moved"), exitUnable, "", "302")
	requireEnd(t, b.run("probe", gone.URL+"/ready"), exitUnable, "", "probe: ")
	requireEnd(t, b.run("probe", "--limit", "10ms", server.URL+"/hangs"), exitUnable, "", "deadline exceeded")
}

func TestProbeWrongCommandLine(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, line := range [][]string{{"probe"}, {"probe", "127.0.0.1:8081"}, {"probe", "ftp://host/"}, {"probe", "--limit", "0s", "http://host/"}} {
		requireEnd(t, b.run(line...), exitUsage, "", "ferry: ")
	}
}
