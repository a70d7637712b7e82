package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/f0a90b9a/ferry/internal/sandbox"
)

const (
	headerTimeout = 10 * time.Second
	// drain bounds the wait for calls in flight at the end.
	drain = 10 * time.Second
)

// serve answers calls until ctx ends, and then lets those in flight finish.
// The line that names the address is written when calls are taken.
func serve(ctx context.Context, listen string, options sandbox.Options, out io.Writer) (err error) {
	box, err := sandbox.New(options)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, box.Close()) }()
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", listen)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: box.Handler(), ReadHeaderTimeout: headerTimeout}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	if _, err := fmt.Fprintf(out, "sandbox listening on http://%s\n", listener.Addr()); err != nil {
		return errors.Join(err, server.Close())
	}
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	rest, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer cancel()
	if err := server.Shutdown(rest); err != nil {
		return errors.Join(fmt.Errorf("calls in flight were cut: %w", err), server.Close())
	}
	return nil
}
