package main

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// setup gives a module with these test files, and a run of its tests.
func setup(t *testing.T, files map[string]string) (test func(args ...string) (code int, out string)) {
	t.Helper()
	dir := t.TempDir()
	files["go.mod"] = "module example.com/m\n\ngo 1.26\n"
	for name, text := range files {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	return func(args ...string) (int, string) {
		var out, errOut bytes.Buffer
		command := append([]string{"go", "-C", dir, "test", "-json"}, args...)
		code := run(t.Context(), command, &out, &errOut)
		return code, errOut.String() + out.String()
	}
}

// file is a test file with these tests by name, each with its body.
func file(bodies map[string]string) string {
	var b strings.Builder
	b.WriteString("package p\n\nimport (\n\t\"os\"\n\t\"testing\"\n)\n\nvar _ = os.Exit\n\n")
	for _, name := range slices.Sorted(maps.Keys(bodies)) {
		fmt.Fprintf(&b, "func %s(t *testing.T) { %s }\n", name, bodies[name])
	}
	return b.String()
}

func closing(out string) string {
	lines := strings.Split(strings.TrimSpace(out), "\n")
	return lines[len(lines)-1]
}

var good = map[string]string{"TestA": `t.Run("one", func(*testing.T) {})`, "TestB": ""}

func TestTotals(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		files map[string]string
		code  int
		last  string
		says  string
	}{
		"all pass": {
			map[string]string{"a/a_test.go": file(good), "b/b_test.go": file(good)},
			0, "6 passed, 0 failed", "ok\texample.com/m/b\t3 passed",
		},
		"one fails": {
			map[string]string{"a/a_test.go": file(good), "b/b_test.go": file(map[string]string{"TestC": `t.Error("so sad")`})},
			1, "3 passed, 1 failed", "so sad",
		},
		"a subtest fails, and its parent with it": {
			map[string]string{"a_test.go": file(map[string]string{"TestC": `t.Run("x", func(t *testing.T) { t.Fatal("deep") })`})},
			1, "0 passed, 2 failed", "deep",
		},
		"does not build": {
			map[string]string{"a/a_test.go": file(good), "b/b_test.go": file(map[string]string{"TestC": "undefined()"})},
			1, "3 passed, 1 failed", "undefined: undefined",
		},
		"does not parse": {
			map[string]string{"a/a_test.go": file(good), "b/b_test.go": "package"},
			1, "3 passed, 1 failed", "b_test.go",
		},
		"panics": {
			map[string]string{"a_test.go": file(map[string]string{"TestA": "", "TestC": `panic("help")`})},
			1, "1 passed, 1 failed", "help",
		},
		"exits in the middle": {
			map[string]string{"a_test.go": file(map[string]string{"TestC": "os.Exit(3)"})},
			1, "0 passed, 1 failed", "",
		},
		"skips": {
			map[string]string{"a_test.go": file(map[string]string{"TestA": "", "TestC": `t.Skip("not here")`})},
			0, "1 passed, 0 failed", "1 skipped",
		},
		"no tests at all": {
			map[string]string{"a.go": "package p\n"},
			1, "0 passed, 0 failed", "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, out := setup(t, c.files)("./...")
			require.Equal(t, c.code, code, out)
			require.Contains(t, out, c.says)
			require.Equal(t, c.last, closing(out), out)
		})
	}
}

func TestMainThatFailsAfterItsTests(t *testing.T) {
	t.Parallel()
	code, out := setup(t, map[string]string{
		"a_test.go": file(good) + "\nfunc TestMain(m *testing.M) { m.Run(); os.Exit(1) }\n",
	})("./...")
	require.Equal(t, 1, code)
	require.Equal(t, "3 passed, 1 failed", closing(out), out)
}

func TestTimedOutTestFails(t *testing.T) {
	t.Parallel()
	code, out := setup(t, map[string]string{
		"a_test.go": file(map[string]string{"TestC": `<-t.Context().Done()`}),
	})("-timeout=100ms", "./...")
	require.Equal(t, 1, code)
	require.Equal(t, "0 passed, 1 failed", closing(out), out)
	require.Contains(t, out, "panic: test timed out")
}

func TestCommandThatFailsByItselfCounts(t *testing.T) {
	t.Parallel()
	test := setup(t, map[string]string{"a_test.go": file(good)})
	code, out := test("-nosuchflag", "./...")
	require.Equal(t, 1, code)
	require.Equal(t, "0 passed, 1 failed", closing(out), out)

	code, out = test("./...", "--", "/nowhere/to/be/found")
	require.Equal(t, 1, code)
	require.Equal(t, "3 passed, 1 failed", closing(out), out)
}

func TestUnfinishedStreamFails(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	r := newReport(&out)
	require.NoError(t, r.read(strings.NewReader(`{"Action":"start","Package":"p"}
{"Action":"run","Package":"p","Test":"TestA"}
no event
{"Action":"output","Package":"p","Test":"TestA","Output":"half way\n"}`)))
	r.abandon()
	require.Equal(t, 1, r.close(0))
	require.Equal(t, "0 passed, 1 failed", closing(out.String()))
	require.Contains(t, out.String(), "no event\n")
	require.Contains(t, out.String(), "half way\n")
}

func TestSeveralCommandsAddUp(t *testing.T) {
	t.Parallel()
	test := setup(t, map[string]string{"a_test.go": file(good)})
	code, out := test("./...", "--", "go", "version")
	require.Equal(t, 0, code)
	require.Contains(t, out, "go version go")
	require.Equal(t, "3 passed, 0 failed", closing(out))
}

func TestWrongUse(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{nil, {"--"}, {"a", "--", "--", "b"}} {
		var out, errOut bytes.Buffer
		require.Equal(t, 2, run(t.Context(), args, &out, &errOut))
		require.Contains(t, errOut.String(), "totals: ")
	}
}
