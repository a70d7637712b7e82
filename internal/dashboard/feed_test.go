package dashboard

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/figures"
	"github.com/f0a90b9a/ferry/internal/migration"
)

func TestFeedPollsOnceForAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var polls atomic.Int64
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		f := &feed[int64]{ctx: ctx, linger: linger, poll: func(context.Context) (int64, time.Duration) { return polls.Add(1), time.Second }}
		var listeners []*listener
		for range 100 {
			listeners = append(listeners, f.listen())
		}
		time.Sleep(60*time.Second + time.Millisecond)
		require.EqualValues(t, 61, polls.Load(), "one at once, and one each second")
		for _, l := range listeners {
			<-l.news // each is told, and once however much it missed
			require.Empty(t, l.news)
			f.leave(l)
		}
		time.Sleep(linger + time.Second)
		before := polls.Load()
		time.Sleep(time.Hour)
		require.Equal(t, before, polls.Load(), "nobody looks, nobody polls")

		value, _, err := f.look(t.Context())
		require.NoError(t, err)
		require.Equal(t, before+1, value, "the old value is not passed off as fresh")
	})
}

func TestFeedGoesOnForOneWhoComesBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var polls, ends atomic.Int64
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		f := &feed[int64]{
			ctx: ctx, linger: linger, ended: func() { ends.Add(1) },
			poll: func(context.Context) (int64, time.Duration) { return polls.Add(1), time.Second },
		}
		for range 5 { // a page that is loaded again and again
			_, _, err := f.look(t.Context())
			require.NoError(t, err)
			time.Sleep(linger / 2)
		}
		require.Zero(t, ends.Load())
		require.LessOrEqual(t, polls.Load(), int64(5*linger/2/time.Second)+1)
		time.Sleep(2 * linger)
		require.EqualValues(t, 1, ends.Load())
	})
}

// slowPoll is a poll that takes its time to hear that it is not wanted any
// more, as a query at a server does.
type slowPoll struct {
	polls, at, most atomic.Int64
}

func (s *slowPoll) poll(ctx context.Context) (int64, time.Duration) {
	at := s.at.Add(1)
	defer s.at.Add(-1)
	s.most.Store(max(s.most.Load(), at))
	time.Sleep(2 * time.Second)
	if ctx.Err() != nil {
		time.Sleep(5 * time.Second)
	}
	return s.polls.Add(1), time.Second
}

func TestAFeedThatIsJoinedAgainPollsOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var s slowPoll
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		f := &feed[int64]{ctx: ctx, linger: linger, poll: s.poll}
		l := f.listen()
		time.Sleep(4 * time.Second) // in the middle of the second poll
		f.leave(l)
		f.rest()
		require.False(t, f.polled())
		_, _, err := f.look(t.Context())
		require.NoError(t, err)
		require.EqualValues(t, 1, s.most.Load(), "the last poll of the old goroutine ends before the first of the new one")
	})
}

// A page may come back at the very moment at which the last one's feed is
// dropped.
func TestAPageThatComesBackFindsTheOnePoller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var s slowPoll
		pollers := 0
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		h := newHub(ctx, func(string) polling {
			pollers++
			return func(ctx context.Context) (standing, time.Duration) {
				_, next := s.poll(ctx)
				return standing{known: true}, next
			}
		}, nil)
		f, l := h.join("run-1")
		_, _, err := f.await(t.Context(), l)
		require.NoError(t, err)
		time.Sleep(2 * time.Second) // in the middle of the second poll
		f.leave(l)
		f.rest() // nobody polls now, and the hub does not know it yet
		again, l := h.join("run-1")
		require.Same(t, f, again)
		_, _, err = again.await(t.Context(), l)
		require.NoError(t, err)
		other, m := h.join("run-1")
		require.Same(t, f, other, "what the old goroutine leaves behind is not the new one's end")
		require.EqualValues(t, 1, s.most.Load())
		require.Equal(t, 1, pollers)

		f.leave(l)
		f.leave(m)
		time.Sleep(linger + 10*time.Second)
		h.mu.Lock()
		left := len(h.feeds)
		h.mu.Unlock()
		require.Zero(t, left, "a feed that nobody listens to is dropped")
		_, l = h.join("run-1")
		require.Equal(t, 2, pollers)
		f.leave(l)
	})
}

func TestARenewedFeedIsNotBelievedUntilItHasAsked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var polls atomic.Int64
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		f := &feed[int64]{ctx: ctx, linger: linger, poll: func(context.Context) (int64, time.Duration) {
			time.Sleep(time.Second)
			return polls.Add(1), time.Hour
		}}
		l := f.listen()
		defer f.leave(l)
		time.Sleep(500 * time.Millisecond)
		f.renew() // while it is being asked: the answer may be of before
		value, _, err := f.await(t.Context(), l)
		require.NoError(t, err)
		require.EqualValues(t, 2, value)
		time.Sleep(time.Minute)
		f.renew() // while it rests
		value, _, err = f.look(t.Context())
		require.NoError(t, err)
		require.Greater(t, value, int64(2))
	})
}

func TestLookEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		f := &feed[int]{ctx: ctx, linger: linger, poll: func(ctx context.Context) (int, time.Duration) {
			<-ctx.Done()
			return 0, time.Second
		}}
		short, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		_, _, err := f.look(short)
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
}

// events reads a page's event stream.
type eventStream struct {
	t     *testing.T
	lines *bufio.Scanner
	close func()
}

