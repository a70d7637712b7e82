package devstack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

const (
	pollEvery  = 25 * time.Millisecond
	probeLimit = time.Second // of one look whether a server is up
)

// command says what to run.
type command struct {
	name  string // for messages
	path  string
	args  []string
	env   []string
	input []byte         // nil: no standard input; else it stays open after these bytes
	log   io.WriteCloser // nil: none; closed when the process has ended
}

// process is a running child with the end of its output.
type process struct {
	name string
	cmd  *exec.Cmd
	in   io.WriteCloser // nil: none
	tail *tail
	done chan struct{} // closed when it has ended
}

// run starts a child that can't outlive this process: see dieWithParent.
func run(c command) (*process, error) {
	cmd := exec.Command(c.path, c.args...) //nolint:noctx // it ends by stop or kill, not with the call that starts it
	p := &process{name: c.name, cmd: cmd, tail: &tail{}, done: make(chan struct{})}
	cmd.Env = c.env
	if c.input != nil {
		in, err := cmd.StdinPipe()
		if err != nil {
			return nil, fmt.Errorf("start %s: %w", c.name, err)
		}
		p.in = in
	}
	cmd.Stdout = io.Writer(p.tail)
	if c.log != nil {
		cmd.Stdout = io.MultiWriter(p.tail, c.log)
	}
	cmd.Stderr = cmd.Stdout
	cmd.WaitDelay = time.Second
	dieWithParent(cmd)

	started := make(chan error, 1)
	go func() {
		// The kernel ties the child to the thread that started it, so the
		// thread must live as long as the child.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait()
		}
		if c.log != nil {
			_ = c.log.Close()
		}
		close(p.done)
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", c.name, err)
	}
	if p.in != nil {
		// A child that is dead already shows as such in awaitReady.
		_, _ = p.in.Write(c.input)
	}
	return p, nil
}

// stop asks the process to end and kills it if it hasn't in time.
func (p *process) stop(ask func(), grace time.Duration) {
	ask()
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-p.done:
	case <-timer.C:
		p.kill()
	}
}

// closeInput ends the child's standard input.
func (p *process) closeInput() {
	if p.in != nil {
		_ = p.in.Close()
	}
}

// terminate asks the child by signal.
func (p *process) terminate() { _ = p.cmd.Process.Signal(syscall.SIGTERM) }

// kill ends the process without asking.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.done
}

// awaitReady probes until the server answers. If it ends before, or isn't up
// in time, the process is killed and the error has its last lines.
func (p *process) awaitReady(ctx context.Context, limit time.Duration, probe func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	last := errors.New("it was not asked yet")
	for {
		select {
		case <-p.done:
			return fmt.Errorf("%s ended while it started (%s); %s", p.name, p.cmd.ProcessState, p.tail)
		case <-ctx.Done():
			p.kill()
			return fmt.Errorf("%s is not up: %w (%w); %s", p.name, ctx.Err(), last, p.tail)
		case <-ticker.C:
			one, done := context.WithTimeout(ctx, probeLimit)
			err := probe(one)
			done()
			if err == nil {
				return nil
			}
			last = err
		}
	}
}
