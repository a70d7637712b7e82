package dashboard

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/operator"
)

const (
	// listEvery is the pace of the list while anybody looks at it.
	listEvery = 3 * time.Second
	// lateEvery is the pace while answers of running migrations are awaited.
	lateEvery   = time.Second
	listTimeout = time.Minute
	// listedRuns is how many migrations Temporal is asked for.
	listedRuns = 500
	// rememberFor is how long an entry of a migration that is over is believed:
	// only a new reconciliation changes it.
	rememberFor = time.Minute
)

// listing is all migrations, the latest first.
type listing struct {
	entries []entry
	trouble string
	late    bool // answers are still to come
}

// entry is one migration in the list.
type entry struct {
	migration.Summary
	Running bool
	Silent  bool // running, and nobody answers for it
}

// lister puts the list together from Temporal and the work bucket.
type lister struct {
	engine Engine
	past   *past
	now    func() time.Time
	far    glimpses // how far running ones are

	mu     sync.Mutex
	memory map[string]remembered // of migrations that are over
	last   listing
}

type remembered struct {
	entry entry
	at    time.Time
}

func newLister(engine Engine, past *past, now func() time.Time) *lister {
	return &lister{engine: engine, past: past, now: now, far: glimpses{engine: engine, now: now}}
}

// poll is a feed's.
func (l *lister) poll(ctx context.Context) (listing, time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	list, err := l.list(ctx)
	if err != nil {
		l.last.trouble = words(err)
		return l.last, troubledEvery
	}
	l.last = list
	if list.late {
		return list, lateEvery
	}
	return list, listEvery
}

// list joins what Temporal knows with what the work bucket has. Where Temporal
// can't be reached the bucket's are shown all the same.
func (l *lister) list(ctx context.Context) (listing, error) {
	var list listing
	runs, err := l.engine.List(ctx, listedRuns)
	if err != nil {
		list.trouble = words(err)
	}
	byID := map[string]*operator.Run{}
	ids := make([]string, 0, len(runs))
	var open []string
	for i := range runs {
		if byID[runs[i].ID] == nil { // the latest of its id comes first
			byID[runs[i].ID] = &runs[i]
			ids = append(ids, runs[i].ID)
			if runs[i].State == operator.Open {
				open = append(open, runs[i].ID)
			}
		}
	}
	seen, late := l.far.look(ctx, open)
	list.late = late
	for id, err := range l.past.archive.IDs(ctx) {
		if err != nil {
			return list, err
		}
		if byID[id] == nil && migration.ValidID(id) {
			ids = append(ids, id)
		}
	}
	list.entries, err = l.entries(ctx, ids, byID, seen)
	slices.SortStableFunc(list.entries, func(a, b entry) int { return migration.CompareTimes(b.StartedAt, a.StartedAt) })
	return list, err
}

func (l *lister) entries(ctx context.Context, ids []string, byID map[string]*operator.Run, seen map[string]glimpse) ([]entry, error) {
	found := make([]entry, len(ids))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(readsAtOnce)
	for i, id := range ids {
		group.Go(func() (err error) {
			if run := byID[id]; run != nil && run.State == operator.Open {
				found[i] = underWay(run, seen[id])
				return nil
			}
			found[i], err = l.entry(ctx, id, byID[id])
			return err
		})
	}
	err := group.Wait()
	// A folder without a claim is no migration.
	return slices.DeleteFunc(found, func(e entry) bool { return e.Migration == "" }), err
}

// underWay is a migration that runs, with what was seen of it last.
func underWay(run *operator.Run, g glimpse) entry {
	s := ofRun(*run)
	s.Phase = running
	if g.summary.Phase != "" {
		s.Phase, s.Records, s.Outcomes = g.summary.Phase, g.summary.Records, g.summary.Outcomes
	}
	return entry{Summary: s, Running: true, Silent: g.silent}
}

// entry is a migration that is over.
func (l *lister) entry(ctx context.Context, id string, run *operator.Run) (entry, error) {
	if e, ok := l.recall(id, run); ok {
		return e, nil
	}
	summary, err := l.ended(ctx, id, run)
	if err != nil {
		return entry{}, err
	}
	// The list shows no more than this, and keeps it for thousands.
	e := entry{Summary: migration.Summary{
		Migration: summary.Migration, File: summary.File, Route: summary.Route, Result: summary.Result,
		Reason: summary.Reason, Records: summary.Records, Outcomes: summary.Outcomes,
		StartedAt: summary.StartedAt, FinishedAt: summary.FinishedAt,
	}}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.memory == nil {
		l.memory = map[string]remembered{}
	}
	l.memory[id] = remembered{e, l.now()}
	return e, nil
}

// recall gives an entry that is still believed. One whose start differs is of
// an earlier run of the id.
func (l *lister) recall(id string, run *operator.Run) (entry, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	m, ok := l.memory[id]
	if !ok || l.now().Sub(m.at) >= rememberFor {
		return entry{}, false
	}
	if run != nil && run.ClosedAt != nil && m.entry.FinishedAt != nil && run.ClosedAt.Sub(*m.entry.FinishedAt) > rememberFor {
		return entry{}, false
	}
	return m.entry, true
}

// ended is a migration that is over.
func (l *lister) ended(ctx context.Context, id string, run *operator.Run) (migration.Summary, error) {
	if run == nil {
		s, _, err := l.past.remembered(ctx, id)
		return s, err
	}
	s, found, err := l.past.summary(ctx, id)
	if err != nil || found && (run.File == "" || s.File == run.File) {
		return s, err
	}
	s, err = l.engine.Result(ctx, id)
	var failed *operator.FailedError
	var cut *operator.InterruptedError
	switch {
	case errors.As(err, &failed):
		return notStarted(ofRun(*run), failed), nil
	case errors.As(err, &cut):
		return interrupted(ofRun(*run), "closed from outside ("+cut.How+")"), nil
	}
	return s, err
}
