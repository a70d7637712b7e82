package dashboard

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/config"
	"github.com/f0a90b9a/ferry/internal/chromium"
	"github.com/f0a90b9a/ferry/internal/demo"
	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/migrationfile"
	"github.com/f0a90b9a/ferry/internal/objectstore"
	"github.com/f0a90b9a/ferry/internal/operator"
	"github.com/f0a90b9a/ferry/internal/routes"
	"github.com/f0a90b9a/ferry/internal/sandbox"
	"github.com/f0a90b9a/ferry/internal/temporalconn"
	"github.com/f0a90b9a/ferry/workflows"
)

// browserWait is for whole migrations on a busy machine.
const browserWait = 4 * time.Minute

// shared is what all browser tests share: a Temporal, an S3 server, a sandbox, a
// worker and a Chromium.
var shared struct {
	once   sync.Once
	stack  *demo.Stack
	engine *operator.Client
	err    error

	browser   sync.Once
	chrome    context.Context //nolint:containedctx // the browser's own
	chromeErr error

	close []func()
}

func stopStack() {
	for _, closeOne := range slices.Backward(shared.close) {
		closeOne()
	}
}

func startReal() error {
	dir, err := os.MkdirTemp("", "ferry-dashboard-")
	if err != nil {
		return err
	}
	shared.close = append(shared.close, func() { _ = os.RemoveAll(dir) })
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Minute)
	defer cancel()
	shared.stack, err = demo.Start(ctx, demo.Options{
		Dir: dir, Throwaway: true, Config: config.Default(), Faults: sandbox.DefaultFaults(), UI: true,
		Say: func(line string) { fmt.Fprintln(os.Stderr, line) },
	})
	if err != nil {
		return err
	}
	shared.close = append(shared.close, shared.stack.Close)
	c := shared.stack.Config.Temporal
	client, err := temporalconn.Dial(ctx, c, shared.stack.TemporalEnv, testLog())
	if err != nil {
		return err
	}
	shared.close = append(shared.close, client.Close)
	shared.engine = operator.New(client, c)
	return nil
}

func startChromium(path string) error {
	browser, stop, err := chromium.Open(path)
	if err != nil {
		return err
	}
	shared.close = append(shared.close, stop)
	shared.chrome = browser //nolint:fatcontext // set once
	return nil
}

// scene is one browser test's own: a dashboard on the real stack.
type scene struct {
	*bundle
	prefix string
}

// setupReal gives the test its dashboard and a browser; the name is its
// file's.
func setupReal(t *testing.T, name string) *scene {
	t.Helper()
	if testing.Short() {
		t.Skip("a whole stack takes long")
	}
	path := chromium.Path(t)
	s := setupStack(t, name)
	shared.browser.Do(func() { shared.chromeErr = startChromium(path) })
	require.NoError(t, shared.chromeErr)
	s.serve(s.options(shared.engine))
	return s
}

// setupStack gives the test the real servers.
func setupStack(t *testing.T, name string) *scene {
	t.Helper()
	if testing.Short() {
		t.Skip("a whole stack takes long")
	}
	shared.once.Do(func() { shared.err = startReal() })
	require.NoError(t, shared.err)
	return &scene{&bundle{t: t, log: &lockedBuffer{}}, name}
}

// options are those of a dashboard on the real servers.
func (s *scene) options(engine Engine) Options {
	return Options{
		Engine: engine, Store: shared.stack.Store, Log: testLog(), MaxUpload: 64 << 20,
		Access:     Access{Users: []User{olga, vera, pia, otto}},
		TemporalUI: shared.stack.UIURL, Namespace: shared.stack.Config.Temporal.Namespace,
	}
}

// file makes up a migration file.
func (s *scene) file(records int, o migrationfile.GenOptions) string {
	s.t.Helper()
	route, ok := routes.Builtin(routes.AcmeNovaName)
	require.True(s.t, ok)
	o.Records, o.Seed, o.Route, o.Prefix, o.Now = records, 1, &route, s.prefix, time.Now()
	var body bytes.Buffer
	require.NoError(s.t, migrationfile.Generate(&body, o))
	path := filepath.Join(s.t.TempDir(), s.prefix+".json")
	require.NoError(s.t, os.WriteFile(path, body.Bytes(), 0o600))
	return path
}

