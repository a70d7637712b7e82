package activities

import (
	"container/list"
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
)

// writer says in whose name a step is to write to the target.
type writer struct{ migration, route, mark string }

// mayWrite refuses a step that is not of a migration under way: whoever reaches
// the namespace can start a record's workflow from one of his own that has taken
// a migration's id, with a reference into whatever records there are. So the
// bucket says whether they may be sent. Faults: BAD_INPUT and STORE_FAULT
// (final), the store's.
func (a *Activities) mayWrite(ctx context.Context, w writer) error {
	seen, known := a.writers.seen(w)
	if known && a.now().Sub(seen) < purgeSeenAfter {
		return nil
	}
	_, err := together(ctx, &a.writers.flight, fmt.Sprintf("%q", w), func() (any, error) {
		return nil, a.checkWriter(ctx, w, known)
	})
	// What was found once holds for a migration's life, and a store that is away
	// for a while holds up nothing that is read already.
	if f, ok := fault.As(err); known && ok && f.Kind == fault.Retryable {
		return nil
	}
	return err
}

// checkWriter holds a writer against the claim and the plan, or, if that was
// done before, looks only whether the migration was purged since. That it has a
// summary says nothing: a run that is reset after its end goes on.
func (a *Activities) checkWriter(ctx context.Context, w writer, known bool) error {
	var why string
	var err error
	if migration.ValidID(w.migration) {
		why, err = a.purged(ctx, w.migration)
	} else {
		why = "that is no migration's id"
	}
	if err == nil && why == "" && !known {
		why, err = a.whyNotWrite(ctx, w)
	}
	switch {
	case err != nil:
		return err
	case why != "":
		a.writers.forget(w)
		return &fault.Fault{Kind: fault.Final, Code: fault.CodeBadInput, Message: fmt.Sprintf(
			"nothing is sent to the target for migration %.100q: %s (records are sent by a migration's own workflows alone: start one with a file and a route)",
			w.migration, why)}
	}
	a.writers.add(w, a.now())
	return nil
}

// whyNotWrite is what the claim and the plan have against a writer; empty if
// nothing.
func (a *Activities) whyNotWrite(ctx context.Context, w writer) (string, error) {
	var claim Claim
	var plan Plan
	claimed, err := a.readJSON(ctx, w.migration, migration.FileClaim, &claim)
	if err != nil {
		return "", err
	}
	planned, err := a.readJSON(ctx, w.migration, migration.FilePlan, &plan)
	if err != nil {
		return "", err
	}
	switch {
	case !claimed:
		return migration.FileClaim + " is not in the work bucket: it never began, or somebody has deleted the file (put it back)", nil
	case claim.Namespace != a.namespace || claim.Migration != w.migration:
		return fmt.Sprintf("its claim is that of migration %.100q in namespace %.100q, and this is namespace %q",
			claim.Migration, claim.Namespace, a.namespace), nil
	case w.mark != "" && w.mark != migration.RunMark(claim.Namespace, claim.Migration, claim.FirstRunID):
		return "the call is not of the run that claimed it", nil
	case !planned:
		return migration.FilePlan + " is not in the work bucket: its file was not accepted, or somebody has deleted the plan (put it back)", nil
	case plan.Settings.DryRun:
		return "it is a dry run", nil
	case plan.Migration != w.migration || plan.Route != w.route:
		return fmt.Sprintf("it is planned for route %.100q, not %.100q", plan.Route, w.route), nil
	}
	return "", nil
}

const (
	// maxWriters bounds what a worker remembers: more than run at a time.
	maxWriters = 256

	// purgeSeenAfter is how long a worker may go without looking whether a
	// migration was purged.
	purgeSeenAfter = time.Minute
)

// writers remembers who was found to be allowed to write, and when the bucket
// last said so.
type writers struct {
	flight singleflight.Group

	mu    sync.Mutex
	order *list.List // of *knownWriter, most recent first
	items map[writer]*list.Element
}

type knownWriter struct {
	writer
	seen time.Time
}

func newWriters() *writers {
	return &writers{order: list.New(), items: map[writer]*list.Element{}}
}

func (c *writers) seen(w writer) (at time.Time, known bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.items[w]
	if !ok {
		return at, false
	}
	c.order.MoveToFront(e)
	return e.Value.(*knownWriter).seen, true
}

func (c *writers) add(w writer, at time.Time) {
	c.forget(w)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.items[w] = c.order.PushFront(&knownWriter{w, at})
	for c.order.Len() > maxWriters {
		delete(c.items, c.order.Remove(c.order.Back()).(*knownWriter).writer)
	}
}

func (c *writers) forget(w writer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.items[w]; ok {
		c.order.Remove(e)
		delete(c.items, w)
	}
}
