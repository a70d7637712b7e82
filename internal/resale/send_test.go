package resale

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/fault"
)

// raw is a target below HTTP: answer gets each connection once a request's
// head has been read from it.
func raw(t *testing.T, answer func(net.Conn)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = conn.Close() }()
				if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
					answer(conn)
				}
			}()
		}
	}()
	return "http://" + listener.Addr().String()
}

func TestBrokenConnections(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]func(net.Conn){
		"closed": func(net.Conn) {},
		"reset":  func(conn net.Conn) { _ = conn.(*net.TCPConn).SetLinger(0) },
		"cut body": func(conn net.Conn) {
			_, _ = fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n%s", good)
		},
		"not HTTP": func(conn net.Conn) { _, _ = conn.Write([]byte("220 mail.example.com ESMTP\r\n")) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := client(t, raw(t, answer))
			for call, err := range everyWrite(t, c) {
				require.Equal(t, verdict{fault.Retryable, fault.CodeConnection, true, 0}, judged(t, err), call)
				require.NotContains(t, err.Error(), "mail", "what came instead of HTTP is not shown")
			}
			for call, err := range everyRead(t, c) {
				require.Equal(t, verdict{fault.Retryable, fault.CodeConnection, false, 0}, judged(t, err), call)
			}
		})
	}
}

func TestSlowAnswers(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	slow := func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/body/v1/entitlement" {
			w.Header().Set("Content-Length", "1000")
			w.WriteHeader(http.StatusOK)
			_ = http.NewResponseController(w).Flush()
		}
		<-release
	}
	server := httptest.NewServer(http.HandlerFunc(slow))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(release) })
	// Long enough to connect on a busy machine: before that nothing is unclear.
	slowly := func(o *Options) { o.Timeout = 2 * time.Second }
	for _, path := range []string{"/head", "/body"} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			_, err := client(t, server.URL+path, slowly).Create(t.Context(), "id", record())
			require.Equal(t, verdict{fault.Retryable, fault.CodeTimeout, true, 0}, judged(t, err))
		})
	}
	t.Run("reads", func(t *testing.T) {
		t.Parallel()
		for call, err := range everyRead(t, client(t, server.URL, slowly)) {
			require.Equal(t, verdict{fault.Retryable, fault.CodeTimeout, false, 0}, judged(t, err), call)
		}
	})
}

func TestNothingSentIsNeverUnclear(t *testing.T) {
	t.Parallel()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, closed.Close())
	secure := httptest.NewTLSServer(says(200, good)) // its certificate is nobody's
	t.Cleanup(secure.Close)
	for name, address := range map[string]string{
		"refused":     "http://" + closed.Addr().String(),
		"no name":     "http://name.invalid",
		"certificate": secure.URL,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for call, err := range everyWrite(t, client(t, address)) {
				require.Equal(t, verdict{fault.Retryable, fault.CodeConnection, false, 0}, judged(t, err), call)
			}
		})
	}
}

func TestProxyCredentialsAreNotShown(t *testing.T) {
	t.Parallel()
	c := client(t, "http://target.example.com", func(o *Options) {
		o.Transport = &http.Transport{Proxy: func(*http.Request) (*url.URL, error) {
			return nil, errors.New("invalid proxy address http://kim:hidden@proxy")
		}}
	})
	err := c.Echo(t.Context())
	require.Equal(t, verdict{fault.Retryable, fault.CodeConnection, false, 0}, judged(t, err))
	require.NotContains(t, err.Error(), "hidden")
}

func TestDialTimeoutIsClear(t *testing.T) {
	t.Parallel()
	hang := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}}
	c := client(t, "http://target.example.com", func(o *Options) { o.Transport, o.Timeout = hang, 20*time.Millisecond })
	_, err := c.Create(t.Context(), "id", record())
	require.Equal(t, verdict{fault.Retryable, fault.CodeTimeout, false, 0}, judged(t, err))
}

func TestCancelledCall(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	release := make(chan struct{})
	c := setup(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { cancel(); <-release }))
	t.Cleanup(func() { close(release) })
	_, err := c.Create(ctx, "id", record())
	require.Equal(t, verdict{fault.Retryable, fault.CodeConnection, true, 0}, judged(t, err))
	require.ErrorIs(t, err, context.Canceled)
}

func TestRequestThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	r := record()
	r.ExtensionData = []byte(`{"half":`)
	_, err := setup(t, says(200, good)).Create(t.Context(), "id", r)
	require.Equal(t, verdict{fault.Final, fault.CodeBadRequest, false, 0}, judged(t, err))
}

func TestConnectionsAreReused(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(says(400, envelope("BAD_REQUEST", "no")))
	opened := make(chan struct{}, 1000)
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened <- struct{}{}
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	c := client(t, server.URL)
	for range 20 {
		require.Error(t, c.Echo(t.Context()))
	}
	require.Len(t, opened, 1)
}