// slow makes every call of the target take so many milliseconds, until the
// test ends.
func (s *scene) slow(ms int) {
	s.t.Helper()
	set := func(n int) error {
		return shared.stack.Sandbox.ChangeFaults(func(f *sandbox.Faults) error { f.LatencyMs = n; return nil })
	}
	require.NoError(s.t, set(ms))
	s.t.Cleanup(func() { _ = set(0) })
}

// repaired has the target refuse nothing any more, until the test ends.
func (s *scene) repaired() {
	s.t.Helper()
	set := func(refusals map[entitlement.Step][]string) error {
		return shared.stack.Sandbox.ChangeFaults(func(f *sandbox.Faults) error { f.Refusals = refusals; return nil })
	}
	require.NoError(s.t, set(nil))
	s.t.Cleanup(func() { _ = set(sandbox.DefaultFaults().Refusals) })
}

// uri is where the dashboard puts an uploaded file.
func (s *scene) uri(path string) string {
	return "s3://" + demo.WorkBucket + "/input/" + routes.AcmeNovaName + "/" + filepath.Base(path)
}

// begin starts a migration without a browser and gives its id.
func (s *scene) begin(path string, in workflows.MigrateFileInput) string {
	s.t.Helper()
	loc, err := objectstore.ParseURI(s.uri(path))
	require.NoError(s.t, err)
	body, err := os.ReadFile(path)
	require.NoError(s.t, err)
	require.NoError(s.t, shared.stack.Store.Put(s.t.Context(), loc, body, "application/json"))
	in.File, in.Route = loc.String(), routes.AcmeNovaName
	id := migration.IDFor(in.File)
	_, err = shared.engine.Start(s.t.Context(), id, in)
	require.NoError(s.t, err)
	return id
}

// ended waits for a migration's end.
func (s *scene) ended(id string) migration.Summary {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), browserWait)
	defer cancel()
	sum, err := shared.engine.Result(ctx, id)
	require.NoError(s.t, err)
	return sum
}

// stored reads one of a migration's files from S3.
func (s *scene) stored(id, name string) []byte {
	s.t.Helper()
	body, _, err := shared.stack.Store.Read(s.t.Context(), shared.stack.Store.Work(migration.Key(id, name)), 64<<20)
	require.NoError(s.t, err)
	return body
}

// tab is a browser's page with somebody signed in.
type tab struct {
	t       *testing.T
	ctx     context.Context //nolint:containedctx // the page's own
	base    string
	mu      sync.Mutex
	trouble []string // console errors and exceptions
}

func (s *scene) open(as string) *tab {
	s.t.Helper()
	ctx, stop := chromedp.NewContext(shared.chrome)
	s.t.Cleanup(stop)
	ctx, cancel := context.WithTimeout(ctx, browserWait)
	s.t.Cleanup(cancel)
	p := &tab{t: s.t, ctx: ctx, base: s.web.URL}
	chromedp.ListenTarget(ctx, p.hear)
	sign := base64.StdEncoding.EncodeToString([]byte(as + ":" + as))
	p.do(network.Enable(), log.Enable(), runtime.Enable(),
		network.SetExtraHTTPHeaders(network.Headers{"Authorization": "Basic " + sign}))
	return p
}

// hear notes what a console would show in red.
func (p *tab) hear(event any) {
	text := ""
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		text = e.ExceptionDetails.Error()
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.APITypeError || e.Type == runtime.APITypeWarning {
			args, _ := json.Marshal(e.Args)
			text = string(args)
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == log.LevelError || e.Entry.Level == log.LevelWarning {
			text = e.Entry.Text + " " + e.Entry.URL
		}
	}
	if text != "" {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.trouble = append(p.trouble, text)
	}
}

