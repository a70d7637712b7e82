package integration

import (
	"context"
	"flag"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"github.com/f0a90b9a/ferry/config"
	"github.com/f0a90b9a/ferry/internal/chromium"
	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/migrationfile"
	"github.com/f0a90b9a/ferry/internal/operator"
	"github.com/f0a90b9a/ferry/internal/sandbox"
	"github.com/f0a90b9a/ferry/workflows"
)

// screens is where TestTemporalUIReadsWell puts pictures of what it sees.
var screens = flag.String("screens", "", "folder for pictures of the Temporal UI, such as ../../docs/screens")

// browse opens a browser for a test.
func browse(t *testing.T) context.Context {
	t.Helper()
	browser, stop, err := chromium.Open(chromium.Path(t))
	require.NoError(t, err)
	t.Cleanup(stop)
	return browser
}

// pageText is what a page says, texts in its frames included.
const pageText = `document.body.innerText + [...document.querySelectorAll("iframe")].map((f) => f.srcdoc || f.contentDocument?.body.innerText).join("\n")`

// reads opens a workflow's page in the Temporal UI and waits until it says all
// of some words.
func (s *stack) reads(browser context.Context, id, tab, picture string, words ...string) {
	s.t.Helper()
	described, err := s.client.DescribeWorkflowExecution(s.ctx, id, "")
	require.NoError(s.t, err)
	page := fmt.Sprintf("%s/namespaces/default/workflows/%s/%s/%s", shared.temporal.UIURL,
		url.PathEscape(id), described.GetWorkflowExecutionInfo().GetExecution().GetRunId(), tab)
	var text string
	for range 10 { // the page asks the workflow once, when it is opened
		require.NoError(s.t, chromedp.Run(browser, chromedp.Navigate(page)))
		if eventually(func() bool {
			return chromedp.Run(browser, chromedp.Evaluate(pageText, &text)) == nil && says(text, words)
		}) {
			s.keepPicture(browser, picture)
			return
		}
	}
	s.t.Fatalf("%s of %s does not say %q, but: %s", tab, id, words, text)
}

// eventually reports whether something comes true within some seconds.
func eventually(is func() bool) bool {
	end := time.Now().Add(15 * time.Second)
	for ticker := time.NewTicker(10 * tick); time.Now().Before(end); <-ticker.C {
		if is() {
			return true
		}
	}
	return false
}

func says(text string, words []string) bool {
	return !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(text, w) })
}

// keepPicture keeps what the page looks like, if the run is for that.
func (s *stack) keepPicture(browser context.Context, picture string) {
	s.t.Helper()
	if *screens == "" {
		return
	}
	var body []byte
	require.NoError(s.t, chromedp.Run(browser, chromedp.Sleep(2*time.Second), chromedp.CaptureScreenshot(&body)))
	require.NoError(s.t, os.WriteFile(filepath.Join(*screens, "temporal-"+picture+".png"), body, 0o644))
}

// operate starts a migration as the command line does.
func (s *stack) operate(id string, in workflows.MigrateFileInput) client.WorkflowRun {
	s.t.Helper()
	if in.Route == "" {
		in.Route = "acme-nova"
	}
	c := config.Default().Temporal
	c.TaskQueue = s.queue
	runID, err := operator.New(s.client, c).Start(s.ctx, s.id(id), in)
	require.NoError(s.t, err)
	return s.client.GetWorkflow(s.ctx, s.id(id), runID)
}

