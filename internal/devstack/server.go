package devstack

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// server is a process that can be stopped, killed and started again on the
// same ports.
type server struct {
	launch func(ctx context.Context) (*process, error) // until it is ready
	end    func(p *process)                            // in good order

	mu    sync.Mutex
	ports []*int         // wanted: 0 any, and afterwards the one taken
	held  []*reservation // as long as the server isn't stopped
	proc  *process       // nil: not running
}

// Stop ends the server in good order, by force after some seconds, and frees
// its ports. A stopped server may be stopped again.
func (s *server) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proc != nil {
		s.end(s.proc)
		s.proc = nil
	}
	s.release()
}

// Kill ends the server as a crash would, at once and without a word. Its ports
// stay reserved for a Restart.
func (s *server) Kill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proc != nil {
		s.proc.kill()
		s.proc = nil
	}
}

// Restart starts the server again with the same ports and data, after ending
// it in good order if it runs. The context bounds the start.
func (s *server) Restart(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proc != nil {
		s.end(s.proc)
		s.proc = nil
	}
	return s.start(ctx)
}

// Running reports whether the process is there.
func (s *server) Running() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proc == nil {
		return false
	}
	select {
	case <-s.proc.done:
		return false
	default:
		return true
	}
}

// start reserves the ports that aren't yet and launches the process.
func (s *server) start(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("not started: %w", err)
	}
	if s.held == nil {
		if err := s.reserve(); err != nil {
			s.release()
			return err
		}
	}
	proc, err := s.launch(ctx)
	if err != nil {
		s.release()
		return err
	}
	s.proc = proc
	return nil
}

func (s *server) reserve() error {
	for _, port := range s.ports {
		if *port > 65535 {
			return errors.New("a port number is at most 65535")
		}
		r, err := reserve(max(*port, 0))
		if err != nil {
			return err
		}
		s.held = append(s.held, r)
		*port = r.port
	}
	return nil
}

func (s *server) release() {
	for _, r := range s.held {
		r.release()
	}
	s.held = nil
}
