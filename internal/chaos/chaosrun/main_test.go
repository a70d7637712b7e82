package main

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func setup(t *testing.T, args ...string) (code int, out, problems string) {
	t.Helper()
	var o, p bytes.Buffer
	args = append([]string{"-results", filepath.Join(t.TempDir(), "results.jsonl")}, args...)
	code = run(args, &o, &p)
	return code, o.String(), p.String()
}

func TestPlanShowsTheSameSchedulesEachTime(t *testing.T) {
	t.Parallel()
	code, once, _ := setup(t, "-plan", "-seeds", "2", "-seed", "8", "-records", "30", "-boundary", "2")
	require.Zero(t, code)
	require.Contains(t, once, "seed 8: 30 records")
	require.Contains(t, once, "seed 9: 30 records")
	require.Contains(t, once, "at effective revoke 2: worker killed between a step's write and its answer")
	_, again, _ := setup(t, "-plan", "-seeds", "2", "-seed", "8", "-records", "30", "-boundary", "2")
	require.Equal(t, once, again)
}

func TestWrongCommandLine(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"-seeds", "0"}, {"-records", "0"}, {"-frob"}, {"once", "more"}, {"-seed", "-1"}} {
		code, out, problems := setup(t, args...)
		require.Equal(t, 2, code, "%v", args)
		require.Empty(t, out)
		require.NotEmpty(t, problems)
	}
	code, _, problems := setup(t, "-help")
	require.Zero(t, code)
	require.Contains(t, problems, "-boundary")
}