// What an operator sees who has nothing but the Temporal UI.
func TestTemporalUIReadsWell(t *testing.T) {
	t.Parallel()
	browser := browse(t)
	s := newStack(t)
	s.settings.HoldAfterSeconds = 3600
	s.startWorker()

	file := generate(t, migrationfile.GenOptions{Records: 60, Seed: 8, FailShare: 0.1, Prefix: s.bucket})
	in := inputFor(s.upload("acme-1.json", file))
	in.Waves = new(false)
	in.Limits = &workflows.LimitsInput{Consecutive: new(1)}
	sum := s.result(s.operate("acme-1", in))
	require.Equal(t, migration.StoppedByLimit, sum.Result)
	s.reads(browser, s.id("acme-1"), "user-metadata", "stopped", "STOPPED_BY_LIMIT", "ferry reload "+s.id("acme-1"))
	var failed string
	for _, e := range sum.Errors {
		if e.Code == "NOT_AVAILABLE" {
			failed = workflows.EntitlementID("acme-nova", e.Examples[0])
		}
	}
	s.reads(browser, failed, "history", "failed-record", "NOT_AVAILABLE")

	in.Route = "no-such-route"
	require.Error(t, s.operate("acme-0", in).Get(s.ctx, nil))
	s.reads(browser, s.id("acme-0"), "history", "failed", "ROUTE_UNKNOWN", "the target does not know route")

	s.slow(50)
	in = inputFor(s.upload("acme-2.json", generate(t, migrationfile.GenOptions{
		Records: 200, Seed: 9, Prefix: s.bucket + "-b", OnlyStatus: entitlement.Active, Product: "nova-basic",
	})))
	in.Waves, in.Concurrency = new(false), &workflows.ConcurrencyInput{PerBatch: new(8), Batches: new(2)}
	run := s.operate("acme-2", in)
	require.Eventually(t, func() bool { return s.stats().Effective["activate"] > 70 }, longWait, tick)
	s.reads(browser, s.id("acme-2"), "user-metadata", "running", "MIGRATING", "of 200 records", "Steps done: create")
	_, err := s.ask("acme-2", workflows.UpdatePause, kim("the merchant asked for it"))
	require.NoError(t, err)
	s.reads(browser, s.id("acme-2"), "user-metadata", "paused", "PAUSED", "the merchant asked for it", "ferry resume")

	require.NoError(t, s.books.ChangeFaults(func(f *sandbox.Faults) error { f.Outage, f.RetryAfterSeconds = true, 120; return nil }))
	_, err = s.ask("acme-2", workflows.UpdateResume, kim(""))
	require.NoError(t, err)
	waiting := ""
	require.Eventually(t, func() bool {
		answer, err := s.client.ListWorkflow(s.ctx, &workflowservice.ListWorkflowExecutionsRequest{Query: fmt.Sprintf(
			"FerryMigration = '%s' AND WorkflowType = '%s' AND ExecutionStatus = 'Running'", s.id("acme-2"), workflows.MigrateEntitlementName)})
		if err != nil {
			return false
		}
		for _, e := range answer.GetExecutions() {
			if id := e.GetExecution().GetWorkflowId(); strings.Contains(s.metadata(id).GetCurrentDetails(), "Waiting until") {
				waiting = id
			}
		}
		return waiting != ""
	}, longWait, 10*tick)
	s.reads(browser, waiting, "user-metadata", "waiting-record", "SERVICE_UNAVAILABLE", "attempt")
	_, err = s.ask("acme-2", workflows.UpdateAbort, kim("seen enough"))
	require.NoError(t, err)
	require.Equal(t, migration.Aborted, s.result(run).Result)
}

// Whoever starts a migration from the Temporal UI fills in two fields of input.
func TestStartFormOfTheTemporalUITakesTwoFields(t *testing.T) {
	t.Parallel()
	browser := browse(t)
	s := setup(t)
	input := fmt.Sprintf(`{"file": %q, "route": "acme-nova"}`, s.upload("form.json", activeRecords(t, s.bucket, 5)))
	page := shared.temporal.UIURL + "/namespaces/default/workflows/start-workflow"
	ctx, cancel := context.WithTimeout(browser, longWait)
	defer cancel()
	require.NoError(t, chromedp.Run(ctx,
		chromedp.Navigate(page),
		chromedp.WaitVisible(`.cm-content`, chromedp.ByQuery),
		chromedp.SendKeys(`#workflowId`, s.id("form"), chromedp.ByQuery),
		chromedp.SendKeys(`#taskQueue`, s.queue, chromedp.ByQuery),
		chromedp.SendKeys(`#workflowType`, workflows.MigrateFileName, chromedp.ByQuery),
		chromedp.Focus(`.cm-content`, chromedp.ByQuery),
		chromedp.Evaluate(fmt.Sprintf(`document.execCommand("insertText", false, %q)`, input), nil),
		chromedp.Poll(`document.body.innerText.includes("Task Queue is Active")`, nil),
		// The form grows under a mouse, as it puts the input in order.
		chromedp.Evaluate(`document.querySelector('[data-testid="start-workflow-button"]').click()`, nil),
	))
	require.Eventually(t, func() bool {
		_, err := s.client.DescribeWorkflowExecution(s.ctx, s.id("form"), "")
		return err == nil
	}, longWait, tick)
	sum := s.result(s.client.GetWorkflow(s.ctx, s.id("form"), ""))
	require.Equal(t, migration.Completed, sum.Result, "%+v", sum)
}
