package cli

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/operator"
)

func TestEveryEndHasItsCode(t *testing.T) {
	t.Parallel()
	interrupted, interrupt := context.WithCancel(t.Context())
	interrupt()
	for _, c := range []struct {
		name    string
		ctx     context.Context
		err     error
		code    int
		message string // "" : silence
	}{
		{"finished with failures", t.Context(), resultError(migration.CompletedWithFailures), 1, ""},
		{"rejected", t.Context(), resultError(migration.Rejected), 3, ""},
		{"stopped by a limit", t.Context(), resultError(migration.StoppedByLimit), 4, ""},
		{"aborted", t.Context(), resultError(migration.Aborted), 5, ""},
		{"interrupted migration", t.Context(), resultError(migration.Interrupted), 5, ""},
		{"no result", t.Context(), resultError(""), 6, "unknown result"},
		{"usage", t.Context(), usagef("--route is missing"), 2, "ferry: --route is missing\nsee 'ferry x --help'"},
		{"usage, wrapped", t.Context(), fmt.Errorf("start: %w", usagef("x")), 2, "see 'ferry x --help'"},
		{"refused", t.Context(), fmt.Errorf("migration a: pause: %w: it is paused", operator.ErrRefused), 7, "ferry: migration a: pause: refused"},
		{"unknown migration", t.Context(), fmt.Errorf("migration a: %w", operator.ErrUnknown), 6, "(see 'ferry list')"},
		{"no worker", t.Context(), fmt.Errorf("migration a: pause: %w task queue ferry", operator.ErrNoWorker), 6, "no worker is polling task queue ferry (start one, the program ferry-worker"},
		{"file name used", t.Context(), &operator.FailedError{Migration: "a", Code: fault.CodeFileNameUsed, Message: "m"}, 6, "copy it under a new name"},
		{"terminated", t.Context(), &operator.InterruptedError{Migration: "a", How: "terminated"}, 5, "a: terminated"},
		{"a fault", t.Context(), &fault.Fault{Code: fault.CodeFileNotFound, Message: "no such key"}, 6, "ferry: FILE_NOT_FOUND: no such key"},
		{"too slow", t.Context(), fmt.Errorf("list: %w", context.DeadlineExceeded), 6, "no answer in time"},
		{"anything else", t.Context(), errors.New("bad config"), 6, "ferry: bad config"},
		{"interrupted by the user", interrupted, context.Canceled, 130, ""},
		{"interrupted, with a word", interrupted, &problem{code: 130, err: errors.New("goes on")}, 130, "goes on"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			end := endOf(c.ctx, c.err)
			require.Equal(t, c.code, end.code)
			if c.message == "" {
				require.Empty(t, end.message("ferry x"))
			} else {
				require.Contains(t, end.message("ferry x"), c.message)
			}
		})
	}
}

func TestResultsThatAreGood(t *testing.T) {
	t.Parallel()
	require.NoError(t, resultEnd(migration.Summary{Result: migration.Completed}))
	require.NoError(t, resultEnd(migration.Summary{Result: migration.DryRun}))
	require.Error(t, resultEnd(migration.Summary{}))
}

func TestProblemSpeaksInOneOrder(t *testing.T) {
	t.Parallel()
	cause := errors.New("is used")
	p := &problem{thing: "migration a", remedy: "take another", err: cause}
	require.EqualError(t, p, "migration a: is used (take another)")
	require.ErrorIs(t, p, cause)
}
