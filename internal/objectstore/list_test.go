package objectstore

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/fault"
)

func TestListGoesOverPages(t *testing.T) {
	t.Parallel()
	s := setup(t)
	const n = 1200 // a page has at most 1000
	var all sync.WaitGroup
	var errs [8]error
	for w := range errs {
		all.Go(func() {
			for i := w; i < n; i += len(errs) {
				key := fmt.Sprintf("migrations/m-%04d/claim.json", i)
				errs[w] = errors.Join(errs[w], s.Put(t.Context(), s.Work(key), []byte("{}"), "application/json"))
			}
		})
	}
	all.Wait()
	require.NoError(t, errors.Join(errs[:]...))
	require.NoError(t, s.Put(t.Context(), s.Work("other/x"), nil, "text/plain"))

	var objects int
	for o, err := range s.List(t.Context(), s.WorkBucket(), "migrations/") {
		require.NoError(t, err)
		require.Equal(t, fmt.Sprintf("migrations/m-%04d/claim.json", objects), o.Location.Key)
		require.EqualValues(t, 2, o.Size)
		require.NotEmpty(t, o.ETag)
		require.False(t, o.LastModified.IsZero())
		objects++
	}
	require.Equal(t, n, objects)

	var prefixes int
	for p, err := range s.ListPrefixes(t.Context(), s.WorkBucket(), "migrations/") {
		require.NoError(t, err)
		require.Equal(t, fmt.Sprintf("migrations/m-%04d/", prefixes), p)
		prefixes++
	}
	require.Equal(t, n, prefixes)

	const enough = 3 // of what a page has
	objects = 0
	for _, err := range s.List(t.Context(), s.WorkBucket(), "migrations/") {
		require.NoError(t, err)
		if objects++; objects == enough {
			break
		}
	}
	require.Equal(t, enough, objects)
}

func TestListTellsItsError(t *testing.T) {
	t.Parallel()
	s := setup(t)
	var seen []error
	for _, err := range s.List(t.Context(), "not-there", "x/") {
		seen = append(seen, err)
	}
	for _, err := range s.ListPrefixes(t.Context(), "not-there", "x/") {
		seen = append(seen, err)
	}
	require.Len(t, seen, 2)
	for _, err := range seen {
		requireFault(t, err, fault.CodeFileNotFound, fault.Final)
		require.ErrorContains(t, err, "list s3://not-there/x/: there is no bucket not-there")
	}
}
