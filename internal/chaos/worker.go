package chaos

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// crew keeps one worker process running, however often it is killed.
type crew struct {
	log io.Writer

	mu      sync.Mutex
	env     []string
	want    bool
	procs   []*workerProcess
	crashes []string
	running sync.WaitGroup
}

type workerProcess struct {
	cmd   *exec.Cmd
	stdin io.Closer
	ours  bool // we ended it
	extra bool // nobody replaces it
}

// hire starts the worker with an environment; a running one is replaced.
func (c *crew) hire(env []string) error {
	c.dismiss()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.env, c.want = env, true
	return c.start()
}

// start needs the lock.
func (c *crew) start() error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("worker: find this program: %w", err)
	}
	cmd := exec.Command(self) //nolint:noctx // it ends by kill, not with the call that starts it
	cmd.Env = append(withoutFerry(os.Environ()), append([]string{workerVariable + "=1"}, c.env...)...)
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = c.log, c.log, time.Second
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return fmt.Errorf("worker: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("worker: %w", err)
	}
	p := &workerProcess{cmd: cmd, stdin: stdin}
	c.procs = append(c.procs, p)
	c.running.Go(func() { c.watch(p) })
	return nil
}

// watch replaces a worker that has ended, whatever ended it.
func (c *crew) watch(p *workerProcess) {
	err := p.cmd.Wait()
	_ = p.stdin.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.procs = slices.DeleteFunc(c.procs, func(o *workerProcess) bool { return o == p })
	if code := p.cmd.ProcessState.ExitCode(); !p.ours && code != unable && code != 0 {
		c.crashes = append(c.crashes, fmt.Sprintf("a worker crashed: %v", err))
	}
	if c.want && !p.extra {
		if err := c.start(); err != nil {
			c.crashes = append(c.crashes, err.Error())
		}
	}
}

// kill ends all workers as a crash would. It returns when they have been sent
// the signal, after which they run no more.
func (c *crew) kill() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.procs {
		p.ours = true
		_ = p.cmd.Process.Kill()
	}
}

// drain asks all workers to stop in order.
func (c *crew) drain() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.procs {
		p.ours = true
		_ = p.cmd.Process.Signal(syscall.SIGTERM)
	}
}

// freeze holds the workers' processes and starts another one; thaw lets them
// go on beside it.
func (c *crew) freeze() (thaw func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	frozen := slices.Clone(c.procs)
	for _, p := range frozen {
		p.extra = true
		_ = suspend(p.cmd.Process)
	}
	if err := c.start(); err != nil {
		c.crashes = append(c.crashes, err.Error())
	}
	return func() {
		for _, p := range frozen {
			_ = proceed(p.cmd.Process)
		}
	}
}

// dismiss ends all workers for good.
func (c *crew) dismiss() {
	c.mu.Lock()
	c.want = false
	c.mu.Unlock()
	c.kill()
	c.running.Wait()
}

// report gives the crashes since the last report.
func (c *crew) report() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	crashes := c.crashes
	c.crashes = nil
	return crashes
}

// withoutFerry drops settings that are meant for other programs.
func withoutFerry(env []string) []string {
	return slices.DeleteFunc(slices.Clone(env), func(v string) bool {
		return strings.HasPrefix(v, "FERRY_") || strings.HasPrefix(v, "TEMPORAL_") || strings.HasPrefix(v, "AWS_")
	})
}
