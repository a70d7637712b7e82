package dashboard

import (
	"fmt"
	"net/http"
	"sync"
	"time"
)

const (
	// maxStreams bounds open event streams, streamsEach those of one user.
	maxStreams  = 2_000
	streamsEach = 200
	// maxUploads bounds files that are on their way to the store, each of which
	// takes about 32 MiB of memory; uploadsEach those of one user.
	maxUploads  = 4
	uploadsEach = 2
	// Who finds no place is told to come back after so long.
	streamsAgain = 30 * time.Second
	uploadsAgain = 20 * time.Second
)

// shares are places of which nobody takes all. A place is a user's, or, where
// nobody signs in, an address's.
type shares struct {
	what        string
	total, each int
	again       time.Duration

	mu    sync.Mutex
	taken int
	by    map[string]int
}

// fullError says that there is no place.
type fullError struct {
	says   string
	status int
	again  time.Duration
}

// Error says what to wait for.
func (e *fullError) Error() string { return e.says }

// take takes a place until leave, or says with a fullError why there is none.
func (s *shares) take(who string) (leave func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.by[who] >= s.each:
		return nil, &fullError{
			fmt.Sprintf("you have %d %s, and more are not for one user: try again when one has ended", s.each, s.what),
			http.StatusTooManyRequests, s.again,
		}
	case s.taken >= s.total:
		return nil, &fullError{
			fmt.Sprintf("there are %d %s, and this dashboard bears no more: try again in a while", s.total, s.what),
			http.StatusServiceUnavailable, s.again,
		}
	}
	if s.by == nil {
		s.by = map[string]int{}
	}
	s.by[who]++
	s.taken++
	return sync.OnceFunc(func() { s.leave(who) }), nil
}

func (s *shares) leave(who string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken--
	if s.by[who]--; s.by[who] == 0 {
		delete(s.by, who)
	}
}

// whose names who takes a place.
func (s *Server) whose(r *http.Request) string {
	if u := userOf(r); u.Name != "" {
		return "user " + u.Name
	}
	return "address " + s.fence.door.addressOf(r)
}
