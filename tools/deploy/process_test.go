package deploy

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	upLimit = 3 * time.Minute
	tick    = time.Second // Temporal answers ten questions for lists a second
	// tailBytes are shown of what a process said when a test fails.
	tailBytes = 4096
)

// process is a program that runs beside the test.
type process struct {
	t    *testing.T
	name string
	cmd  *exec.Cmd
	log  string
	done chan struct{}
}

// launch says what to run, and as whom.
type launch struct {
	name    string
	command []string
	env     []string
	as      *syscall.Credential // nil: as this process
	stop    syscall.Signal      // 0: SIGTERM
}

// start starts a process that ends with the test, and with this process.
func start(t *testing.T, dir string, l launch) *process {
	t.Helper()
	p := &process{t: t, name: l.name, log: filepath.Join(dir, l.name+".log"), done: make(chan struct{})}
	log, err := os.Create(p.log)
	require.NoError(t, err)
	p.cmd = exec.Command(l.command[0], l.command[1:]...)
	p.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir}, l.env...)
	p.cmd.Dir = dir
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: l.as}
	dieWithParent(p.cmd.SysProcAttr)
	started := make(chan error, 1)
	go func() {
		defer close(p.done)
		runtime.LockOSThread() // the thread must live as long as the child
		defer runtime.UnlockOSThread()
		err := p.cmd.Start()
		started <- err
		if err == nil {
			_ = p.cmd.Wait()
		}
		_ = log.Close()
	}()
	require.NoError(t, <-started, l.name)
	signal := l.stop
	if signal == 0 {
		signal = syscall.SIGTERM
	}
	t.Cleanup(func() { p.end(signal) })
	return p
}

// end stops the process, by force if it doesn't within a minute, and shows the
// last that it said if the test has failed.
func (p *process) end(signal syscall.Signal) {
	_ = p.cmd.Process.Signal(signal)
	timer := time.NewTimer(time.Minute)
	defer timer.Stop()
	select {
	case <-p.done:
	case <-timer.C:
		_ = p.cmd.Process.Kill()
		<-p.done
	}
	if p.t.Failed() {
		p.t.Logf("%s: %s", p.name, p.said())
	}
}

// said is the end of what the process has written.
func (p *process) said() []byte {
	text, _ := os.ReadFile(p.log)
	return text[max(0, len(text)-tailBytes):]
}

// until waits until a command succeeds.
func (p *process) until(what string, env []string, command ...string) {
	p.t.Helper()
	eventually(p.t, p.name+" is "+what, func() error {
		select {
		case <-p.done:
			require.FailNow(p.t, "it has ended", "%s: %s", p.name, p.said())
		default:
		}
		said, err := output(p.t, env, command...)
		if err != nil {
			return fmt.Errorf("%w: %s", err, said)
		}
		return nil
	})
}

// eventually tries until it succeeds, and fails with the last error.
func eventually(t *testing.T, what string, try func() error) {
	t.Helper()
	deadline, ticker := time.NewTimer(upLimit), time.NewTicker(tick)
	defer deadline.Stop()
	defer ticker.Stop()
	for {
		last := try()
		if last == nil {
			return
		}
		select {
		case <-deadline.C:
			require.NoError(t, last, what)
		case <-ticker.C:
		}
	}
}

// output runs a command to its end.
func output(t *testing.T, env []string, command ...string) ([]byte, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), upLimit)
	defer cancel()
	var all bytes.Buffer
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}, env...)
	cmd.Stdout, cmd.Stderr = &all, &all
	err := cmd.Run()
	return all.Bytes(), err
}

// must runs a command that has to succeed.
func must(t *testing.T, env []string, command ...string) {
	t.Helper()
	said, err := output(t, env, command...)
	require.NoError(t, err, "%v: %s", command, said)
}

// The ports that a test looks among. Temporal keeps a server's port on
// PostgreSQL in 16 bits with a sign, so the system's own choice is too high.
const (
	lowestPort = 20_000
	ports      = 12_000
)

// freePorts gives ports that nobody listens on. They are held until all are
// found, so that each is another.
func freePorts(t *testing.T, n int) (found []string) {
	t.Helper()
	var held []net.Listener
	for range ports {
		listener, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(lowestPort+rand.IntN(ports)))
		if err != nil {
			continue
		}
		held = append(held, listener)
		if len(held) == n {
			break
		}
	}
	require.Len(t, held, n, "free ports")
	for _, listener := range held {
		_, port, err := net.SplitHostPort(listener.Addr().String())
		require.NoError(t, err)
		require.NoError(t, listener.Close())
		found = append(found, port)
	}
	return found
}

// plainUser is who runs PostgreSQL, which refuses to be root; nil if this
// process is not.
func plainUser(t *testing.T) *syscall.Credential {
	t.Helper()
	if os.Getuid() != 0 {
		return nil
	}
	u, err := user.Lookup("postgres")
	require.NoError(t, err, "PostgreSQL does not run as root, and there is no user postgres")
	number := func(text string) uint32 {
		n, err := strconv.ParseUint(text, 10, 32)
		require.NoError(t, err)
		return uint32(n)
	}
	return &syscall.Credential{Uid: number(u.Uid), Gid: number(u.Gid)}
}
