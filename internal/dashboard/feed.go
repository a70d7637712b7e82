package dashboard

import (
	"context"
	"sync"
	"time"
)

// feed keeps one value fresh for any number of listeners: one goroutine polls
// while anybody listens, and a little longer, so that a page that is loaded
// again finds it at work. A listener is told that there is news and takes the
// latest value when it is ready; what it has missed is gone, so a slow one
// holds up nobody and costs nothing.
type feed[T any] struct {
	ctx    context.Context // of the server
	poll   func(ctx context.Context) (value T, next time.Duration)
	linger time.Duration
	ended  func() // called when a goroutine has ended; may be nil

	mu        sync.Mutex
	value     T
	version   int  // of value, from 1
	fresh     bool // value was polled by the goroutine at work, since the last renewal
	renewals  int
	wake      chan struct{}      // ends the goroutine's rest
	stop      context.CancelFunc // nil: nobody polls
	gone      chan struct{}      // closed when the latest goroutine has ended
	idle      *time.Timer        // running while nobody listens
	listeners map[*listener]struct{}
}

// listener is one who waits for news.
type listener struct{ news chan struct{} }

// listen begins to poll if nobody has yet. The listener is told at once if
// there is a fresh value.
func (f *feed[T]) listen() *listener {
	f.mu.Lock()
	defer f.mu.Unlock()
	l := &listener{news: make(chan struct{}, 1)}
	if f.listeners == nil {
		f.listeners = map[*listener]struct{}{}
	}
	f.listeners[l] = struct{}{}
	if f.idle != nil {
		f.idle.Stop()
		f.idle = nil
	}
	switch {
	case f.stop == nil:
		ctx, stop := context.WithCancel(f.ctx) //nolint:gosec // rest calls it
		before := f.gone
		f.stop, f.fresh, f.gone, f.wake = stop, false, make(chan struct{}), make(chan struct{}, 1)
		go f.run(ctx, before, f.gone, f.wake)
	case f.fresh:
		l.tell()
	}
	return l
}

// leave ends a listener; with the last one polling ends after a while.
func (f *feed[T]) leave(l *listener) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.listeners, l)
	if len(f.listeners) == 0 && f.stop != nil {
		f.idle = time.AfterFunc(f.linger, f.rest)
	}
}

// rest ends polling if still nobody listens.
func (f *feed[T]) rest() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.listeners) > 0 || f.stop == nil {
		return
	}
	f.stop()
	f.stop, f.fresh, f.idle = nil, false, nil
}

// polled reports whether a goroutine polls.
func (f *feed[T]) polled() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.stop != nil
}

// run polls until ctx ends. It begins when the goroutine before it has ended,
// whose last poll may take its time to hear that it is not wanted: two at once
// would ask twice.
func (f *feed[T]) run(ctx context.Context, before <-chan struct{}, gone chan<- struct{}, wake <-chan struct{}) {
	if before != nil {
		<-before
	}
	for ctx.Err() == nil {
		asked := f.renewed()
		value, next := f.poll(ctx)
		if !f.set(ctx, value, asked) {
			continue
		}
		select {
		case <-ctx.Done():
		case <-wake:
		case <-time.After(next):
		}
	}
	close(gone)
	if f.ended != nil {
		f.ended()
	}
}

func (f *feed[T]) renewed() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.renewals
}

// set takes a value over, unless it was asked for before the last renewal.
func (f *feed[T]) set(ctx context.Context, value T, asked int) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if ctx.Err() != nil || asked != f.renewals {
		return false
	}
	f.value, f.fresh = value, true
	f.announce()
	return true
}

// renew has the value polled anew at once: the one that there is has become
// untrue.
func (f *feed[T]) renew() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fresh = false
	f.renewals++
	select {
	case f.wake <- struct{}{}:
	default: // nobody polls, or it is awake
	}
}

// change adds to the value what became known without polling.
func (f *feed[T]) change(edit func(*T)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.fresh {
		return
	}
	edit(&f.value)
	f.announce()
}

func (f *feed[T]) announce() {
	f.version++
	for l := range f.listeners {
		l.tell()
	}
}

func (l *listener) tell() {
	select {
	case l.news <- struct{}{}:
	default: // it has not looked yet, and will find the latest
	}
}

// latest gives the last value and its version.
func (f *feed[T]) latest() (value T, version int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.value, f.version
}

// look waits for a fresh value.
func (f *feed[T]) look(ctx context.Context) (value T, version int, err error) {
	l := f.listen() //nolint:contextcheck // polling outlives the one who looks
	defer f.leave(l)
	return f.await(ctx, l)
}

// await waits for a listener's news and gives the value.
func (f *feed[T]) await(ctx context.Context, l *listener) (value T, version int, err error) {
	select {
	case <-ctx.Done():
		return value, 0, ctx.Err()
	case <-f.ctx.Done():
		return value, 0, f.ctx.Err()
	case <-l.news:
	}
	value, version = f.latest()
	return value, version, nil
}
