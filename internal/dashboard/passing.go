package dashboard

import (
	"context"

	"github.com/f0a90b9a/ferry/internal/figures"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/objectstore"
	"github.com/f0a90b9a/ferry/internal/operator"
)

// passing is how far a pass over the whole file is: the import, the reports,
// the reconciliation.
type passing struct {
	Records int64 // read by an import
	Part    int64 // of Whole: bytes read, or batches gone through
	Whole   int64 // 0: not known
	Bytes   bool  // Part and Whole are bytes
	Again   bool  // it goes through the batches once more
}

// passes follows the passes of one migration. It is for one goroutine.
type passes struct {
	last  operator.Pass
	again bool
	size  *int64 // of the source; nil: not looked for yet, 0: not told
}

// sizeOf tells how long a source file is; 0 if that can't be known.
type sizeOf func(ctx context.Context, uri string) int64

// see puts what a run has told last into a view; nil if there is nothing to
// tell in this phase.
func (p *passes) see(ctx context.Context, told *operator.Pass, st *standing, source sizeOf) *passing {
	if !told.Fresh(st.at) || !passingIn(st.summary.Phase) {
		p.last, p.again = operator.Pass{}, false
		return nil
	}
	if told.Activity != p.last.Activity || told.Attempt != p.last.Attempt {
		p.again = false // from the beginning
	} else if told.Batch < p.last.Batch {
		p.again = true
	}
	p.last = *told
	if told.Batch > 0 {
		return &passing{Part: int64(told.Batch) - 1, Whole: int64(st.plan.Batches), Again: p.again}
	}
	if p.size == nil {
		size := source(ctx, st.summary.File)
		p.size = &size
	}
	return &passing{Records: told.Records, Part: told.Bytes, Whole: max(*p.size, 0), Bytes: true}
}

// passingIn reports whether a whole file is gone through in a phase.
func passingIn(phase migration.Phase) bool {
	switch phase {
	case migration.Importing, migration.Reporting, migration.Reconciling:
		return true
	case migration.Checking, migration.AwaitingApproval, migration.Migrating, migration.Paused, migration.Stopping, migration.Done:
	}
	return false
}

// sourceSize looks how long a file in S3 is. The workers' credentials may read
// what the dashboard's can't.
func (p *past) sourceSize(ctx context.Context, uri string) int64 {
	loc, err := objectstore.ParseURI(uri)
	if err != nil {
		return 0
	}
	object, err := p.store.Head(ctx, loc)
	if err != nil {
		return 0
	}
	return object.Size
}

// Share is how much of it is done, of barWidth; 0 if the whole isn't known.
func (p *passing) Share() float64 {
	if p.Whole == 0 {
		return 0
	}
	return barWidth * float64(min(p.Part, p.Whole)) / float64(p.Whole)
}

// Says puts it into words.
func (p *passing) Says() string {
	percents := ""
	if p.Whole > 0 {
		percents = ", " + percent(int(min(p.Part, p.Whole)), int(p.Whole))
	}
	switch {
	case p.Bytes:
		return figures.Plural(int(p.Records), "record") + " read" + percents
	case p.Again:
		return "Once more through the batches, for what differed" + percents
	}
	return figures.Number(int(p.Part)) + " of " + batches(int(p.Whole)) + percents
}
