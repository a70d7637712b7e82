package workflows

import (
	"fmt"
	"strings"

	"go.temporal.io/sdk/workflow"

	"github.com/f0a90b9a/ferry/internal/migration"
)

// describe shows the run's state in the Temporal UI, as Markdown. It costs no
// event.
func (r *fileRun) describe() {
	workflow.SetCurrentDetails(r.ctx, r.details())
}

func (r *fileRun) details() string {
	var b strings.Builder
	o := r.outcomes()
	fmt.Fprintf(&b, "**%s** %s\n\n", r.shown(), r.result)
	if r.Reason != "" {
		fmt.Fprintf(&b, "%s\n\n", r.Reason)
	}
	if r.Records > 0 {
		fmt.Fprintf(&b, "%d records: %d migrated, %d already migrated, %d failed, %d not attempted\n\n",
			r.Records, o.Migrated, o.AlreadyMigrated, o.Failed, o.NotAttempted)
	}
	if len(r.problems) > 0 {
		fmt.Fprintf(&b, "The first of %d problems (all are in %s):\n\n", r.Problems.Total, migration.FileValidation)
		for _, p := range r.problems {
			fmt.Fprintf(&b, "- %s\n", p)
		}
		b.WriteString("\n")
	}
	for _, e := range r.total().Groups.Top() {
		fmt.Fprintf(&b, "- %d × %s at %s, e.g. %s\n", e.Count, e.Code, e.Step, e.Examples[0])
	}
	return b.String()
}

// enter begins a phase.
func (r *fileRun) enter(p migration.Phase) {
	r.phase = p
	r.describe()
}
