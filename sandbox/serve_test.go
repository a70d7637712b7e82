package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// begin starts the program and gives its address and how to end it.
func begin(t *testing.T, args ...string) (address string, end func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	reader, writer := io.Pipe()
	cmd := newCommand()
	cmd.SetArgs(append([]string{"--listen", "127.0.0.1:0"}, args...))
	cmd.SetOut(writer)
	ended := make(chan error, 1)
	go func() {
		err := cmd.ExecuteContext(ctx)
		_ = writer.CloseWithError(io.EOF)
		ended <- err
	}()
	line, err := bufio.NewReader(reader).ReadString('\n')
	if err != nil {
		require.NoError(t, <-ended)
	}
	address, ok := strings.CutPrefix(strings.TrimSpace(line), "sandbox listening on ")
	require.True(t, ok, line)
	return address, func() error { cancel(); return <-ended }
}

func echo(t *testing.T, address, user, password string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address+"/v1/echo/1", nil)
	require.NoError(t, err)
	req.SetBasicAuth(user, password)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	return resp.StatusCode
}

func TestProgramServesAndStops(t *testing.T) {
	t.Parallel()
	address, end := begin(t)
	require.Equal(t, http.StatusOK, echo(t, address, "acme", "acme-sandbox"))
	require.NoError(t, end())
	_, err := http.Get(address + "/healthz") // nobody listens
	require.Error(t, err)
}

func TestProgramTakesItsFlags(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, content string) string {
		file := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(file, []byte(content), 0o600))
		return file
	}
	address, end := begin(t, "--user", "kim", "--password-file", write("password", "from-file\n"),
		"--db", filepath.Join(dir, "box.db"), "--faults", "unauthorized=false,retry-after=2s",
		"--routes", write("routes.json", `[{"route":"other","merchantAccountKey":"other","products":[]}]`))
	require.Equal(t, http.StatusOK, echo(t, address, "kim", "from-file"))
	require.Equal(t, http.StatusUnauthorized, echo(t, address, "acme", "acme-sandbox"))
	require.NoError(t, end())
	require.FileExists(t, filepath.Join(dir, "box.db"))
}

func TestProgramRefusesWhatCannotWork(t *testing.T) {
	t.Parallel()
	absent := filepath.Join(t.TempDir(), "absent")
	for says, args := range map[string][]string{
		"no such fault":      {"--faults", "nonsense"},
		"password file":      {"--password-file", absent},
		"routes file":        {"--routes", absent},
		"may not be empty":   {"--password", ""},
		"none of the others": {"--password", "a", "--password-file", absent},
		"unknown command":    {"extra"},
		"listen tcp":         {"--listen", "256.0.0.1:1"},
		"sandbox store":      {"--db", filepath.Join(absent, "x.db")},
		"errorRate":          {"--faults", "errors=7"},
	} {
		cmd := newCommand()
		cmd.SetArgs(append([]string{"--listen", "127.0.0.1:0"}, args...))
		cmd.SetOut(io.Discard)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		err := cmd.ExecuteContext(ctx)
		require.ErrorContains(t, err, says)
	}
}
