package objectstore

import (
	"context"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/f0a90b9a/ferry/internal/fault"
)

// Object is what a store tells of an object without its content.
type Object struct {
	Location     Location
	ETag         string // as the store spells it, quotes included; empty after List of some stores
	Size         int64  // bytes
	LastModified time.Time
}

// Head looks at an object. If it is missing, the fault FILE_NOT_FOUND says
// whether the bucket or the key is.
func (s *Store) Head(ctx context.Context, loc Location) (Object, error) {
	o, err := s.headOnce(ctx, loc)
	if !hidesWhy(err) {
		return o, s.translate(ctx, "look at", loc, err)
	}
	if why := s.readByte(ctx, loc); why != nil {
		return Object{}, s.translate(ctx, "look at", loc, why)
	}
	// It may be asked in the right region by now, or have come meanwhile.
	o, err = s.headOnce(ctx, loc)
	if hidesWhy(err) {
		return Object{}, final(fault.CodeFileUnreadable,
			"look at %s: the store refuses HEAD with HTTP %d though it lets the object be read; allow HEAD too, where a proxy or a policy forbids it", loc, statusOf(err))
	}
	return o, s.translate(ctx, "look at", loc, err)
}

func (s *Store) headOnce(ctx context.Context, loc Location) (Object, error) {
	out, err := s.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &loc.Bucket, Key: &loc.Key})
	if err != nil {
		return Object{}, err
	}
	return Object{
		Location:     loc,
		ETag:         aws.ToString(out.ETag),
		Size:         aws.ToInt64(out.ContentLength),
		LastModified: aws.ToTime(out.LastModified),
	}, nil
}

// hidesWhy reports whether a HEAD was refused: its answer has no body that could
// say why.
func hidesWhy(err error) bool {
	status := statusOf(err)
	return err != nil && (status/100 == 3 || status/100 == 4) && status != http.StatusTooManyRequests && status != http.StatusRequestTimeout
}

// readByte asks for an object's first byte, for the code of a refusal. That an
// object has none is no refusal.
func (s *Store) readByte(ctx context.Context, loc Location) error {
	out, err := s.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &loc.Bucket, Key: &loc.Key, Range: aws.String("bytes=0-0")})
	if err == nil {
		_ = out.Body.Close()
	}
	if statusOf(err) == http.StatusRequestedRangeNotSatisfiable {
		return nil
	}
	return err
}
