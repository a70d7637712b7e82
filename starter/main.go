// Command ferry starts, follows and steers migrations, checks migration files,
// and shows all of it on one machine with `ferry demo`.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/f0a90b9a/ferry/internal/cli"
	"github.com/f0a90b9a/ferry/internal/devstack"
)

func main() {
	devstack.RunChild() // the demo's S3 server is this program again
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the second Ctrl-C ends the program at once
	code := cli.Run(ctx, os.Args[1:], cli.OSStreams())
	stop()
	os.Exit(code)
}
