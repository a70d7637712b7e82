package chaos

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/f0a90b9a/ferry/config"
	"github.com/f0a90b9a/ferry/internal/ferryworker"
)

// workerVariable makes this program a worker, in a process of its own that can
// be killed. Names that begin so are no configuration.
const workerVariable = "FERRY_CHILD_WORKER"

// unable is the exit code of a worker that could not run, such as without
// Temporal; anything else but 0 is a crash.
const unable = 6

// RunChild must be called first in every program that makes a Stack: if this
// process was started to be a worker it works and exits, else RunChild returns
// at once.
func RunChild() {
	if os.Getenv(workerVariable) == "" {
		return
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // ends with the parent
		os.Exit(unable)
	}()
	if err := work(); err != nil {
		fmt.Fprintln(os.Stderr, "worker:", err)
		os.Exit(unable)
	}
	os.Exit(0)
}

func work() error {
	signal.Ignore(syscall.SIGINT) // Ctrl-C is the parent's affair
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	c, err := config.Load(config.Options{})
	if err != nil {
		return err
	}
	return ferryworker.Run(ctx, c, nil, c.Log.Logger(os.Stderr))
}
