package objectstore

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/devstack"
	"github.com/f0a90b9a/ferry/internal/fault"
)

// server is the S3 server of all tests; each has buckets of its own.
var server *devstack.S3

func TestMain(m *testing.M) {
	devstack.RunChild()
	code, err := withServer(m.Run)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func withServer(run func() int) (int, error) {
	dir, err := os.MkdirTemp("", "objectstore")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	server, err = devstack.StartS3(context.Background(), devstack.S3Options{Dir: filepath.Join(dir, "s3")})
	if err != nil {
		return 0, err
	}
	defer server.Stop()
	return run(), nil
}

// optionsOf says how to reach a server; the work bucket is a new one.
func optionsOf(t *testing.T, s *devstack.S3) Options {
	t.Helper()
	return Options{
		Endpoint: s.Endpoint, PathStyle: true, AccessKeyID: s.AccessKey, SecretAccessKey: s.SecretKey,
		WorkBucket: "test-" + strings.ToLower(rand.Text()),
	}
}

// setup gives a store of the common server with an empty work bucket.
func setup(t *testing.T) *Store {
	t.Helper()
	return open(t, optionsOf(t, server))
}

func open(t *testing.T, o Options) *Store {
	t.Helper()
	s := newStore(t, o)
	require.NoError(t, s.EnsureBucket(t.Context(), s.WorkBucket()))
	return s
}

func newStore(t *testing.T, o Options) *Store {
	t.Helper()
	s, err := New(t.Context(), o)
	require.NoError(t, err)
	s.backoff = func(int) time.Duration { return time.Millisecond }
	return s
}

// fakeStore is a store whose every call is answered by the handler.
func fakeStore(t *testing.T, handler http.HandlerFunc) *Store {
	t.Helper()
	web := httptest.NewServer(handler)
	t.Cleanup(web.Close)
	return newStore(t, Options{
		Endpoint: web.URL, PathStyle: true, AccessKeyID: "id", SecretAccessKey: "secret",
		WorkBucket: "work", attempts: 1,
	})
}

func requireFault(t *testing.T, err error, code string, kind fault.Kind) *fault.Fault {
	t.Helper()
	f, ok := fault.As(err)
	require.True(t, ok, "not a fault: %v", err)
	require.Equal(t, code, f.Code, "%v", err)
	require.Equal(t, kind, f.Kind, "%v", err)
	return f
}

// requireNothing shows that no object and no part is in the work bucket.
func requireNothing(t *testing.T, s *Store) {
	t.Helper()
	for o, err := range s.List(context.Background(), s.WorkBucket(), "") {
		require.NoError(t, err)
		require.Fail(t, "an object was left", o.Location.String())
	}
	out, err := s.client.ListMultipartUploads(context.Background(), &s3.ListMultipartUploadsInput{Bucket: &s.workBucket})
	require.NoError(t, err)
	require.Empty(t, out.Uploads)
}
