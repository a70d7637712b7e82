package dashboard

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/f0a90b9a/ferry/internal/migration"
)

const (
	// glimpseEvery is how often the list asks a running migration how far it is.
	glimpseEvery = 5 * time.Second
	// glimpseAgain is how long one that did not answer is left alone.
	glimpseAgain = 20 * time.Second
	// glimpseTimeout is how long one answer may take, roundTimeout all of a round.
	glimpseTimeout = 3 * time.Second
	roundTimeout   = 15 * time.Second
	// glimpsesAtOnce bounds the queries of a round.
	glimpsesAtOnce = 8
	// grace is how long the list waits for a round. Answers that come later are
	// in the next list.
	grace = 700 * time.Millisecond
)

// glimpses are how far running migrations are, for the list: asked in rounds
// beside it, so that one that nobody works on holds up no other.
type glimpses struct {
	engine Engine
	now    func() time.Time

	mu    sync.Mutex
	last  map[string]glimpse
	round chan struct{} // closed at the end of the round under way; nil: none
}

// glimpse is one migration's.
type glimpse struct {
	summary migration.Summary // as it was seen last; no Phase: never
	due     time.Time         // when to ask again
	silent  bool              // nobody answered
}

// look asks those of the open migrations whose answers are old, waits a moment
// for them, and gives what is known. Late says that answers are still to come.
func (g *glimpses) look(ctx context.Context, open []string) (seen map[string]glimpse, late bool) {
	round := g.begin(ctx, open)
	if round != nil {
		timer := time.NewTimer(grace)
		defer timer.Stop()
		select {
		case <-round:
		case <-timer.C:
			late = true
		case <-ctx.Done():
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	seen = make(map[string]glimpse, len(open))
	for _, id := range open {
		seen[id] = g.last[id]
	}
	return seen, late
}

// begin starts a round, unless one is under way or nothing is due. It forgets
// migrations that aren't open any more.
func (g *glimpses) begin(ctx context.Context, open []string) (round <-chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.round != nil {
		return g.round
	}
	kept := make(map[string]glimpse, len(open))
	var due []string
	for _, id := range open {
		kept[id] = g.last[id]
		if !g.now().Before(kept[id].due) {
			due = append(due, id)
		}
	}
	g.last = kept
	if len(due) == 0 {
		return nil
	}
	g.round = make(chan struct{})
	// The list doesn't wait for its end.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), roundTimeout)
	go func(done chan struct{}) {
		defer cancel()
		g.ask(ctx, due)
		g.mu.Lock()
		defer g.mu.Unlock()
		g.round = nil
		close(done)
	}(g.round)
	return g.round
}

func (g *glimpses) ask(ctx context.Context, ids []string) {
	var group errgroup.Group
	group.SetLimit(glimpsesAtOnce)
	for _, id := range ids {
		group.Go(func() error {
			if ctx.Err() == nil { // else it is due in the next round
				g.askOne(ctx, id)
			}
			return nil
		})
	}
	_ = group.Wait()
}

func (g *glimpses) askOne(ctx context.Context, id string) {
	ctx, cancel := context.WithTimeout(ctx, glimpseTimeout)
	defer cancel()
	s, err := g.engine.Progress(ctx, id)
	g.mu.Lock()
	defer g.mu.Unlock()
	was := g.last[id]
	if err != nil {
		g.last[id] = glimpse{summary: was.summary, due: g.now().Add(glimpseAgain), silent: true}
		return
	}
	g.last[id] = glimpse{summary: s, due: g.now().Add(glimpseEvery)}
}
