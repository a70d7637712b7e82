package objectstore

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/fault"
)

func TestRemoveTellsWhetherTheContentIsKept(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		header map[string]string
		kept   bool
	}{
		"without versions":   {nil, false},
		"with versions":      {map[string]string{"X-Amz-Delete-Marker": "true", "X-Amz-Version-Id": "v2"}, true},
		"versions suspended": {map[string]string{"X-Amz-Version-Id": "null"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := fakeStore(t, func(w http.ResponseWriter, r *http.Request) {
				if r.Method != http.MethodDelete {
					w.WriteHeader(http.StatusMethodNotAllowed)
					return
				}
				for key, value := range c.header {
					w.Header().Set(key, value)
				}
				w.WriteHeader(http.StatusNoContent)
			})
			kept, err := s.Remove(t.Context(), s.Work("a"))
			require.NoError(t, err)
			require.Equal(t, c.kept, kept)
		})
	}
}

func TestRemoveThatIsDeniedIsAFault(t *testing.T) {
	t.Parallel()
	s := fakeStore(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) })
	_, err := s.Remove(t.Context(), s.Work("a"))
	f := requireFault(t, err, fault.CodeFileUnreadable, fault.Final)
	require.Contains(t, f.Message, "s3:DeleteObject")
}

func TestRemoveDeletes(t *testing.T) {
	t.Parallel()
	s := setup(t)
	require.NoError(t, s.Put(t.Context(), s.Work("a"), []byte("a"), "text/plain"))
	for range 2 { // the second time there is nothing
		kept, err := s.Remove(t.Context(), s.Work("a"))
		require.NoError(t, err)
		require.False(t, kept)
		requireNothing(t, s)
	}
}
