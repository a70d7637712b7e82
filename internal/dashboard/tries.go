package dashboard

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Wrong passwords that are borne before more have to wait, and how often one
// more is. An address has more of them: behind a proxy or a router are many.
const (
	triesPerUser    = 10
	userEvery       = 6 * time.Second
	triesPerAddress = 30
	addressEvery    = 2 * time.Second
	// maxTried bounds the names and addresses that are remembered, each; twice as
	// many for a while.
	maxTried = 10_000
)

// tries counts the wrong passwords of names or of addresses. Those that were
// right cost nothing.
type tries struct {
	most  int
	every time.Duration
	now   func() time.Time

	mu     sync.Mutex
	of     map[string]*rate.Limiter
	before map[string]*rate.Limiter // when of was full last; what is still asked for moves over
}

func newTries(most int, every time.Duration, now func() time.Time) *tries {
	return &tries{most: most, every: every, now: now, of: map[string]*rate.Limiter{}}
}

// find gives the limiter of a key; nil if there was no wrong password.
func (t *tries) find(key string) *rate.Limiter {
	if l, ok := t.of[key]; ok {
		return l
	}
	l, ok := t.before[key]
	if ok {
		t.add(key, l)
	}
	return l
}

// add makes room by forgetting those that nobody has asked for since the last
// time, whatever number of names and addresses somebody tries.
func (t *tries) add(key string, l *rate.Limiter) {
	if len(t.of) >= maxTried {
		t.of, t.before = make(map[string]*rate.Limiter), t.of
	}
	t.of[key] = l
}

// wait is how long the next try must wait; 0: it may be made.
func (t *tries) wait(key string) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.find(key)
	if l == nil {
		return 0
	}
	if left := l.TokensAt(t.now()); left < 1 {
		return time.Duration((1 - left) * float64(t.every))
	}
	return 0
}

// count counts a wrong password.
func (t *tries) count(key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.find(key)
	if l == nil {
		l = rate.NewLimiter(rate.Every(t.every), t.most)
		t.add(key, l)
	}
	l.AllowN(t.now(), 1)
}

// addressKey names where a request comes from: of IPv6 the network that one
// subscriber has.
func addressKey(ip netip.Addr) string {
	if ip.Is6() {
		if network, err := ip.Prefix(64); err == nil {
			return network.String()
		}
	}
	return ip.String()
}
