package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"
)

// slowAfter is how long a record is waited for before others go on without it.
const slowAfter = time.Minute

// age marks records that have been under way for long, as long as the batch
// has any. A minute of all records' usual life costs it one timer.
func (b *batchRun) age(ctx workflow.Context) {
	for !b.over {
		_ = workflow.Await(ctx, func() bool { return b.over || !b.control.Hold })
		_, _ = workflow.AwaitWithTimeout(ctx, b.untilSlow(), func() bool { return b.over || b.control.Hold })
		b.markSlow()
	}
}

// untilSlow is how long it takes until the next record under way counts as
// slow, if it isn't over before.
func (b *batchRun) untilSlow() time.Duration {
	next := slowAfter
	for _, rec := range b.records {
		if o, ok := b.open[rec.Record]; ok && !o.slow {
			next = min(next, o.since.Add(slowAfter).Sub(workflow.Now(b.ctx)))
		}
	}
	return max(next, time.Second)
}

// markSlow finds records that have become slow, and tells the root: it may go
// on without them.
func (b *batchRun) markSlow() {
	if b.over || b.control.Hold {
		return
	}
	before := b.slow()
	for _, rec := range b.records {
		if o, ok := b.open[rec.Record]; ok && workflow.Now(b.ctx).Sub(o.since) >= slowAfter {
			o.slow = true
		}
	}
	if b.slow() != before {
		t := b.tally()
		b.describe(t)
		b.send(t)
	}
}

// refresh gives all records their time anew, once the run goes on.
func (b *batchRun) refresh() {
	before := b.slow()
	for _, rec := range b.records {
		if o, ok := b.open[rec.Record]; ok {
			o.since, o.slow = workflow.Now(b.ctx), false
		}
	}
	if before > 0 {
		b.send(b.tally())
	}
}

// slow is how many records under way have been so for long.
func (b *batchRun) slow() int {
	n := 0
	for _, rec := range b.records {
		if o, ok := b.open[rec.Record]; ok && o.slow {
			n++
		}
	}
	return n
}
