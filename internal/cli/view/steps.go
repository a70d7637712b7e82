package view

import (
	"fmt"
	"io"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/migration"
)

// steps writes how far the records have come, step by step. A summary of an
// earlier release tells nothing of it.
func steps(w io.Writer, s migration.Summary) {
	if s.Steps == (migration.StepCounts{}) {
		return
	}
	fmt.Fprintln(w)
	table(w, func(t io.Writer) {
		fmt.Fprintln(t, "step\tplanned\tdone\tfailed")
		for _, step := range entitlement.AllSteps() {
			if c := *s.Steps.Of(step); c != (migration.StepCount{}) {
				fmt.Fprintf(t, "  %s\t%d\t%d\t%d\n", step, c.Planned, c.Done, c.Failed)
			}
		}
	})
}
