package dashboard

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"sync"
	"time"
)

const (
	// signInLasts is how long a password that was right is not checked again.
	signInLasts = 10 * time.Minute
	// maxSignIns bounds those that are remembered.
	maxSignIns = 1_000
)

// signIns remembers passwords that were right, as a page makes many requests:
// as MACs under a key of this process, of name, hash and password, so that
// another password or another user of the name is another sign-in.
type signIns struct {
	key []byte
	now func() time.Time

	mu    sync.Mutex
	until map[[sha256.Size]byte]time.Time
}

func newSignIns(now func() time.Time) (*signIns, error) {
	s := &signIns{key: make([]byte, sha256.Size), now: now, until: map[[sha256.Size]byte]time.Time{}}
	_, err := rand.Read(s.key)
	return s, err
}

// sum names a sign-in.
func (s *signIns) sum(name string, hash []byte, password string) [sha256.Size]byte {
	mac := hmac.New(sha256.New, s.key)
	for _, part := range [][]byte{[]byte(name), hash, []byte(password)} {
		own := hmac.New(sha256.New, s.key)
		own.Write(part)
		mac.Write(own.Sum(nil))
	}
	return [sha256.Size]byte(mac.Sum(nil))
}

func (s *signIns) known(sum [sha256.Size]byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	until, ok := s.until[sum]
	return ok && s.now().Before(until)
}

// remember adds a sign-in. If there is no room, those that are over go, else
// the one that ends first.
func (s *signIns) remember(sum [sha256.Size]byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.until) >= maxSignIns {
		s.makeRoom()
	}
	s.until[sum] = s.now().Add(signInLasts)
}

func (s *signIns) makeRoom() {
	var first [sha256.Size]byte
	var ends time.Time
	for sum, until := range s.until {
		if !s.now().Before(until) {
			delete(s.until, sum)
			continue
		}
		if ends.IsZero() || until.Before(ends) {
			first, ends = sum, until
		}
	}
	if len(s.until) >= maxSignIns {
		delete(s.until, first)
	}
}
