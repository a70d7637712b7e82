package dashboard

import (
	"context"
	"net/http"
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
	watch func(id string) *watcher

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

func newHub(ctx context.Context, watch func(id string) *watcher, list func(context.Context) (listing, time.Duration)) *hub {
	return &hub{
		ctx: ctx, watch: watch, feeds: map[string]*migrationFeed{},
		list: &feed[listing]{ctx: ctx, poll: list, linger: linger},
	}
}

// of gives a migration's feed.
func (h *hub) of(id string) *migrationFeed {
	h.mu.Lock()
	defer h.mu.Unlock()
	if f, ok := h.feeds[id]; ok {
		return f
	}
	f := &migrationFeed{}
	f.ctx, f.poll, f.linger = h.ctx, h.watch(id).poll, linger
	f.ended = func() { h.forget(id, f) }
	h.feeds[id] = f
	return f
}

// renew has the next page find out anew how a migration stands that was started
// again under its id.
func (h *hub) renew(id string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.feeds, id)
}

// forget drops a feed that nobody polls any more. One who got hold of it just
// before may still listen; it will then poll beside a new one, which does no
// harm.
func (h *hub) forget(id string, f *migrationFeed) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.feeds[id] == f {
		delete(h.feeds, id)
	}
}

// lookFor gives the migration as it stands, for a request.
func (f *migrationFeed) lookFor(r *http.Request) (standing, int, error) {
	ctx, cancel := context.WithTimeout(r.Context(), lookTimeout)
	defer cancel()
	return f.look(ctx)
}

// learn shows at once what an update has answered, without a query.
func (f *migrationFeed) learn(s migration.Summary) {
	f.change(func(st *standing) { st.summary = s })
}
