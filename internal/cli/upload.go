package cli

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/f0a90b9a/ferry/config"
	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/objectstore"
)

// inputPrefix is where --upload puts files that are given no place.
const inputPrefix = migration.InputPrefix

// uploadPlace is where an uploaded file goes by itself.
func uploadPlace(c *config.Config, file string) (objectstore.Location, error) {
	if c.S3.WorkBucket == "" {
		return objectstore.Location{}, &problem{
			code: exitUnable, thing: "--upload",
			err:    errors.New("there is no work bucket to upload to"),
			remedy: "set s3.work_bucket, or name a place s3://BUCKET/KEY",
		}
	}
	place := objectstore.Location{Bucket: c.S3.WorkBucket, Key: inputPrefix + filepath.Base(file)}
	loc, err := objectstore.ParseURI(place.String())
	if err != nil {
		return loc, &problem{code: exitUsage, err: err}
	}
	return loc, nil
}

// provide makes sure that the source is there: it uploads it, or looks whether
// it exists where an object store is configured.
func (a *app) provide(ctx context.Context, n *connection, loc objectstore.Location, upload string) error {
	if upload != "" {
		return a.upload(ctx, n, loc, upload)
	}
	if n.store == nil {
		return nil // the worker will look
	}
	call, cancel := brief(ctx)
	defer cancel()
	_, err := n.store.Head(call, loc)
	if f, ok := fault.As(err); ok && f.Code == fault.CodeFileUnreadable {
		return nil // the worker's credentials may read what the user's can't
	}
	return err
}

// upload puts a local file into the bucket. One that is there already is left
// alone: the same content is fine, other content is not ours to replace.
func (a *app) upload(ctx context.Context, n *connection, loc objectstore.Location, file string) error {
	if n.store == nil {
		return &problem{
			code: exitUnable, thing: "--upload", err: errors.New("no object store is configured"),
			remedy: "set s3.endpoint or s3.work_bucket",
		}
	}
	f, err := os.Open(file)
	if err != nil {
		return fmt.Errorf("upload: %w", err)
	}
	defer f.Close()
	there, err := n.store.Head(ctx, loc)
	if err == nil {
		return sameContent(ctx, n.store, there, f)
	}
	if missing, ok := fault.As(err); !ok || missing.Code != fault.CodeFileNotFound {
		return err
	}
	object, err := n.store.Upload(ctx, loc, "application/json", f)
	if err != nil {
		return err
	}
	a.notef("Uploaded %s to %s.\n", file, object.Location)
	return nil
}

func sameContent(ctx context.Context, s store, there objectstore.Object, f *os.File) error {
	differs := &problem{
		code: exitUnable, thing: there.Location.String(),
		err:    errors.New("another file is there already"),
		remedy: "upload under a new name",
	}
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.Size() != there.Size {
		return differs
	}
	remote, err := s.Open(ctx, there.Location, there.ETag)
	if err != nil {
		return err
	}
	defer remote.Close()
	ours, err := digest(f)
	if err != nil {
		return fmt.Errorf("upload: %w", err)
	}
	theirs, err := digest(remote)
	if err != nil {
		return err
	}
	if !bytes.Equal(ours, theirs) {
		return differs
	}
	return nil
}

func digest(r io.Reader) ([]byte, error) {
	h := sha256.New()
	if _, err := io.Copy(h, r); err != nil {
		return nil, err
	}
	return h.Sum(nil), nil
}
