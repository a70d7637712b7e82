package activities

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migrator"
)

const (
	// looksAtOnce is how many shared looks of one kind are under way together;
	// who comes meanwhile shares the next.
	looksAtOnce = 2
	// lookLimit bounds one shared look, its waits for pace and place included.
	// Whoever waits for it has a limit of its own besides.
	lookLimit = 2 * time.Minute
)

// sharedLook is a target on which records that look for themselves at the same
// time share one report call. Every create looks first: where the target is
// quick that is a call of its own, where calls have to wait, for a slow target
// or a low pace, a call for up to a hundred.
type sharedLook struct {
	migrator.Target
	meter Meter

	mu    sync.Mutex
	looks map[lookKind]*lookers
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
}

func newSharedLook(target migrator.Target, meter Meter) *sharedLook {
	return &sharedLook{Target: target, meter: meter, looks: map[lookKind]*lookers{}}
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
	l := s.join(ctx, merchant, ids[0])
	select {
	case <-l.done:
	case <-ctx.Done():
		return nil, &fault.Fault{
			Kind: fault.Retryable, Code: fault.CodeConnection, Message: "report: the call was cancelled", Cause: ctx.Err(),
		}
	}
	if len(l.ids) > 1 && others(l.err) {
		return s.Target.Find(ctx, merchant, ids)
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

// others reports whether a shared look may have failed for what others asked: an
// id that the target refuses, or more than fits into one answer. Each then asks
// alone.
func others(err error) bool {
	f, ok := fault.As(err)
	return ok && (f.Kind == fault.Final || f.Code == fault.CodeUnexpected)
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
