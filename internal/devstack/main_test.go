package devstack

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/objectstore"
)

// parentVariable makes the test binary a parent that starts one server, says
// so and waits to be killed.
const parentVariable = "FERRY_TEST_PARENT"

func TestMain(m *testing.M) {
	RunChild()
	if kind := os.Getenv(parentVariable); kind != "" {
		fmt.Fprintln(os.Stderr, playParent(kind))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// playParent returns only if the server can't be started.
func playParent(kind string) error {
	ctx := context.Background()
	switch kind {
	case "find":
		path, err := playFinder(ctx)
		if err != nil {
			return err
		}
		fmt.Println(path)
		os.Exit(0) //nolint:revive // it is a process of its own
	case "s3":
		s, err := StartS3(ctx, S3Options{Dir: os.Getenv("FERRY_TEST_DIR")})
		if err != nil {
			return err
		}
		fmt.Println(s.settings.Port)
	case "temporal":
		server, err := StartTemporal(ctx, TemporalOptions{CLIPath: os.Getenv("FERRY_TEST_CLI")})
		if err != nil {
			return err
		}
		fmt.Println(server.options.Port)
	case "stranger":
		return playStranger(ctx)
	case "listener":
		l, err := net.Listen("tcp4", "127.0.0.1:"+os.Getenv("FERRY_TEST_PORT"))
		if err != nil {
			return err
		}
		defer l.Close()
		select {}
	}
	select {}
}

// playStranger starts a server that reads no input and prints nothing: only the
// kernel can end it.
func playStranger(ctx context.Context) error {
	r, err := reserve(0)
	if err != nil {
		return err
	}
	p, err := run(command{name: "stranger", path: os.Args[0], env: append(os.Environ(),
		parentVariable+"=listener", "FERRY_TEST_PORT="+strconv.Itoa(r.port))})
	if err != nil {
		return err
	}
	err = p.awaitReady(ctx, time.Minute, func(context.Context) error {
		if portIsFree(r.port) {
			return errors.New("nobody listens yet")
		}
		return nil
	})
	if err != nil {
		return err
	}
	fmt.Println(r.port)
	select {}
}

// startS3 starts a server that ends with the test.
func startS3(t *testing.T, o S3Options) *S3 {
	t.Helper()
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	s, err := StartS3(t.Context(), o)
	require.NoError(t, err)
	t.Cleanup(s.Stop)
	return s
}

// storeOf is a client with a bucket "work".
func storeOf(t *testing.T, s *S3) *objectstore.Store {
	t.Helper()
	store, err := objectstore.New(t.Context(), objectstore.Options{
		Endpoint: s.Endpoint, PathStyle: true, WorkBucket: "work",
		AccessKeyID: s.AccessKey, SecretAccessKey: s.SecretKey,
	})
	require.NoError(t, err)
	require.NoError(t, store.EnsureBucket(t.Context(), "work"))
	return store
}

// portIsFree reports whether anybody may listen on the port.
func portIsFree(port int) bool {
	l, err := net.Listen("tcp4", address(port))
	if err != nil {
		return false
	}
	return l.Close() == nil
}
