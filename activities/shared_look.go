package activities

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
)

const (
	// looksAtOnce is how many shared looks of one kind are under way together;
	// who comes meanwhile shares the next.
	looksAtOnce = 2
	// lookLimit bounds one shared look, its waits for pace and place included.
	// Whoever waits for it has a limit of its own besides.
	lookLimit = 2 * time.Minute
	// apartLimit bounds the ids that are remembered to be asked for alone;
	// beyond it all are forgotten.
	apartLimit = 1000
)

// sharedLook is a target on which records that look for themselves at the same
// time share one report call. Every create looks first: where the target is
// quick that is a call of its own, where calls have to wait, for a slow target
// or a low pace, a call for up to a hundred.
type sharedLook struct {
	Target
	meter Meter

	mu    sync.Mutex
	looks map[lookKind]*lookers
	// apart are the ids whose own look has failed: they are asked for alone, so
	// that their repeats spoil no others' look.
	apart map[string]bool
}

// lookKind is what looks must have in common to be shared: what they ask, and
// whose pace and places they use.
type lookKind struct {
	merchant    string
	pace, place any
}

// lookers are the looks of one kind.
type lookers struct {
	underWay int
	next     *look // takes those that come; nil: nobody is waiting
}

// look is one report call for several records.
type look struct {
	ids   []string
	done  chan struct{} // closed when the rest is there
	found []entitlement.Entitlement
	err   error
	alone bool // it failed, perhaps for one of its ids: each asks alone
}

func newSharedLook(target Target, meter Meter) *sharedLook {
	return &sharedLook{Target: target, meter: meter, looks: map[lookKind]*lookers{}, apart: map[string]bool{}}
}

// Find implements migrator.Target: one id is asked for together with others'.
// The answer is the caller's own.
func (s *sharedLook) Find(ctx context.Context, merchant string, ids []string) ([]entitlement.Entitlement, error) {
	if len(ids) != 1 {
		return s.Target.Find(ctx, merchant, ids)
	}
	found, err := s.findOne(ctx, merchant, ids)
	s.meter.LookUp(len(found) > 0, err)
	return found, err
}

func (s *sharedLook) findOne(ctx context.Context, merchant string, ids []string) ([]entitlement.Entitlement, error) {
	if s.isApart(ids[0]) {
		return s.findAlone(ctx, merchant, ids)
	}
	l := s.join(ctx, merchant, ids[0])
	select {
	case <-l.done:
	case <-ctx.Done():
		return nil, &fault.Fault{
			Kind: fault.Retryable, Code: fault.CodeConnection, Message: "report: the call was cancelled", Cause: ctx.Err(),
		}
	}
	if l.alone {
		return s.findAlone(ctx, merchant, ids)
	}
	if l.err != nil {
		return nil, l.err
	}
	var own []entitlement.Entitlement
	for _, e := range l.found {
		if entitlement.SameKey(e.ExternalEntitlementID, ids[0]) {
			own = append(own, e)
		}
	}
	return own, nil
}

// findAlone asks for one id that shares no look, and remembers whether it is
// better left alone.
func (s *sharedLook) findAlone(ctx context.Context, merchant string, ids []string) ([]entitlement.Entitlement, error) {
	found, err := s.Target.Find(ctx, merchant, ids)
	f, failed := fault.As(err)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err == nil:
		delete(s.apart, ids[0])
	case failed && mayBeOwn(f) && ctx.Err() == nil:
		if len(s.apart) >= apartLimit {
			clear(s.apart)
		}
		s.apart[ids[0]] = true
	}
	return found, err
}

func (s *sharedLook) isApart(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.apart[id]
}

// join gives the look that will ask for an id. It is never one that is under
// way already, which may have read the target before this record began.
func (s *sharedLook) join(ctx context.Context, merchant, id string) *look {
	kind := lookKind{merchant: merchant, pace: ctx.Value(paceKey{}), place: ctx.Value(placeKey{})}
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.looks[kind]
	if all == nil {
		all = &lookers{}
		s.looks[kind] = all
	}
	l := all.next
	if l == nil {
		l = &look{done: make(chan struct{})}
		all.next = l
	}
	if !slices.Contains(l.ids, id) {
		l.ids = append(l.ids, id)
	}
	if all.underWay < looksAtOnce || len(l.ids) == findPage {
		all.underWay++
		all.next = nil
		// The call is not only the caller's, so its end doesn't end it.
		go s.ask(context.WithoutCancel(ctx), kind, l)
	}
	return l
}

// ask makes a look, and those that have gathered meanwhile.
func (s *sharedLook) ask(ctx context.Context, kind lookKind, l *look) {
	for l != nil {
		limited, cancel := context.WithTimeout(ctx, lookLimit)
		l.found, l.err = s.Target.Find(limited, kind.merchant, l.ids)
		if l.err != nil && len(l.ids) > 1 {
			// An id that the target refuses or fails at, or more than fits into
			// one answer, is not the others' trouble.
			trouble, _ := ownTrouble(limited, s.Target, l.err)
			l.alone = trouble != nil
		}
		cancel()
		close(l.done)
		l = s.following(kind)
	}
}

func (s *sharedLook) following(kind lookKind) *look {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.looks[kind]
	l := all.next
	all.next = nil
	if l == nil {
		all.underWay--
		if all.underWay == 0 {
			delete(s.looks, kind)
		}
	}
	return l
}