func (b *bundle) follow(path, as string) *eventStream {
	b.t.Helper()
	ctx, cancel := context.WithCancel(b.t.Context())
	b.t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, b.web.URL+path, http.NoBody)
	require.NoError(b.t, err)
	if as != "" {
		r.SetBasicAuth(as, as)
	}
	res, err := (&http.Client{Transport: &http.Transport{}}).Do(r)
	require.NoError(b.t, err)
	b.t.Cleanup(func() { _ = res.Body.Close() })
	require.Equal(b.t, http.StatusOK, res.StatusCode)
	require.Contains(b.t, res.Header.Get("Content-Type"), "text/event-stream")
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 1<<20)
	return &eventStream{b.t, lines, cancel}
}

// next gives the next event; ok is false at the stream's end.
func (e *eventStream) next() (kind string, part region, ok bool) {
	e.t.Helper()
	for e.lines.Scan() {
		line := e.lines.Text()
		if value, is := strings.CutPrefix(line, "event: "); is {
			kind = value
		}
		if data, is := strings.CutPrefix(line, "data: "); is {
			require.NoError(e.t, json.Unmarshal([]byte(data), &part))
			return kind, part, true
		}
	}
	return "", part, false
}

// until reads on to a region that has a text.
func (e *eventStream) until(name, text string) {
	e.t.Helper()
	for {
		_, part, ok := e.next()
		require.True(e.t, ok, "the stream ended before %q", text)
		if part.Name == name && strings.Contains(string(part.HTML), text) {
			return
		}
	}
}

func TestStreamTellsOfChanges(t *testing.T) {
	t.Parallel()
	b := setup(t, vera, olga)
	b.running("run-1", "acme-nova")
	e := b.follow("/migrations/run-1/events", "vera")
	e.until("progress", ">412</strong>")
	b.engine.change("run-1", func(s *migration.Summary) { s.Outcomes.Migrated = 500 })
	e.until("progress", ">512</strong>")
	require.Equal(t, http.StatusSeeOther, b.post("/migrations/run-1/do/pause", "olga", nil).status)
	e.until("head", "Paused")
	list := b.follow("/events?route=acme-nova", "vera")
	list.until("migrations", "run-1")
}

func TestStreamEndsWithTheMigration(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.finished("old-1", "acme-nova", migration.Completed)
	e := b.follow("/migrations/old-1/events", "")
	for {
		kind, _, ok := e.next()
		require.True(t, ok)
		if kind == "over" {
			break
		}
	}
	_, _, ok := e.next()
	require.False(t, ok)
}

// The number of queries at Temporal is the same for one page and for a
// hundred.
func TestHundredPagesCostNoMoreThanOne(t *testing.T) {
	t.Parallel()
	b := setup(t, vera, olga)
	start := time.Now()
	b.running("run-1", "acme-nova")
	const pages = 100
	var streams []*eventStream
	for range pages {
		require.Equal(t, http.StatusOK, b.get("/migrations/run-1", "vera").status)
		streams = append(streams, b.follow("/migrations/run-1/events", "vera"))
	}
	asleep, awake := streams[:10], streams[10:]
	from, since := b.engine.count("progress"), time.Now()
	const rounds = 5
	for round := range rounds {
		done := 600 + round
		b.engine.change("run-1", func(s *migration.Summary) { s.Outcomes.Migrated = done; s.Outcomes.Failed = 0 })
		var all sync.WaitGroup
		for _, e := range awake {
			all.Go(func() { e.until("progress", ">"+figures.Number(done)+"</strong>") })
		}
		all.Wait()
	}
	asked := b.engine.count("progress") - from
	require.GreaterOrEqual(t, asked, rounds-1)
	require.LessOrEqual(t, asked, int(time.Since(since)/queryEvery)+2, "at most one query a second")
	require.LessOrEqual(t, b.engine.count("describe"), int(time.Since(start)/describeEvery)+2)
	for _, e := range asleep {
		e.close()
	}
	b.engine.change("run-1", func(s *migration.Summary) { s.Outcomes.Migrated = 700 })
	awake[0].until("progress", ">700</strong>")
}

// stuck is a browser that takes nothing in.
type stuck struct {
	http.ResponseWriter
	entered chan struct{}
	release chan struct{}
	once    sync.Once
}

func (s *stuck) Header() http.Header { return http.Header{} }

func (s *stuck) WriteHeader(int) {}

func (s *stuck) Flush() {}

func (s *stuck) Write([]byte) (int, error) {
	s.once.Do(func() { close(s.entered) })
	<-s.release
	return 0, http.ErrHandlerTimeout
}

func TestASlowBrowserHoldsUpNobody(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.running("run-1", "acme-nova")
	slow := &stuck{entered: make(chan struct{}), release: make(chan struct{})}
	var gone sync.WaitGroup
	gone.Go(func() {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost/migrations/run-1/events", http.NoBody)
		b.server.Handler().ServeHTTP(slow, r)
	})
	<-slow.entered
	e := b.follow("/migrations/run-1/events", "")
	for done := 500; done < 503; done++ {
		b.engine.change("run-1", func(s *migration.Summary) { s.Outcomes = migration.Outcomes{Migrated: done} })
		e.until("progress", ">"+figures.Number(done)+"</strong>")
	}
	close(slow.release)
	gone.Wait()
}

func TestClosingEndsStreams(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.running("run-1", "acme-nova")
	e := b.follow("/migrations/run-1/events", "")
	e.until("head", "Migrating")
	b.server.Close()
	for {
		if _, _, ok := e.next(); !ok {
			break
		}
	}
	require.Equal(t, http.StatusServiceUnavailable, b.get("/readyz", "").status)
}
