package devstack

import (
	"context"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestS3KeepsItsDataOverKillAndRestart(t *testing.T) {
	t.Parallel()
	for name, sidecar := range map[string]bool{"attributes": false, "sidecar": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			s := startS3(t, S3Options{Dir: dir, Sidecar: sidecar})
			store := storeOf(t, s)
			before := s.Endpoint
			require.NoError(t, store.Put(t.Context(), store.Work("a/b"), []byte("kept"), "text/plain"))
			first, err := store.Head(t.Context(), store.Work("a/b"))
			require.NoError(t, err)

			s.Kill()
			require.False(t, s.Running())
			require.NoError(t, s.Restart(t.Context()))

			require.True(t, s.Running())
			require.Equal(t, before, s.Endpoint)
			body, etag, err := store.Read(t.Context(), store.Work("a/b"), 100)
			require.NoError(t, err)
			require.Equal(t, "kept", string(body))
			require.Equal(t, first.ETag, etag)
			_, err = os.Stat(filepath.Join(dir, "meta"))
			require.Equal(t, sidecar, err == nil)
		})
	}
}

func TestS3StopFreesThePort(t *testing.T) {
	t.Parallel()
	s := startS3(t, S3Options{})
	port := s.settings.Port
	require.False(t, portIsFree(port))

	s.Stop()

	require.False(t, s.Running())
	require.True(t, portIsFree(port))
	s.Stop() // again is harmless
}

func TestS3RestartsAfterStop(t *testing.T) {
	t.Parallel()
	s := startS3(t, S3Options{})
	store := storeOf(t, s)
	s.Stop()
	require.NoError(t, s.Restart(t.Context()))
	require.NoError(t, store.CheckConditionalPut(t.Context()))
}

func TestS3SaysThatItsPortIsTaken(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp4", address(0))
	require.NoError(t, err)
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port

	_, err = StartS3(t.Context(), S3Options{Dir: t.TempDir(), Port: port})

	require.ErrorContains(t, err, "port "+l.Addr().String()[len("127.0.0.1:"):])
}

func TestS3SaysWhyItDidNotStart(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))

	_, err := StartS3(t.Context(), S3Options{Dir: file})

	require.ErrorContains(t, err, "ended while it started")
	require.ErrorContains(t, err, "not a directory") // the child's own words
}

func TestS3StartEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := StartS3(ctx, S3Options{Dir: t.TempDir()})
	require.ErrorIs(t, err, context.Canceled)
}

// A child is tied to the thread that started it; that must not be the
// caller's.
func TestS3OutlivesTheThreadOfItsCaller(t *testing.T) {
	t.Parallel()
	var s *S3
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // never unlocked: the thread dies with the goroutine
		s, err = StartS3(t.Context(), S3Options{Dir: t.TempDir()})
	}()
	<-done
	require.NoError(t, err)
	t.Cleanup(s.Stop)
	for range 50 {
		require.NoError(t, s.settings.probe(t.Context()))
	}
	require.True(t, s.Running())
}

// A probe must not take somebody else's server for ours.
func TestProbeKnowsItsServer(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp4", address(0))
	require.NoError(t, err)
	stranger := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.NotFoundHandler()}
	go func() { _ = stranger.Serve(l) }()
	t.Cleanup(func() { _ = stranger.Close() })
	c := s3Child{Port: l.Addr().(*net.TCPAddr).Port, HealthPath: "/health-x"}
	require.ErrorContains(t, c.probe(t.Context()), "HTTP 404")
}
