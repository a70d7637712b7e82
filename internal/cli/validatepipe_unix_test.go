//go:build unix

package cli

import (
	"context"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/examples"
)

func pipe(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pipe")
	require.NoError(t, syscall.Mkfifo(path, 0o600))
	return path
}

func TestValidateReadsANamedPipe(t *testing.T) {
	t.Parallel()
	path := pipe(t)
	written := make(chan error, 1)
	go func() { written <- os.WriteFile(path, examples.Acme200, 0o600) }()
	requireEnd(t, setup(t).run("validate", path, "--route=acme-nova"), exitOK, "200 records, accepted", "")
	require.NoError(t, <-written)
}

// A pipe without a writer doesn't even open.
func TestValidateIsInterruptedBeforeAPipeOpens(t *testing.T) {
	t.Parallel()
	path := pipe(t)
	b := setup(t)
	ctx, interrupt := context.WithCancel(t.Context())
	interrupt()
	b.ctx = ctx
	requireEnd(t, b.run("validate", path), exitInterrupted, "", "")
}
