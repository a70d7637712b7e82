package dashboard

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"sync"

	"golang.org/x/crypto/bcrypt"
)

// checksAtOnce bounds password checks: bcrypt is slow on purpose, and guesses
// must not take the whole machine.
const checksAtOnce = 2

// maxVerified bounds the memory of sign-ins that were good.
const maxVerified = 1_000

// doorkeeper finds out who makes a request.
type doorkeeper struct {
	access Access
	byName map[string]*User
	log    *slog.Logger
	checks chan struct{}
	nobody []byte // a hash that no password has, as slow as the users', for users that there aren't

	// A page makes many requests, so a password that was good is remembered, as
	// a MAC under a key of this process.
	key      []byte
	mu       sync.Mutex
	verified map[[sha256.Size]byte]struct{}
}

func newDoorkeeper(access Access, log *slog.Logger) (*doorkeeper, error) {
	d := &doorkeeper{
		access: access, log: log, byName: map[string]*User{},
		checks: make(chan struct{}, checksAtOnce), verified: map[[sha256.Size]byte]struct{}{},
		key: make([]byte, sha256.Size),
	}
	cost := bcrypt.MinCost
	for i := range access.Users {
		u := &access.Users[i]
		d.byName[u.Name] = u
		if c, err := bcrypt.Cost(u.hash); err == nil {
			cost = max(cost, c)
		}
	}
	if _, err := rand.Read(d.key); err != nil {
		return nil, err
	}
	var err error
	d.nobody, err = bcrypt.GenerateFromPassword([]byte(rand.Text()), cost)
	return d, err
}

// open reports whether nobody needs to sign in.
func (d *doorkeeper) open() bool { return len(d.access.Users) == 0 }

// identify finds the user of a request, or answers it.
func (d *doorkeeper) identify(w http.ResponseWriter, r *http.Request) (*User, bool) {
	if d.open() {
		return &User{Role: Operator}, true
	}
	if name, proxied := d.proxied(r); proxied {
		u := d.byName[name]
		if u == nil {
			d.log.Warn("A trusted proxy named a user who has no access.", "remote", r.RemoteAddr)
			http.Error(w, "You have signed in, but have no access to this dashboard.", http.StatusForbidden)
			return nil, false
		}
		return u, true
	}
	if name, password, ok := r.BasicAuth(); ok {
		if u := d.verify(r.Context(), name, password); u != nil {
			return u, true
		}
		d.log.Warn("A sign-in was refused.", "remote", r.RemoteAddr)
	}
	w.Header().Set("WWW-Authenticate", `Basic realm="Ferry", charset="UTF-8"`)
	http.Error(w, "Sign in to see this dashboard.", http.StatusUnauthorized)
	return nil, false
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
	ip := addr.Addr().Unmap()
	return slices.ContainsFunc(d.access.Proxies, func(p netip.Prefix) bool { return p.Contains(ip) })
}

// verify gives the user if the password is theirs. It takes as long for a user
// that there isn't.
func (d *doorkeeper) verify(ctx context.Context, name, password string) *User {
	mac := hmac.New(sha256.New, d.key)
	mac.Write([]byte(name + "\x00" + password))
	sum := [sha256.Size]byte(mac.Sum(nil))
	u := d.byName[name]
	d.mu.Lock()
	_, known := d.verified[sum]
	d.mu.Unlock()
	if known {
		return u
	}
	select {
	case d.checks <- struct{}{}:
		defer func() { <-d.checks }()
	case <-ctx.Done():
		return nil
	}
	hash := d.nobody
	if u != nil && len(u.hash) > 0 {
		hash = u.hash
	}
	if bcrypt.CompareHashAndPassword(hash, []byte(password)) != nil || u == nil {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.verified) < maxVerified {
		d.verified[sum] = struct{}{}
	}
	return u
}

type userKey struct{}

// userOf is who makes a request that the doorkeeper has let in.
func userOf(r *http.Request) *User {
	u, _ := r.Context().Value(userKey{}).(*User)
	return u
}
