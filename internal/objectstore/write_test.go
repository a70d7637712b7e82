package objectstore

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/devstack"
	"github.com/f0a90b9a/ferry/internal/fault"
)

func TestPutIfAbsentHasOneWinner(t *testing.T) {
	t.Parallel()
	sidecar, err := devstack.StartS3(t.Context(), devstack.S3Options{Dir: t.TempDir(), Sidecar: true})
	require.NoError(t, err)
	t.Cleanup(sidecar.Stop)
	for name, at := range map[string]*devstack.S3{"attributes": server, "sidecar": sidecar} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, optionsOf(t, at))
			for round := range 10 {
				requireOneWinner(t, s, s.Work(fmt.Sprint("claims/", round)))
			}
		})
	}
}

func requireOneWinner(t *testing.T, s *Store, loc Location) {
	t.Helper()
	const racers = 32
	created := make([]bool, racers)
	errs := make([]error, racers)
	var all sync.WaitGroup
	for i := range racers {
		all.Go(func() { created[i], errs[i] = s.PutIfAbsent(t.Context(), loc, fmt.Append(nil, i), "text/plain") })
	}
	all.Wait()
	require.NoError(t, errors.Join(errs...))
	winner := slices.Index(created, true)
	require.NotEqual(t, -1, winner)
	require.NotContains(t, created[winner+1:], true)
	body, _, err := s.Read(t.Context(), loc, 10)
	require.NoError(t, err)
	require.Equal(t, fmt.Sprint(winner), string(body))
}

func TestPutIfAbsentWaitsOutAConflict(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	s := fakeStore(t, func(w http.ResponseWriter, r *http.Request) {
		if calls.Add(1) < 4 {
			answer(409, "ConditionalRequestConflict")(w, r)
		}
	})
	created, err := s.PutIfAbsent(t.Context(), s.Work("k"), []byte("x"), "text/plain")
	require.NoError(t, err)
	require.True(t, created)
	require.EqualValues(t, 4, calls.Load())

	s = fakeStore(t, answer(409, "ConditionalRequestConflict"))
	_, err = s.PutIfAbsent(t.Context(), s.Work("k"), []byte("x"), "text/plain")
	requireFault(t, err, fault.CodeStoreFault, fault.Retryable)
}

func TestCheckConditionalPut(t *testing.T) {
	t.Parallel()
	s := setup(t)
	require.NoError(t, s.CheckConditionalPut(t.Context()))
	require.NoError(t, s.CheckConditionalPut(t.Context()))

	for name, handler := range map[string]http.HandlerFunc{
		"ignores the condition": func(http.ResponseWriter, *http.Request) {},
		"does not implement it": answer(501, "NotImplemented"),
	} {
		err := fakeStore(t, handler).CheckConditionalPut(t.Context())
		requireFault(t, err, fault.CodeStoreUnfit, fault.Final)
		require.ErrorContains(t, err, "the store of bucket work does not honour If-None-Match", name)
	}

	err := fakeStore(t, answer(403, "AccessDenied")).CheckConditionalPut(t.Context())
	requireFault(t, err, fault.CodeFileUnreadable, fault.Final)

	err = newStore(t, Options{AccessKeyID: "id", SecretAccessKey: "secret"}).CheckConditionalPut(t.Context())
	require.ErrorContains(t, err, "s3.work_bucket")
}

func TestPutReplaces(t *testing.T) {
	t.Parallel()
	s := setup(t)
	for _, body := range []string{"first", "second, and longer"} {
		require.NoError(t, s.Put(t.Context(), s.Work("k"), []byte(body), "text/plain"))
		got, _, err := s.Read(t.Context(), s.Work("k"), 100)
		require.NoError(t, err)
		require.Equal(t, body, string(got))
	}
}

func TestCopyAndDelete(t *testing.T) {
	t.Parallel()
	s := setup(t)
	for _, key := range []string{"plain", "a b/c+d%20e?f#g", "é/ü=&,;:@$!'()*~"} {
		from, to := s.Work(key), s.Work("copies/"+key)
		require.NoError(t, s.Put(t.Context(), from, []byte(key), "text/plain"))
		require.NoError(t, s.Copy(t.Context(), from, to))
		got, _, err := s.Read(t.Context(), to, 100)
		require.NoError(t, err)
		require.Equal(t, key, string(got))
		require.NoError(t, s.Delete(t.Context(), from))
		_, err = s.Head(t.Context(), from)
		requireFault(t, err, fault.CodeFileNotFound, fault.Final)
		require.NoError(t, s.Delete(t.Context(), from))
	}
	err := s.Copy(t.Context(), s.Work("missing"), s.Work("x"))
	requireFault(t, err, fault.CodeFileNotFound, fault.Final)
}

func TestEnsureBucket(t *testing.T) {
	t.Parallel()
	s := setup(t) // makes it
	require.NoError(t, s.EnsureBucket(t.Context(), s.WorkBucket()))
	err := fakeStore(t, answer(409, "BucketAlreadyExists")).EnsureBucket(t.Context(), "work")
	requireFault(t, err, fault.CodeStoreFault, fault.Final)
}
