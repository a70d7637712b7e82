package sandbox

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/f0a90b9a/ferry/internal/entitlement"
)

// kind is a call in the words of the books.
type kind string

const (
	kindCreate   kind = "create"
	kindActivate kind = "activate"
	kindSuspend  kind = "suspend"
	kindResume   kind = "resume"
	kindCancel   kind = "cancel"
	kindRevoke   kind = "revoke"
	kindGet      kind = "get"
	kindReport   kind = "report"
	kindEcho     kind = "echo"
	kindRoute    kind = "route"
)

var (
	writeKinds = []kind{kindCreate, kindActivate, kindSuspend, kindResume, kindCancel, kindRevoke}
	readKinds  = []kind{kindGet, kindReport, kindEcho, kindRoute}
)

func (k kind) write() bool { return slices.Contains(writeKinds, k) }

// Stats are the sandbox's books since its store was made. Effective, the
// entitlements and the duplicates are part of the data and survive a crash;
// Calls, Replayed and Rejected are saved when the server is closed.
type Stats struct {
	// Calls that came with good credentials, whatever became of them, by kind:
	// the writes create, activate, suspend, resume, cancel, revoke and the
	// reads get, report, echo, route.
	Calls map[string]int64 `json:"calls"`
	// Effective writes changed something, or were accepted, by kind.
	Effective map[string]int64 `json:"effective"`
	// Replayed writes were answered from memory by their identifier.
	Replayed int64 `json:"replayed"`
	// Rejected writes were refused by the rules. Faults don't count.
	Rejected int64 `json:"rejected"`
	// Entitlements by status.
	Entitlements map[entitlement.Status]int64 `json:"entitlements"`
	// DuplicateExternalIDs are the entitlements beyond the first of each
	// external id and route.
	DuplicateExternalIDs int64 `json:"duplicateExternalIds"`
}

// counts are the part of the books that is kept in memory.
type counts struct {
	mu       sync.Mutex
	calls    map[kind]int64
	replayed int64
	rejected int64
}

func (c *counts) call(k kind) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls[k]++
}

func (c *counts) replay() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.replayed++
}

func (c *counts) reject() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rejected++
}

const (
	bookReplayed = "replayed"
	bookRejected = "rejected"
	bookCalls    = "calls/"
	bookWrites   = "effective/"
)

func (s *Server) loadCounts() error {
	saved, err := s.store.books(context.Background())
	if err != nil {
		return err
	}
	s.counts.calls = make(map[kind]int64)
	for _, k := range slices.Concat(readKinds, writeKinds) {
		s.counts.calls[k] = saved[bookCalls+string(k)]
	}
	s.counts.replayed, s.counts.rejected = saved[bookReplayed], saved[bookRejected]
	return nil
}

func (s *Server) saveCounts() error {
	s.counts.mu.Lock()
	defer s.counts.mu.Unlock()
	saved := map[string]int64{bookReplayed: s.counts.replayed, bookRejected: s.counts.rejected}
	for k, n := range s.counts.calls {
		saved[bookCalls+string(k)] = n
	}
	return s.store.setBooks(saved)
}

// Stats reads the books.
func (s *Server) Stats(ctx context.Context) (Stats, error) {
	if err := s.store.settle(s.now()); err != nil {
		return Stats{}, err
	}
	saved, err := s.store.books(ctx)
	if err != nil {
		return Stats{}, fmt.Errorf("sandbox books: %w", err)
	}
	stats := Stats{
		Calls:        make(map[string]int64),
		Effective:    make(map[string]int64),
		Entitlements: make(map[entitlement.Status]int64),
	}
	if err := s.store.tally(ctx, &stats); err != nil {
		return Stats{}, fmt.Errorf("sandbox books: %w", err)
	}
	for _, k := range writeKinds {
		stats.Effective[string(k)] = saved[bookWrites+string(k)]
	}
	s.counts.mu.Lock()
	defer s.counts.mu.Unlock()
	for k, n := range s.counts.calls {
		stats.Calls[string(k)] = n
	}
	stats.Replayed, stats.Rejected = s.counts.replayed, s.counts.rejected
	return stats, nil
}
