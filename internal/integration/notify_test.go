package integration

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"

	"github.com/f0a90b9a/ferry/activities"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/webhook"
	"github.com/f0a90b9a/ferry/workflows"
)

const hookSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// receiver is another system that is told of migrations' ends; it refuses
// until it is up.
type receiver struct {
	*httptest.Server

	mu      sync.Mutex
	up      bool
	refused int
	ids     []string
	bodies  [][]byte
	wrong   int // messages whose signature doesn't fit
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	verifier, err := standardwebhooks.NewWebhook(hookSecret)
	require.NoError(t, err)
	r := &receiver{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		r.mu.Lock()
		defer r.mu.Unlock()
		if verifier.Verify(body, req.Header) != nil {
			r.wrong++
		}
		r.ids = append(r.ids, req.Header.Get("webhook-id"))
		if !r.up {
			r.refused++
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		r.bodies = append(r.bodies, body)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) turn(up bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.up = up
}

func (r *receiver) seen() (refused, taken int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.refused, len(r.bodies)
}

// notifies has a worker tell a receiver.
func (r *receiver) notifies(t *testing.T) func(*activities.Options) {
	t.Helper()
	sender, err := webhook.New(r.URL+"/hook?token=t0p", hookSecret)
	require.NoError(t, err)
	return func(o *activities.Options) { o.Notifier, o.Defaults.Notify = sender, true }
}

// A receiver that is away delays no result, and is told when it is back.
func TestAnEndIsToldToAnotherSystem(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	r := newReceiver(t)
	s.startWorker(r.notifies(t))
	sum := s.migrate("told", inputFor(s.upload("told.json", activeRecords(t, s.bucket, 5))))
	require.Equal(t, migration.Completed, sum.Result)
	require.Eventually(t, func() bool { refused, _ := r.seen(); return refused >= 2 }, longWait, tick)
	r.turn(true)
	require.Eventually(t, func() bool { _, taken := r.seen(); return taken == 1 }, longWait, tick)
	require.NoError(t, s.client.GetWorkflow(s.ctx, workflows.NotifyID(s.id("told")), "").Get(s.ctx, nil))

	r.mu.Lock()
	defer r.mu.Unlock()
	require.Zero(t, r.wrong, "every message is signed")
	for _, id := range r.ids {
		require.Equal(t, r.ids[0], id, "repeats have one id")
	}
	require.Equal(t, s.file("told", migration.FileSummary), r.bodies[0])
	var told migration.Summary
	require.NoError(t, json.Unmarshal(r.bodies[0], &told))
	require.Equal(t, migration.Completed, told.Result)

	described, err := s.client.DescribeWorkflowExecution(s.ctx, s.id("told"), "")
	require.NoError(t, err)
	require.Equal(t, enums.WORKFLOW_EXECUTION_STATUS_COMPLETED, described.GetWorkflowExecutionInfo().GetStatus())
}
