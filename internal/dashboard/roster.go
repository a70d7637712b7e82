package dashboard

import (
	"crypto/rand"
	"crypto/sha256"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/bcrypt"
)

// lookEvery is how often the users file is read while requests come.
const lookEvery = time.Second

// roster is who has access. It follows the users file; a file that can't be
// read or has mistakes leaves those who were in it last.
type roster struct {
	file string // empty: the users never change
	now  func() time.Time
	log  *slog.Logger

	people atomic.Pointer[people]

	mu     sync.Mutex // of the one who looks at the file
	looked time.Time
	sum    [sha256.Size]byte // of what was read last
	said   string            // what was wrong with it; empty: nothing
}

// people are the users at one time.
type people struct {
	byName map[string]*User
	cost   int
	nobody []byte // a hash that no password has, as slow as the users', for users that there aren't
}

func newRoster(access Access, now func() time.Time, log *slog.Logger) (*roster, error) {
	r := &roster{file: access.UsersFile, sum: access.usersSum, now: now, log: log}
	first, err := newPeople(access.Users, nil)
	if err != nil {
		return nil, err
	}
	r.people.Store(first)
	return r, nil
}

// newPeople indexes users. The hash for nobody is made anew only if their cost
// has changed.
func newPeople(users []User, before *people) (*people, error) {
	p := &people{byName: make(map[string]*User, len(users)), cost: bcrypt.MinCost}
	for i := range users {
		u := &users[i]
		p.byName[u.Name] = u
		if cost, err := bcrypt.Cost(u.hash); err == nil {
			p.cost = max(p.cost, cost)
		}
	}
	if before != nil && before.cost == p.cost {
		p.nobody = before.nobody
		return p, nil
	}
	var err error
	p.nobody, err = bcrypt.GenerateFromPassword([]byte(rand.Text()), p.cost)
	return p, err
}

// user gives the user of a name as of now; nil if there is none.
func (r *roster) user(name string) *User { return r.current().byName[name] }

// current are the users as of now. Whoever asks while the file is read gets
// those of before.
func (r *roster) current() *people {
	if r.file != "" && r.mu.TryLock() {
		defer r.mu.Unlock()
		if now := r.now(); now.Sub(r.looked) >= lookEvery {
			r.looked = now
			r.read()
		}
	}
	return r.people.Load()
}

// read takes over the file if it has changed, and says so once if it can't.
func (r *roster) read() {
	users, sum, err := readUsersFile(r.file)
	if err == nil && sum == r.sum && r.said == "" {
		return
	}
	var after *people
	if err == nil {
		after, err = newPeople(users, r.people.Load())
	}
	if err != nil {
		if said := err.Error(); said != r.said {
			r.said = said
			r.log.Error("The users file can't be used: those who were in it last keep their access.", "error", said)
		}
		return
	}
	r.sum, r.said = sum, ""
	r.people.Store(after)
	r.log.Info("The users file was read again.", "users", len(users))
}

// still reports whether a user has the same access as when they came.
func (r *roster) still(u *User) bool {
	now := r.user(u.Name)
	return now != nil && now.same(u)
}
