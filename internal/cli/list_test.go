package cli

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/cli/view"
	"github.com/f0a90b9a/ferry/internal/operator"
)

// A start that failed, for a mistyped route say, is followed by another under
// its id.
func TestListHasAnIDOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.temporal.runs["the former"] = operator.Run{ID: "a", State: operator.Failed, Route: "acme-nvoa", StartedAt: at(9)}
	b.temporal.runs["a"] = operator.Run{ID: "a", State: operator.Open, Route: "acme-nova", StartedAt: at(10)}
	for range 5 { // they come in any order
		var entries []view.Entry
		r := b.run("list", "--json")
		require.NoError(t, json.Unmarshal([]byte(r.out), &entries), r.errors)
		require.Len(t, entries, 1)
		require.Equal(t, "acme-nova", entries[0].Route)
		require.Equal(t, "RUNNING", entries[0].State)
	}
}
