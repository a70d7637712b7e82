package dashboard

import (
	"context"
	"sync"
	"time"

	"github.com/f0a90b9a/ferry/internal/migration"
)

const (
	// linger is how long a migration is polled after its last page was closed.
	linger = 10 * time.Second
	// lookTimeout is how long a page waits for its first value.
	lookTimeout = 20 * time.Second
)

// hub has one feed for each migration that is looked at, however many pages
// are open on it, and one for the list.
type hub struct {
	ctx   context.Context
	watch func(id string) polling // of one migration

	mu    sync.Mutex
	feeds map[string]*migrationFeed
	list  *feed[listing]
}

// migrationFeed is a migration's feed with its page's parts, made once for
// each value and kind of reader.
type migrationFeed struct {
	feed[standing]
	rendered rendered
}

// polling finds out how a migration stands, and when to ask again.
type polling = func(ctx context.Context) (standing, time.Duration)

func newHub(ctx context.Context, watch func(id string) polling, list func(context.Context) (listing, time.Duration)) *hub {
	return &hub{
		ctx: ctx, watch: watch, feeds: map[string]*migrationFeed{},
		list: &feed[listing]{ctx: ctx, poll: list, linger: linger},
	}
}

// join gives a migration's feed, listened to. It is one deed: between finding a
// feed and listening to it the feed could be dropped, and another begin to poll
// beside it.
func (h *hub) join(id string) (*migrationFeed, *listener) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f, ok := h.feeds[id]
	if !ok {
		f = &migrationFeed{}
		f.ctx, f.poll, f.linger = h.ctx, h.watch(id), linger
		f.ended = func() { h.forget(id, f) }
		h.feeds[id] = f
	}
	return f, f.listen()
}

// renew has a migration looked up anew that was started again under its id.
func (h *hub) renew(id string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if f, ok := h.feeds[id]; ok {
		f.renew()
	}
}

// forget drops a feed whose polling has ended, unless somebody has joined it
// meanwhile.
func (h *hub) forget(id string, f *migrationFeed) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !f.polled() {
		delete(h.feeds, id)
	}
}

// learn shows at once what an update has answered, without a query.
func (f *migrationFeed) learn(s migration.Summary) {
	f.change(func(st *standing) { st.summary = s })
}
