package operator

import (
	"context"
	"fmt"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
)

// unansweredError is the end of a question that no worker answered in time. It
// is context.DeadlineExceeded, whatever the connection called it.
type unansweredError struct {
	what string
	last *time.Time // when a worker last asked for work; nil: nobody knows
	now  time.Time
}

func (e *unansweredError) Error() string {
	text := e.what + ": no worker answered in time"
	if e.last != nil {
		text += fmt.Sprintf("; the last that asked for work did so %s ago, and a live one does every minute",
			e.now.Sub(*e.last).Round(time.Second))
	}
	return text
}

func (e *unansweredError) Unwrap() error { return context.DeadlineExceeded }

// nearly is how much earlier than the caller's own clock a connection may end
// a call for its deadline.
const nearly = time.Second

// outOfTime reports whether a call ended because its time was over.
func outOfTime(ctx context.Context) bool {
	deadline, bounded := ctx.Deadline()
	return bounded && time.Until(deadline) < nearly
}

// lastPoll tells whether anybody polls the task queue, and when somebody last
// did. The server remembers a worker that is gone for some minutes.
func (c *Client) lastPoll(ctx context.Context) (last *time.Time, polls bool, err error) {
	answer, err := c.temporal.DescribeTaskQueue(ctx, c.queue, enumspb.TASK_QUEUE_TYPE_WORKFLOW)
	if err != nil {
		return nil, false, err
	}
	for _, p := range answer.GetPollers() {
		if at := moment(p.GetLastAccessTime()); at != nil && (last == nil || at.After(*last)) {
			last = at
		}
	}
	return last, len(answer.GetPollers()) > 0, nil
}
