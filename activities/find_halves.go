package activities

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/fault"
)

const (
	// aloneTries is how often an id whose look-up fails for the moment is asked
	// for alone.
	aloneTries = 3
	// wholeAfter is after how many failures, one after the other, it is no id's
	// doing: a page of a hundred is in pieces of three then.
	wholeAfter = 63
	// soonTries are the attempts of an activity in which a look-up of which
	// nothing came through is taken for a trouble that passes.
	soonTries = 3
)

// sighted is what the target has of some records.
type sighted struct {
	found map[string][]entitlement.Entitlement // by external id
	// unread are the ids of which the target gives no usable answer, though it
	// gives one of others, or answers its echo: their own trouble.
	unread map[string]*fault.Fault
}

// wholeError is the fault of a look-up that failed whatever was asked, though
// the target answers its echo.
type wholeError struct{ *fault.Fault }

func (n wholeError) Unwrap() error { return n.Fault }

// finder looks records up by their external ids. A page that fails while the
// target answers its echo is halved down to the ids that are to blame.
type finder struct {
	target   Target
	merchant string
	beat     func() // tells that it is at work
	soon     bool   // what fails altogether may pass: it is an error
	// limit is how long halving goes on, from its beginning; 0: as long as it
	// takes. What isn't known by then is unread.
	limit time.Duration

	sighted
	began    time.Time // of halving
	passed   bool
	failures int          // since the last success
	last     *fault.Fault // of them
}

// page looks up some ids, a page at most. The error is the whole target's
// trouble, or wholeError.
func (f *finder) page(ctx context.Context, ids []string) error {
	var alone []string
	for pieces := [][]string{ids}; len(pieces) > 0; {
		piece := pieces[0]
		pieces = pieces[1:]
		if f.late() {
			f.blame(piece, f.last)
			continue
		}
		trouble, err := f.ask(ctx, piece)
		switch {
		case err != nil:
			return err
		case trouble == nil:
		case f.failures >= wholeAfter && trouble.Kind == fault.Retryable:
			return wholeError{trouble}
		case len(piece) == 1 || f.failures >= wholeAfter:
			f.blame(piece, trouble)
			alone = append(alone, piece...)
		default:
			half := len(piece) / 2
			pieces = append(pieces, piece[:half], piece[half:])
		}
	}
	return f.again(ctx, alone)
}

// ask makes one call. trouble is what halving may help; err what it can't.
func (f *finder) ask(ctx context.Context, ids []string) (trouble *fault.Fault, err error) {
	f.beat()
	entitlements, err := f.target.Find(ctx, f.merchant, ids)
	if err != nil {
		if f.began.IsZero() {
			f.began = time.Now()
		}
		f.failures++
		f.last, err = ownTrouble(ctx, f.target, err)
		return f.last, err
	}
	f.passed, f.failures = true, 0
	for _, e := range entitlements {
		f.found[e.ExternalEntitlementID] = append(f.found[e.ExternalEntitlementID], e)
	}
	return nil, nil
}

// again asks once more for ids whose look-ups failed for the moment.
func (f *finder) again(ctx context.Context, ids []string) error {
	var still *fault.Fault
	for range aloneTries - 1 {
		for _, id := range ids {
			if f.unread[id] == nil || f.unread[id].Kind != fault.Retryable || f.failures >= wholeAfter || f.late() {
				continue
			}
			trouble, err := f.ask(ctx, []string{id})
			switch {
			case err != nil:
				return err
			case trouble == nil:
				delete(f.unread, id)
			default:
				f.unread[id], still = trouble, trouble
			}
		}
	}
	if still != nil && f.soon && !f.passed {
		return wholeError{still}
	}
	return nil
}

func (f *finder) late() bool {
	return f.limit > 0 && !f.began.IsZero() && time.Since(f.began) >= f.limit
}

func (f *finder) blame(ids []string, trouble *fault.Fault) {
	for _, id := range ids {
		f.unread[id] = trouble
	}
}

// ownTrouble tells a fault that may be the doing of what was asked from the
// whole target's trouble, which is the error: the target doesn't answer its
// echo, or says itself that it isn't this call's doing.
func ownTrouble(ctx context.Context, target Target, err error) (*fault.Fault, error) {
	f, ok := fault.As(err)
	if !ok || ctx.Err() != nil || !mayBeOwn(f) {
		return nil, err
	}
	if echo := target.Echo(ctx); echo != nil {
		if f.Kind == fault.Retryable {
			return nil, err
		}
		return nil, echo
	}
	return f, nil
}

// mayBeOwn reports whether what was asked may have led to a fault. Requests
// that are too many, a call that was not made, and credentials are not of it; a
// 403 may be a firewall's that dislikes one id.
func mayBeOwn(f *fault.Fault) bool {
	switch f.Kind {
	case fault.Unauthorized:
		return f.HTTPStatus == http.StatusForbidden
	case fault.Retryable:
		return f.Code != fault.CodeTooManyRequests && f.Code != fault.CodePaced
	default:
		return true
	}
}

// whole reports whether a look-up failed whatever was asked, though the target
// answers its echo.
func whole(err error) (*fault.Fault, bool) {
	n, ok := errors.AsType[wholeError](err)
	return n.Fault, ok
}
