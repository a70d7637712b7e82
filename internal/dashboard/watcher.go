package dashboard

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/operator"
	"github.com/f0a90b9a/ferry/internal/pace"
)

const (
	// queryEvery is the pace of progress queries of one migration.
	queryEvery = time.Second
	// troubledEvery is the pace while nobody answers.
	troubledEvery = 5 * time.Second
	// settledEvery is the pace of looks at a migration that is over, which only a
	// purge or a reconciliation changes. Its pages are not kept up to date, so
	// that there are no more than a few after each is loaded.
	settledEvery = 5 * time.Second
	// describeEvery is how often a running migration is looked up in Temporal: a
	// closed workflow answers queries too, so they don't show its end.
	describeEvery = 10 * time.Second
	// passEvery is how often it is in a phase in which it goes through a whole
	// file, of which Temporal keeps how far.
	passEvery    = 3 * time.Second
	queryTimeout = 10 * time.Second
	callTimeout  = 15 * time.Second
)

// watcher finds out how one migration stands, again and again. It is for one
// goroutine.
type watcher struct {
	engine Engine
	past   *past
	id     string
	now    func() time.Time

	run       *operator.Run // nil: to be looked up
	described time.Time
	last      standing
	meter     pace.Meter
	passes    passes
	filesFor  string // phase and result that last.files are of
}

// poll is a feed's.
func (w *watcher) poll(ctx context.Context) (standing, time.Duration) {
	s, next := w.look(ctx)
	s.at = w.now()
	if s.open {
		w.meter.See(s.at, &s.summary)
	}
	s.pace = w.meter.Read()
	if s.known {
		w.addFiles(ctx, &s)
	}
	if s.open && w.run != nil {
		s.passing = w.passes.see(ctx, w.run.Pass, &s, w.past.sourceSize)
	}
	w.last = s
	return s, next
}

func (w *watcher) look(ctx context.Context) (standing, time.Duration) {
	if w.run == nil || w.run.State != operator.Open || w.now().Sub(w.described) >= w.describeEvery() {
		run, err := w.describe(ctx)
		switch {
		case errors.Is(err, operator.ErrUnknown):
			return w.forgotten(ctx), settledEvery
		case err != nil:
			return w.troubled(err), troubledEvery
		}
		w.run, w.described = &run, w.now()
	}
	if w.run.State == operator.Open {
		return w.running(ctx)
	}
	return w.over(ctx)
}

func (w *watcher) describeEvery() time.Duration {
	if passingIn(w.last.summary.Phase) {
		return passEvery
	}
	return describeEvery
}

func (w *watcher) describe(ctx context.Context) (operator.Run, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return w.engine.Describe(ctx, w.id)
}

// troubled is what was known last, with what is wrong now.
func (w *watcher) troubled(err error) standing {
	s := w.last
	s.trouble = words(err)
	return s
}

// running asks the workflow; if nobody answers, the bucket tells the phase.
func (w *watcher) running(ctx context.Context) (standing, time.Duration) {
	call, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	summary, err := w.engine.Progress(call, w.id)
	if err == nil {
		if summary.Result != "" {
			w.run = nil // it has just ended: see what Temporal says
		}
		return standing{summary: summary, known: true, open: true}, queryEvery
	}
	w.run = nil // it may have been closed by force
	s := w.troubled(err)
	if s.summary.Migration == "" {
		s.summary = w.guess(ctx)
	}
	s.known, s.open = true, true
	return s, troubledEvery
}

// guess is what can be said of a running migration that nobody answers for.
func (w *watcher) guess(ctx context.Context) migration.Summary {
	s := migration.Summary{Migration: w.id, Phase: migration.Checking}
	if run, err := w.describe(ctx); err == nil {
		s = ofRun(run)
		s.Phase = migration.Checking
	}
	if phase, err := w.past.phase(ctx, w.id); err == nil && phase != "" {
		s.Phase = phase
	}
	return s
}

// over shows a migration that has ended: its summary.json, which a later
// reconciliation may have written anew, else its result.
func (w *watcher) over(ctx context.Context) (standing, time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	written, found, err := w.past.summary(ctx, w.id)
	if err == nil && found && w.written(written) {
		return standing{summary: written, known: true}, settledEvery
	}
	summary, err := w.engine.Result(ctx, w.id)
	var failed *operator.FailedError
	var cut *operator.InterruptedError
	switch {
	case err == nil:
		return standing{summary: summary, known: true}, settledEvery
	case errors.As(err, &failed):
		return standing{summary: interrupted(w.lastKnown(), failed.Code+": "+failed.Message), known: true}, settledEvery
	case errors.As(err, &cut):
		return standing{summary: interrupted(w.lastKnown(), "it was closed from outside ("+cut.How+") before it had a result"), known: true}, settledEvery
	}
	s := w.troubled(err)
	if s.summary.Migration == "" {
		s.summary = ofRun(*w.run)
	}
	s.known = true
	return s, troubledEvery
}

// written reports whether a summary.json is of this run: an earlier run that
// failed before it claimed anything leaves none, and a later one its own.
func (w *watcher) written(s migration.Summary) bool { return w.run.File == "" || s.File == w.run.File }

// lastKnown is the run as Temporal tells it, with the counts that were seen
// last.
func (w *watcher) lastKnown() migration.Summary {
	s := w.last.summary
	base := ofRun(*w.run)
	if s.Migration == "" || s.Result != "" {
		return base
	}
	s.File, s.Route, s.StartedAt, s.FinishedAt = base.File, base.Route, base.StartedAt, base.FinishedAt
	return s
}

// forgotten shows a migration that Temporal doesn't have, or no longer.
func (w *watcher) forgotten(ctx context.Context) standing {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	summary, known, err := w.past.remembered(ctx, w.id)
	if err != nil {
		return w.troubled(err)
	}
	return standing{summary: summary, known: known}
}

// addFiles lists the files and reads the plan when the run has moved on. Those
// of one that is over are looked up at every look, which are few.
func (w *watcher) addFiles(ctx context.Context, s *standing) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	stage := fmt.Sprint(s.summary.Phase, s.summary.Result, s.summary.Records > 0, len(s.summary.Files))
	s.files, s.plan, s.reconciled, s.moreReconciled = w.last.files, w.last.plan, w.last.reconciled, w.last.moreReconciled
	if stage == w.filesFor && s.open {
		return
	}
	if err := w.readFiles(ctx, s); err != nil {
		s.trouble = words(err)
		return
	}
	w.filesFor = stage
}

func (w *watcher) readFiles(ctx context.Context, s *standing) error {
	files, err := w.past.files(ctx, w.id, s.summary.Files)
	if err != nil {
		return err
	}
	s.files = files
	if s.plan.Hash == "" {
		if s.plan, err = w.past.plan(ctx, w.id, files); err != nil {
			return err
		}
	}
	if s.open {
		return nil
	}
	if s.reconciled, s.moreReconciled, err = w.past.reconciliations(ctx, w.id); err != nil {
		return err
	}
	purge, err := w.past.archive.Purge(ctx, w.id)
	if err == nil && purge != nil && s.summary.Purged == nil {
		purge.ApplyTo(&s.summary)
	}
	return err
}