// quiet holds the console to silence.
func (p *tab) quiet() {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	require.Empty(p.t, p.trouble, "the console is silent")
}

func (p *tab) do(actions ...chromedp.Action) {
	p.t.Helper()
	require.NoError(p.t, chromedp.Run(p.ctx, actions...))
}

// visit loads a page and gives its status.
func (p *tab) visit(path string) int64 {
	p.t.Helper()
	res, err := chromedp.RunResponse(p.ctx, chromedp.Navigate(p.base+path))
	require.NoError(p.t, err)
	return res.Status
}

func (p *tab) text(selector string) string {
	p.t.Helper()
	var text string
	p.do(chromedp.Text(selector, &text, chromedp.ByQuery))
	return text
}

// evaluate runs a script in the page; promises are waited for.
func (p *tab) evaluate(script string, into any) {
	p.t.Helper()
	p.do(chromedp.Evaluate(script, into, func(e *runtime.EvaluateParams) *runtime.EvaluateParams {
		return e.WithAwaitPromise(true)
	}))
}

// until waits until a script says true.
func (p *tab) until(script string) {
	p.t.Helper()
	require.NoError(p.t, chromedp.Run(p.ctx, chromedp.Poll(script, nil, chromedp.WithPollingTimeout(browserWait))), script)
}

// badge waits for the migration's state.
func (p *tab) badge(word string) {
	p.t.Helper()
	p.until(fmt.Sprintf(`document.querySelector("#head .badge")?.textContent === %q`, word))
}

// click opens a form, fills it in and sends it.
func (p *tab) click(action, reason string) {
	p.t.Helper()
	p.do(chromedp.Click("#do-"+action, chromedp.ByQuery), chromedp.WaitVisible("dialog[open] form", chromedp.ByQuery),
		chromedp.SendKeys(`dialog[open] input[name="reason"]`, reason, chromedp.ByQuery))
	if action == "abort" {
		p.do(chromedp.Click(`dialog[open] input[name="confirm"]`, chromedp.ByQuery))
	}
	_, err := chromedp.RunResponse(p.ctx, chromedp.Click(`dialog[open] button[type="submit"]`, chromedp.ByQuery))
	require.NoError(p.t, err)
}

// accessible holds the page to axe-core's rules of levels A and AA, light and
// dark.
func (p *tab) accessible() {
	p.t.Helper()
	axe, err := os.ReadFile("testdata/axe/axe.min.js")
	require.NoError(p.t, err)
	for _, scheme := range []string{"dark", "light"} {
		p.do(emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}))
		var found []struct {
			ID, Help string
			Nodes    []struct{ HTML, FailureSummary string }
		}
		p.evaluate(string(axe)+"\n;true", nil)
		p.evaluate(`axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}).then((r) => r.violations)`, &found)
		require.Empty(p.t, found, scheme)
	}
}

// picture keeps what the page looks like, if the run is for that.
func (p *tab) picture(name string) {
	p.t.Helper()
	if *screens == "" {
		return
	}
	var body []byte
	if name == "phone" || name == "abort" { // a dialog darkens no more than the window
		p.do(chromedp.CaptureScreenshot(&body))
	} else {
		p.do(chromedp.FullScreenshot(&body, 100))
	}
	require.NoError(p.t, os.MkdirAll(*screens, 0o755))
	require.NoError(p.t, os.WriteFile(filepath.Join(*screens, name+".png"), body, 0o644))
}

// phone gives the page a phone's size.
func (p *tab) phone() {
	p.t.Helper()
	p.do(chromedp.EmulateViewport(390, 844, chromedp.EmulateScale(2), chromedp.EmulateMobile))
}

// fetched downloads a file as the page would.
func (p *tab) fetched(selector string) []byte {
	p.t.Helper()
	var text string
	p.evaluate(fmt.Sprintf(`fetch(new URL(document.querySelector(%q).pathname, location.origin)).then((r) => r.text())`, selector), &text)
	return []byte(text)
}
