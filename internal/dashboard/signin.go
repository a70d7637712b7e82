package dashboard

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/bcrypt"
)

const (
	// checksAtOnce bounds password checks: bcrypt is slow on purpose, and guesses
	// must not take the whole machine.
	checksAtOnce = 2
	// maxWaiting bounds those that wait for one.
	maxWaiting = 64
	// crowdedFor is when to come back if there are more.
	crowdedFor = 2 * time.Second
)

// doorkeeper finds out who makes a request.
type doorkeeper struct {
	access  Access
	roster  *roster
	log     *slog.Logger
	checks  chan struct{}
	waiting chan struct{}

	signIns   *signIns
	users     *tries // by what was typed as a name
	addresses *tries
}

func newDoorkeeper(access Access, now func() time.Time, log *slog.Logger) (*doorkeeper, error) {
	d := &doorkeeper{
		access: access, log: log, checks: make(chan struct{}, checksAtOnce), waiting: make(chan struct{}, maxWaiting),
		users: newTries(triesPerUser, userEvery, now), addresses: newTries(triesPerAddress, addressEvery, now),
	}
	var err error
	if d.roster, err = newRoster(access, now, log); err != nil {
		return nil, err
	}
	d.signIns, err = newSignIns(now)
	return d, err
}

// open reports whether nobody needs to sign in.
func (d *doorkeeper) open() bool { return len(d.access.Users) == 0 && d.access.UsersFile == "" }

// still reports whether a user who was let in would be now, with the same
// rights.
func (d *doorkeeper) still(u *User) bool { return d.open() || d.roster.still(u) }

// identify finds the user of a request, or answers it.
func (d *doorkeeper) identify(w http.ResponseWriter, r *http.Request) (*User, bool) {
	if d.open() {
		return &User{Role: Operator}, true
	}
	if name, proxied := d.proxied(r); proxied {
		u := d.roster.user(name)
		if u == nil {
			d.log.Warn("A trusted proxy named a user who has no access.", "remote", r.RemoteAddr)
			http.Error(w, "You have signed in, but have no access to this dashboard.", http.StatusForbidden)
			return nil, false
		}
		return u, true
	}
	if name, password, ok := r.BasicAuth(); ok {
		u, wait := d.verify(r, name, password)
		if u != nil {
			return u, true
		}
		if wait > 0 {
			retryAfter(w.Header(), wait)
			http.Error(w, "There were too many wrong passwords for this name or from where you are. Try again in "+w.Header().Get("Retry-After")+" seconds.",
				http.StatusTooManyRequests)
			return nil, false
		}
		d.log.Warn("A sign-in was refused.", "remote", r.RemoteAddr)
	}
	w.Header().Set("WWW-Authenticate", `Basic realm="Ferry", charset="UTF-8"`)
	http.Error(w, "Sign in to see this dashboard.", http.StatusUnauthorized)
	return nil, false
}

// retryAfter says when to come back.
func retryAfter(h http.Header, wait time.Duration) {
	h.Set("Retry-After", fmt.Sprint(max(1, int(math.Ceil(wait.Seconds())))))
}

// proxied gives the name that a trusted proxy puts into a request. A header
// that is there twice names nobody: one of them may be the client's own.
func (d *doorkeeper) proxied(r *http.Request) (name string, ok bool) {
	if d.access.UserHeader == "" || !d.trusts(r.RemoteAddr) {
		return "", false
	}
	switch values := r.Header.Values(d.access.UserHeader); len(values) {
	case 0:
		return "", false
	case 1:
		return values[0], true
	default:
		return "", true
	}
}

func (d *doorkeeper) trusts(remote string) bool {
	addr, err := netip.ParseAddrPort(remote)
	if err != nil {
		return false
	}
	return d.isProxy(addr.Addr().Unmap())
}

func (d *doorkeeper) isProxy(ip netip.Addr) bool {
	return slices.ContainsFunc(d.access.Proxies, func(p netip.Prefix) bool { return p.Contains(ip) })
}

// addressOf is where a request comes from: as its connection says, or behind
// trusted proxies as the first of them does.
func (d *doorkeeper) addressOf(r *http.Request) string {
	if !d.trusts(r.RemoteAddr) {
		remote, err := netip.ParseAddrPort(r.RemoteAddr)
		if err != nil {
			return r.RemoteAddr
		}
		return addressKey(remote.Addr().Unmap())
	}
	last := r.RemoteAddr
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		ip, err := netip.ParseAddr(strings.TrimSpace(hop))
		if err != nil {
			break
		}
		if last = addressKey(ip.Unmap()); !d.isProxy(ip.Unmap()) {
			break
		}
	}
	return last
}

// verify gives the user if the password is theirs, else how long the next try
// must wait. It takes as long for a user that there isn't.
func (d *doorkeeper) verify(r *http.Request, name, password string) (*User, time.Duration) {
	people := d.roster.current()
	u := people.byName[name]
	hash := people.nobody
	if u != nil && len(u.hash) > 0 {
		hash = u.hash
	}
	sum := d.signIns.sum(name, hash, password)
	if d.signIns.known(sum) {
		return u, 0
	}
	from := d.addressOf(r)
	if wait := d.mustWait(name, from); wait > 0 {
		return nil, wait
	}
	done, wait := d.queue(r.Context())
	if done == nil {
		return nil, wait
	}
	defer done()
	// Meanwhile others of the same page, or of the same guesser, had their turn.
	if d.signIns.known(sum) {
		return u, 0
	}
	if wait := d.mustWait(name, from); wait > 0 {
		return nil, wait
	}
	if bcrypt.CompareHashAndPassword(hash, []byte(password)) != nil || u == nil {
		d.users.count(name)
		d.addresses.count(from)
		return nil, 0
	}
	d.signIns.remember(sum)
	return u, 0
}

func (d *doorkeeper) mustWait(name, from string) time.Duration {
	return max(d.users.wait(name), d.addresses.wait(from))
}

// queue waits for the turn to check a password, which done gives back. nil: too
// many wait, or nobody does any more.
func (d *doorkeeper) queue(ctx context.Context) (done func(), wait time.Duration) {
	select {
	case d.waiting <- struct{}{}:
		defer func() { <-d.waiting }()
	default:
		return nil, crowdedFor
	}
	select {
	case d.checks <- struct{}{}:
		return func() { <-d.checks }, 0
	case <-ctx.Done():
		return nil, crowdedFor
	}
}

type userKey struct{}

// userOf is who makes a request that the doorkeeper has let in.
func userOf(r *http.Request) *User {
	u, _ := r.Context().Value(userKey{}).(*User)
	return u
}
