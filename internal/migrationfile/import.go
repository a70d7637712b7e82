package migrationfile

import (
	"context"
	"io"
	"runtime"
	"time"

	"github.com/f0a90b9a/ferry/internal/entitlement"
)

// Defaults of ImportOptions.
const (
	DefaultMaxRecordBytes = 64 << 10
	DefaultMaxDepth       = 32
	DefaultMaxProblems    = 10_000
)

// maxWorkers have more than enough to do for one reader.
const maxWorkers = 8

// ImportOptions say how a file is read and judged. The zero value checks
// against no route and stages nothing.
type ImportOptions struct {
	// Route whose rules the records must keep; nil: route rules and the number
	// of entitlements per customer are not checked.
	Route *entitlement.Route
	// Now decides what lies in the future; zero: the time of the call.
	Now time.Time
	// Reload says that the file is made of an earlier migration's leftovers:
	// an ACTIVE-ENDING whose end has passed is then a warning.
	Reload bool
	// Stage takes the records, compact, one a line; nil: nowhere. What it got
	// is worthless if the Result has problems.
	Stage io.Writer
	// MaxRecordBytes is the largest record as it stands in the file, in bytes
	// without the 64 that a reload may add; 0: DefaultMaxRecordBytes, and no
	// more than 1 GiB.
	MaxRecordBytes int
	// MaxDepth is the deepest nesting, the record being 1; 0: DefaultMaxDepth.
	MaxDepth int
	// MaxProblems are kept in full, the others counted; 0: DefaultMaxProblems.
	MaxProblems int
	// Workers check records side by side; 0: one a processor (GOMAXPROCS), at
	// most 8, as reading takes a third of a processor for each.
	Workers int
	// Progress, if set, is told every 256 KiB of unpacked source, and at the
	// end, how many source bytes and records have been read. It must be quick;
	// calls come one at a time, from several goroutines.
	Progress func(bytes, records int64)
}

// Result is what an import found. The file is accepted if Problems is empty.
type Result struct {
	Records int    `json:"records"` // in the file, good or bad
	Bytes   int64  `json:"bytes"`   // of the source as stored
	SHA256  string `json:"sha256"`  // of the source as stored, in hex
	// Problems in file order, at most MaxProblems; ProblemCounts has all.
	Problems      []Problem      `json:"problems"`
	ProblemCounts map[string]int `json:"problemCounts"` // by code
	// Warnings in order of first appearance, at most 100 of them;
	// WarningCounts has all.
	Warnings      []Warning      `json:"warnings"`
	WarningCounts map[string]int `json:"warningCounts"` // by code
	// Statuses counts the sound records by the status they are to end in,
	// Steps the calls that they need.
	Statuses map[entitlement.Status]int `json:"statuses"`
	Steps    map[entitlement.Step]int   `json:"steps"`
	// Index finds the records in the staged file; nil if there are problems.
	Index *Index `json:"-"`
}

// ProblemTotal is the number of problems, those not kept included.
func (r *Result) ProblemTotal() int {
	total := 0
	for _, n := range r.ProblemCounts {
		total += n
	}
	return total
}

// Import reads a migration file to its end: an array of records or one record
// a line, plain or gzipped. Whatever is wrong with the file is a Problem of
// the Result, all of them in one pass; after damage beyond which records can't
// be told apart the rest is only hashed. An error is a source or stage that
// failed, or the context's; the source is read no more when Import returns.
//
// Records are checked side by side, and the Result and what is staged are the
// same for any number of workers. Memory is a few MiB and some 50 bytes a
// record: 20 to 30 for its id, as many for its customer if it is living and
// the route has a limit (see prints), and 2 for its place in the staged file.
func Import(ctx context.Context, src io.Reader, opts ImportOptions) (*Result, error) {
	opts = opts.withDefaults()
	in := newSource(ctx, src)
	split := newSplitter(in, opts.MaxRecordBytes+reloadAllowance)
	if opts.Progress != nil {
		in.progress = func() { opts.Progress(in.stored.bytes, int64(split.records)) }
	}
	collected := newCollector(opts)
	if err := newPipeline(split, opts.Workers).run(newCheckers(opts, opts.Workers, &collected.full), collected.add); err != nil {
		return nil, err
	}
	cut := in.told // damage has been reported where it cut the records short
	damage, err := in.drain()
	if err != nil {
		return nil, err
	}
	if damage != nil && !cut {
		collected.damaged(damage, in.place)
	}
	return collected.finish(in), nil
}

func (o ImportOptions) withDefaults() ImportOptions {
	if o.Now.IsZero() {
		o.Now = time.Now()
	}
	if o.MaxRecordBytes <= 0 {
		o.MaxRecordBytes = DefaultMaxRecordBytes
	}
	o.MaxRecordBytes = min(o.MaxRecordBytes, 1<<30)
	if o.MaxDepth <= 0 {
		o.MaxDepth = DefaultMaxDepth
	}
	if o.MaxProblems <= 0 {
		o.MaxProblems = DefaultMaxProblems
	}
	if o.Workers <= 0 {
		o.Workers = min(runtime.GOMAXPROCS(0), maxWorkers)
	}
	return o
}

// livingLimit is how many living entitlements a customer may have at one
// merchant; 0: any number.
func (o *ImportOptions) livingLimit() int {
	if o.Route == nil {
		return 0
	}
	return max(0, o.Route.EntitlementsPerCustomer)
}
