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
	out, err := s.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &loc.Bucket, Key: &loc.Key})
	if err != nil {
		if statusOf(err) == http.StatusNotFound {
			return Object{}, s.missing(ctx, loc, err)
		}
		return Object{}, s.translate(ctx, "look at", loc, err)
	}
	return Object{
		Location:     loc,
		ETag:         aws.ToString(out.ETag),
		Size:         aws.ToInt64(out.ContentLength),
		LastModified: aws.ToTime(out.LastModified),
	}, nil
}

// missing tells a missing bucket from a missing key: a HEAD has no body that
// could.
func (s *Store) missing(ctx context.Context, loc Location, cause error) error {
	_, err := s.client.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &loc.Bucket})
	if statusOf(err) == http.StatusNotFound {
		return final(fault.CodeFileNotFound, "look at %s: %s", loc, s.noBucket(loc))
	}
	return s.translate(ctx, "look at", loc, cause)
}
