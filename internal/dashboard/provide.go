package dashboard

import (
	"context"
	"crypto/sha256"
	"io"

	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/objectstore"
)

// provide makes sure that the source is there.
func (s *Server) provide(ctx context.Context, loc objectstore.Location, up *upload) error {
	there, err := s.store.Head(ctx, loc)
	switch f, is := fault.As(err); {
	case up != nil && err == nil:
		return s.same(ctx, there, up)
	case up != nil && missing(err):
		_, err = s.store.Upload(ctx, loc, "application/json", up.body)
		return err
	case up == nil && is && f.Code == fault.CodeFileUnreadable:
		return nil // the workers' credentials may read what the dashboard's can't
	}
	return err
}

// same leaves a file alone that is there already: the same content is fine,
// other content is not ours to replace.
func (s *Server) same(ctx context.Context, there objectstore.Object, up *upload) error {
	remote, err := s.store.Open(ctx, there.Location, there.ETag)
	if err != nil {
		return err
	}
	defer remote.Close()
	theirs, err := digest(remote)
	if err != nil {
		return err
	}
	ours, err := digest(up.body)
	if err != nil {
		return err
	}
	if ours != theirs {
		return inputf("another file of this name was uploaded before: give yours a new name")
	}
	return nil
}

func digest(r io.Reader) (sum [sha256.Size]byte, err error) {
	h := sha256.New()
	if _, err = io.Copy(h, r); err != nil {
		return sum, err
	}
	return [sha256.Size]byte(h.Sum(nil)), nil
}
