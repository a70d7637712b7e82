package docs_test

import (
	"os"
	"os/exec"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

// Every test that a page names exists.
func TestNamedTestsExist(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("guarantees.md")
	require.NoError(t, err)
	named := regexp.MustCompile("`(Test[A-Za-z0-9]+)`").FindAllSubmatch(page, -1)
	require.Greater(t, len(named), 40)
	out, err := exec.CommandContext(t.Context(), "grep", "-rhoE", "--include=*_test.go", "^func Test[A-Za-z0-9]+", "..").Output()
	require.NoError(t, err)
	have := map[string]bool{}
	for _, f := range regexp.MustCompile("Test[A-Za-z0-9]+").FindAll(out, -1) {
		have[string(f)] = true
	}
	for _, n := range named {
		require.True(t, have[string(n[1])], "guarantees.md names %s, and there is no such test", n[1])
	}
}
