package workflows

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"go.temporal.io/sdk/workflow"
)

// runMark is what the workflows of one migration know each other's messages
// by. It is made of the root's first run id, so that it stays the same when the
// root continues as new, is retried or is reset: what an earlier run has left
// running must hear its heir. Those who may read histories may read it, too.
func runMark(root *workflow.Info) string {
	sum := sha256.Sum256([]byte(strings.Join(
		[]string{"ferry", root.Namespace, root.WorkflowExecution.ID, firstRun(root)}, "\x00")))
	return hex.EncodeToString(sum[:16])
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
