package view

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/f0a90b9a/ferry/internal/sandbox"
)

// Books writes what the sandbox counted: the target's side of a migration.
func Books(w io.Writer, s sandbox.Stats) {
	table(w, func(t io.Writer) {
		fmt.Fprintln(t, "the sandbox's own books")
		fmt.Fprintf(t, "  calls\t%s\n", tallies(s.Calls))
		fmt.Fprintf(t, "  writes that changed something\t%s\n", tallies(s.Effective))
		fmt.Fprintf(t, "  repeats answered from memory\t%d\n", s.Replayed)
		fmt.Fprintf(t, "  refused\t%d\n", s.Rejected)
		fmt.Fprintf(t, "  entitlements\t%s\n", tallies(s.Entitlements))
		fmt.Fprintf(t, "  external ids there twice\t%d\n", s.DuplicateExternalIDs)
	})
}

func tallies[K ~string](counts map[K]int64) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		if counts[name] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", counts[name], name))
		}
	}
	if parts == nil {
		return "none"
	}
	return strings.Join(parts, ", ")
}
