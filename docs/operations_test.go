package docs_test

import (
	"bytes"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/cli"
)

// anchors are the headings that alerts and other pages lead to.
var anchors = []string{
	"upgrade", "credentials-turned", "worker-lost", "temporal-lost", "s3-lost", "target-lost", "stopped-by-a-limit", "it-is-slow", "it-is-stuck", "undo-my-mistake",
}

var heading = regexp.MustCompile(`(?m)^##+ (.+)$`)

func operationsPage(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile("operations.md")
	require.NoError(t, err)
	return string(page)
}

// TestOperationsHasItsAnchors holds the page to the links that lead into it,
// its own among them.
func TestOperationsHasItsAnchors(t *testing.T) {
	t.Parallel()
	page := operationsPage(t)
	var there []string
	for _, h := range heading.FindAllStringSubmatch(page, -1) {
		there = append(there, slug(h[1]))
	}
	require.Subset(t, there, anchors)
	for _, link := range regexp.MustCompile(`\]\(#([a-z0-9-]+)\)`).FindAllStringSubmatch(page, -1) {
		require.Contains(t, there, link[1])
	}
	for _, link := range regexp.MustCompile(`\]\(([a-z./0-9-]+)(#[a-z0-9-]+)?\)`).FindAllStringSubmatch(page, -1) {
		_, err := os.Stat(link[1])
		require.NoError(t, err, "a link leads nowhere")
	}
}

// slug is the anchor that a heading gets.
func slug(title string) string {
	title = regexp.MustCompile(`[^a-z0-9 -]`).ReplaceAllString(strings.ToLower(title), "")
	return strings.ReplaceAll(title, " ", "-")
}

// TestOperationsNamesCommandsThatExist runs the help of every command line on
// the page, and looks for its flags there.
func TestOperationsNamesCommandsThatExist(t *testing.T) {
	t.Parallel()
	lines := regexp.MustCompile("(?m)(?:^|`)ferry ([a-z]+)([^`#\n]*)").FindAllStringSubmatch(operationsPage(t), -1)
	require.Greater(t, len(lines), 30)
	helps := map[string]string{}
	for _, line := range lines {
		command, rest := line[1], line[2]
		if _, known := helps[command]; !known {
			helps[command] = help(t, command)
		}
		for _, flag := range regexp.MustCompile(`--[a-z-]+`).FindAllString(rest, -1) {
			require.True(t, slices.Contains(strings.Fields(helps[command]), flag), "ferry %s has no %s", command, flag)
		}
	}
}

func help(t *testing.T, command string) string {
	t.Helper()
	var out, errs bytes.Buffer
	code := cli.Run(t.Context(), []string{command, "--help"}, cli.Streams{In: strings.NewReader(""), Out: &out, Err: &errs})
	require.Zero(t, code, "ferry %s: %s", command, errs.String())
	return out.String()
}
