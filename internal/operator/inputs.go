package operator

import (
	"context"
	"sync"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/converter"

	"github.com/f0a90b9a/ferry/workflows"
)

// maxInputs bounds what is remembered of runs without a memo.
const maxInputs = 10_000

// inputs remembers what runs were started with, which never changes, so that a
// list that is asked for again and again reads no history twice.
type inputs struct {
	mu    sync.Mutex
	known map[inputKey]inputValue
}

// inputKey names a run: an id may have several, one after the other.
type inputKey struct {
	id        string
	startedAt time.Time
}

type inputValue struct{ file, route string }

func (i *inputs) get(k inputKey) (inputValue, bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	v, ok := i.known[k]
	return v, ok
}

func (i *inputs) put(k inputKey, v inputValue) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.known == nil || len(i.known) >= maxInputs {
		i.known = map[inputKey]inputValue{}
	}
	i.known[k] = v
}

// withInput adds file and route to a run that was started without a memo, from
// the Temporal UI for instance. What can't be read stays empty.
func (c *Client) withInput(ctx context.Context, r Run) Run {
	if r.File != "" || r.StartedAt == nil {
		return r
	}
	key := inputKey{r.ID, *r.StartedAt}
	in, ok := c.inputs.get(key)
	if !ok {
		if in, ok = c.readInput(ctx, r.ID); ok {
			c.inputs.put(key, in)
		}
	}
	r.File, r.Route = in.file, in.route
	return r
}

// readInput reads file and route from the run's first event.
func (c *Client) readInput(ctx context.Context, id string) (inputValue, bool) {
	events := c.temporal.GetWorkflowHistory(ctx, id, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	if !events.HasNext() {
		return inputValue{}, false
	}
	first, err := events.Next()
	if err != nil {
		return inputValue{}, false
	}
	var in workflows.MigrateFileInput
	payloads := first.GetWorkflowExecutionStartedEventAttributes().GetInput()
	if converter.GetDefaultDataConverter().FromPayloads(payloads, &in) != nil {
		return inputValue{}, false
	}
	return inputValue{in.File, in.Route}, true
}
