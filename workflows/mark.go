package workflows

import (
	"go.temporal.io/sdk/workflow"

	"github.com/f0a90b9a/ferry/internal/migration"
)

// runMark is the mark of a root's messages. What an earlier run has left running
// must hear its heir, so it is made of the first run's id. Those who may read
// histories may read it, too.
func runMark(root *workflow.Info) string {
	return migration.RunMark(root.Namespace, root.WorkflowExecution.ID, firstRun(root))
}

// firstRun is the run id that a workflow keeps over every reset.
func firstRun(info *workflow.Info) string {
	if info.FirstRunID == "" {
		return info.WorkflowExecution.RunID
	}
	return info.FirstRunID
}

// stamp says whose a message is, and who sent it. Runs of the first behaviour
// have none.
type stamp struct {
	Mark string `json:"mark,omitempty"`
	Run  string `json:"run,omitempty"` // of the sender: of a root its run id, of a batch its first one
}

// overtaken reports whether a control says what was so before another. Within a
// run of the root they have numbers; a run that was reset counts anew, so
// between runs the time decides.
func (c Control) overtaken(by Control) bool {
	if c.Run == by.Run {
		return c.Number < by.Number
	}
	return c.At.Before(by.At)
}

// isForLeftovers reports whether a control is meant for what an earlier run of
// the sender has begun, and not for a child of this one.
func (c Control) isForLeftovers(info *workflow.Info) bool {
	parent := info.ParentWorkflowExecution
	return c.Leftover != "" && parent != nil && parent.RunID == c.Leftover
}
