package integration

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/sandbox"
)

// buildWorker builds the worker program as it is shipped, with more flags for
// the build if a test needs another one.
func buildWorker(t *testing.T, flags ...string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "ferry-worker")
	args := append([]string{"build", "-trimpath", "-buildvcs=false", "-o", program}, flags...)
	cmd := exec.CommandContext(t.Context(), "go", append(args, "./worker")...)
	cmd.Dir = filepath.Join("..", "..")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	return program
}

// workerProcess is a worker program that runs.
type workerProcess struct {
	t      *testing.T
	cmd    *exec.Cmd
	health string        // address of its endpoints
	ended  chan struct{} // closed with the process
	err    error         // after that
	log    *safeBuffer
}

// launch starts a worker program for the stack and waits until it is ready. It
// ends with the test at the latest.
func (s *stack) launch(program string, settings ...string) *workerProcess {
	s.t.Helper()
	cmd := exec.CommandContext(s.ctx, program)
	cmd.Env = append(s.workerEnv(), settings...)
	stderr, err := cmd.StderrPipe()
	require.NoError(s.t, err)
	p := &workerProcess{t: s.t, cmd: cmd, ended: make(chan struct{}), log: &safeBuffer{}}
	require.NoError(s.t, cmd.Start())
	polling := make(chan string, 1)
	var read sync.WaitGroup
	read.Go(func() { p.read(stderr, polling) })
	go func() {
		read.Wait()
		p.err = cmd.Wait()
		close(p.ended)
	}()
	s.t.Cleanup(func() { _ = cmd.Process.Kill(); <-p.ended })
	select {
	case p.health = <-polling:
	case <-p.ended:
		require.Fail(s.t, "the worker ended while it started", p.log.String())
	}
	require.Eventually(s.t, func() bool { return p.get("/readyz") == http.StatusOK }, longWait, tick, "the worker is not ready")
	return p
}

// workerEnv is a worker's whole environment.
func (s *stack) workerEnv() []string {
	store := storeOptions(s.bucket)
	return []string{
		"HOME=" + s.t.TempDir(),
		"TEMPORAL_CONFIG_FILE=" + os.DevNull,
		"FERRY_TEMPORAL_ADDRESS=" + shared.temporal.HostPort,
		"FERRY_TEMPORAL_TASK_QUEUE=" + s.queue,
		"FERRY_TEMPORAL_CONNECT_TIMEOUT=1m",
		"FERRY_S3_ENDPOINT=" + store.Endpoint,
		"FERRY_S3_PATH_STYLE=true",
		"FERRY_S3_ACCESS_KEY_ID=" + store.AccessKeyID,
		"FERRY_S3_SECRET_ACCESS_KEY=" + store.SecretAccessKey,
		"FERRY_S3_WORK_BUCKET=" + s.bucket,
		"FERRY_TARGET_BASE_URL=" + s.target,
		"FERRY_TARGET_USERNAME=" + sandbox.DefaultUser,
		"FERRY_TARGET_PASSWORD=" + sandbox.DefaultPassword,
		"FERRY_TARGET_ENVIRONMENT=sandbox",
		"FERRY_WORKER_HEALTH_ADDRESS=127.0.0.1:0",
		"FERRY_LOG_FORMAT=json",
	}
}

// read keeps what a worker logs, and tells where its endpoints are once it
// polls.
func (p *workerProcess) read(log io.Reader, polling chan<- string) {
	lines := bufio.NewScanner(log)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		_, _ = p.log.Write(append(lines.Bytes(), '\n'))
		var entry struct{ Msg, Health string }
		if json.Unmarshal(lines.Bytes(), &entry) == nil && entry.Msg == "The worker is polling." {
			polling <- entry.Health
		}
	}
}

// get asks an endpoint and gives the status, 0 if nobody answers.
func (p *workerProcess) get(path string) int {
	status, _ := p.fetch(path)
	return status
}

func (p *workerProcess) fetch(path string) (status int, body string) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.health+path, nil)
	require.NoError(p.t, err)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, ""
	}
	defer response.Body.Close()
	var text strings.Builder
	_, _ = io.Copy(&text, response.Body)
	return response.StatusCode, text.String()
}

// terminate asks the worker to drain.
func (p *workerProcess) terminate() {
	p.t.Helper()
	require.NoError(p.t, p.cmd.Process.Signal(syscall.SIGTERM))
}

// drained waits until a worker that was asked to has ended in good order.
func (p *workerProcess) drained() {
	p.t.Helper()
	await(p.t, p.ended, "the worker does not end")
	require.NoError(p.t, p.err, p.log.String())
}
