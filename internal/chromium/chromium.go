// Package chromium opens a headless browser for tests of what people see: the
// dashboard and the Temporal UI. Only tests import it.
package chromium

import (
	"context"
	"os"
	"os/exec"
	"testing"

	"github.com/chromedp/chromedp"
)

// Path finds a browser. It skips a test where there is none, but in CI, where
// there must be one.
func Path(t testing.TB) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("CI") != "" {
		t.Fatal("there is no Chromium on PATH, and in CI the browser tests must run")
	}
	t.Skip("there is no Chromium on PATH (Debian: apt-get install chromium)")
	return ""
}

// Open starts a browser, which lives until close is called.
func Open(path string) (browser context.Context, closeIt func(), err error) {
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.WindowSize(1280, 900),
		chromedp.Flag("disable-dev-shm-usage", true))
	allocated, release := chromedp.NewExecAllocator(context.Background(), options...)
	// What chromedp does not know of a newer Chromium is no trouble of ours.
	browser, end := chromedp.NewContext(allocated, chromedp.WithErrorf(func(string, ...any) {}))
	closeIt = func() { end(); release() }
	if err := chromedp.Run(browser); err != nil {
		closeIt()
		return nil, nil, err
	}
	return browser, closeIt, nil
}
