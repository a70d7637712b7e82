package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/f0a90b9a/ferry/internal/cli/view"
	"github.com/f0a90b9a/ferry/internal/ferryworker"
	"github.com/f0a90b9a/ferry/internal/objectstore"
)

// input is a file to be checked, of size bytes; -1 if nobody knows.
type input struct {
	io.ReadCloser
	size int64
}

// open opens a local file, an object, or stdin.
func (v validation) open(ctx context.Context, file string) (input, error) {
	switch {
	case file == "-":
		return openStdin(ctx, v.In), nil
	case strings.HasPrefix(file, "s3://"):
		return v.openObject(ctx, file)
	}
	info, err := os.Stat(file)
	if scheme, _, is := strings.Cut(file, "://"); is && err != nil {
		return input{}, &problem{
			code: exitUsage, thing: view.Plain(scheme) + "://…", err: errors.New("only s3://BUCKET/KEY, a local file or - for stdin can be read"),
			remedy: "download it first, or pipe it: curl -fsS ADDRESS | ferry validate -",
		}
	}
	switch {
	case err != nil:
		return input{}, unreadable(file, err)
	case info.IsDir():
		return input{}, fmt.Errorf("%s: is a folder, not a file", file)
	case !info.Mode().IsRegular(): // a pipe opens only once somebody writes
		return input{interruptible(ctx, func() (io.ReadCloser, error) { return os.Open(file) }), -1}, nil
	}
	f, err := os.Open(file)
	if err != nil {
		return input{}, unreadable(file, err)
	}
	return input{f, info.Size()}, nil
}

// unreadable leaves out which call it was that failed.
func unreadable(file string, err error) error {
	if call, is := errors.AsType[*fs.PathError](err); is {
		err = call.Err
	}
	return fmt.Errorf("%s: %w", file, err)
}

func openStdin(ctx context.Context, in io.Reader) input {
	stdin := io.NopCloser(in)
	if f, is := in.(fs.File); is {
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			return input{stdin, info.Size()}
		}
	}
	return input{interruptible(ctx, func() (io.ReadCloser, error) { return stdin, nil }), -1}
}

// interruptible reads what may keep its reader waiting for ever, so that the
// end of ctx ends the wait. What hangs then hangs on its own until the program
// ends.
func interruptible(ctx context.Context, open func() (io.ReadCloser, error)) io.ReadCloser {
	out, in := io.Pipe()
	go func() {
		r, err := open()
		if err == nil {
			defer r.Close()
			_, err = io.Copy(in, r)
		}
		_ = in.CloseWithError(err) // never fails
	}()
	context.AfterFunc(ctx, func() { _ = in.CloseWithError(ctx.Err()) })
	return out
}

func (v validation) openObject(ctx context.Context, uri string) (input, error) {
	loc, err := objectstore.ParseURI(uri)
	if err != nil {
		return input{}, err
	}
	store, err := objectstore.New(ctx, ferryworker.StoreOptions(v.config.S3))
	if err != nil {
		return input{}, err
	}
	object, err := store.Head(ctx, loc)
	if err != nil {
		return input{}, err
	}
	r, err := store.Open(ctx, loc, object.ETag) // another object in its place is an error
	if err != nil {
		return input{}, err
	}
	return input{r, object.Size}, nil
}
