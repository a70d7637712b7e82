// Package sandbox is the Resale API, migration profile, for real: a server that
// enforces the state chart, the routes' rules, the customer limit, idempotency
// and Basic auth, keeps its entitlements in SQLite, and keeps books by which a
// migration can be proved. Faults can be switched on and off while it runs.
// The sandbox program, `ferry demo` and tests use it. It holds test data only
// and never calls out.
package sandbox

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/routes"
)

// The credentials that the sandbox takes where none are given.
const (
	DefaultUser     = "acme"
	DefaultPassword = "acme-sandbox"
)

// Options are a server's settings; the zero value is good.
type Options struct {
	// DB is a SQLite file, which is made if it isn't there; empty is memory.
	DB string
	// User and Password are the credentials; empty are the defaults.
	User, Password string
	// Routes are served beside acme-nova. Names and merchants must be unique.
	Routes []entitlement.Route
	// Faults are on from the start; nil is DefaultFaults.
	Faults *Faults
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Log gets what goes wrong inside; nil is slog.Default. It never gets an
	// entitlement's data.
	Log *slog.Logger
}

// Server is a sandbox. It is safe for concurrent use.
type Server struct {
	user, password string
	now            func() time.Time
	log            *slog.Logger
	rules          ruleBook
	store          *store
	counts         counts
	faults         atomic.Pointer[Faults]
	faultsMu       sync.Mutex                    // one change of the faults at a time
	changed        atomic.Pointer[chan struct{}] // closed by the next change
	dice           dice
	uses           uses
	underWay       underWay
	handler        http.Handler
}

// New opens the store and makes a server. Close it.
func New(o Options) (*Server, error) {
	rules, err := newRuleBook(append([]entitlement.Route{routes.AcmeNova()}, o.Routes...))
	if err != nil {
		return nil, err
	}
	s := &Server{user: o.User, password: o.Password, now: o.Now, log: o.Log, rules: rules}
	s.underWay.closing = make(chan struct{})
	s.setDefaults()
	faults := DefaultFaults()
	if o.Faults != nil {
		faults = *o.Faults
	}
	if err := s.SetFaults(faults); err != nil {
		return nil, err
	}
	if s.handler, err = s.routesOfHTTP(); err != nil {
		return nil, err
	}
	if s.store, err = openStore(o.DB); err != nil {
		return nil, err
	}
	if err := s.loadCounts(); err != nil {
		return nil, errors.Join(err, s.store.close())
	}
	return s, nil
}

func (s *Server) setDefaults() {
	if s.user == "" {
		s.user = DefaultUser
	}
	if s.password == "" {
		s.password = DefaultPassword
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.log == nil {
		s.log = slog.Default()
	}
}

// Handler serves the API under /v1/, the sandbox's own calls under /_sandbox/,
// and GET /healthz, which alone needs no credentials.
func (s *Server) Handler() http.Handler { return s.handler }

// Close lets writes that are under way be done, saves the books and closes the
// store. Stop the HTTP server first.
func (s *Server) Close() error {
	s.underWay.close()
	return errors.Join(s.saveCounts(), s.store.close())
}

// Faults gives the faults that are on.
func (s *Server) Faults() Faults { return s.faults.Load().clone() }

// SetFaults replaces the faults, while calls are being served. Values out of
// their range are an error that names the field.
func (s *Server) SetFaults(f Faults) error {
	s.faultsMu.Lock()
	defer s.faultsMu.Unlock()
	return s.setFaults(f)
}

// ChangeFaults lets change work on the faults that are on; no other change
// comes between.
func (s *Server) ChangeFaults(change func(*Faults) error) error {
	s.faultsMu.Lock()
	defer s.faultsMu.Unlock()
	f := s.Faults()
	if err := change(&f); err != nil {
		return err
	}
	return s.setFaults(f)
}

func (s *Server) setFaults(f Faults) error {
	if err := f.validate(); err != nil {
		return fmt.Errorf("sandbox faults: %w", err)
	}
	f = f.clone()
	s.uses.keep(&f)
	old := s.faults.Swap(&f)
	if old == nil || old.Seed != f.Seed {
		s.dice.seed(f.Seed)
	}
	next := make(chan struct{})
	if before := s.changed.Swap(&next); before != nil {
		close(*before)
	}
	return nil
}

func (s *Server) authorized(r *http.Request) bool {
	user, password, ok := r.BasicAuth()
	sameUser := subtle.ConstantTimeCompare([]byte(user), []byte(s.user)) == 1
	samePassword := subtle.ConstantTimeCompare([]byte(password), []byte(s.password)) == 1
	return ok && sameUser && samePassword
}
