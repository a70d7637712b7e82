package objectstore

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/fault"
)

func TestPutIfMatchHasOneWinner(t *testing.T) {
	t.Parallel()
	s := setup(t)
	loc := s.Work("k")
	require.NoError(t, s.Put(t.Context(), loc, []byte("old"), "text/plain"))
	_, etag, err := s.Read(t.Context(), loc, 10)
	require.NoError(t, err)
	const racers = 16
	replaced, errs := make([]bool, racers), make([]error, racers)
	var all sync.WaitGroup
	for i := range racers {
		all.Go(func() {
			replaced[i], errs[i] = s.PutIfMatch(t.Context(), loc, etag, fmt.Append(nil, i), "text/plain")
		})
	}
	all.Wait()
	require.NoError(t, errors.Join(errs...))
	winner := slices.Index(replaced, true)
	require.NotEqual(t, -1, winner)
	require.NotContains(t, replaced[winner+1:], true)
	body, _, err := s.Read(t.Context(), loc, 10)
	require.NoError(t, err)
	require.Equal(t, fmt.Sprint(winner), string(body))

	done, err := s.PutIfMatch(t.Context(), s.Work("gone"), etag, []byte("x"), "text/plain")
	require.NoError(t, err)
	require.False(t, done)
}

func TestPutIfMatchNeedsAStoreThatHeedsIt(t *testing.T) {
	t.Parallel()
	for name, handler := range map[string]http.HandlerFunc{
		"ignores the condition": func(http.ResponseWriter, *http.Request) {},
		"does not implement it": answer(501, "NotImplemented"),
	} {
		s := fakeStore(t, handler)
		_, err := s.PutIfMatch(t.Context(), s.Work("k"), `"e"`, []byte("x"), "text/plain")
		requireFault(t, err, fault.CodeStoreUnfit, fault.Final)
		require.ErrorContains(t, err, "does not honour If-Match", name)
	}
}
