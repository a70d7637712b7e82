package objectstore

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/f0a90b9a/ferry/internal/fault"
)

// conflictTries is how often a conditional write is repeated while the store
// says that another one is under way.
const conflictTries = 8

// Put writes an object, replacing what was there.
func (s *Store) Put(ctx context.Context, loc Location, body []byte, contentType string) error {
	_, err := s.client.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &loc.Bucket, Key: &loc.Key,
		Body: bytes.NewReader(body), ContentType: &contentType,
	})
	return s.translate(ctx, "write", loc, err)
}

// PutIfAbsent writes an object unless there is one. Created is false if there
// is; that one may be this very write, whose answer was lost and which was
// then repeated, so a caller to whom it matters reads and compares. A store
// that does not know the condition is a fault STORE_UNFIT.
func (s *Store) PutIfAbsent(ctx context.Context, loc Location, body []byte, contentType string) (created bool, err error) {
	for try := range conflictTries {
		if try > 0 {
			if err := s.pause(ctx, try-1); err != nil {
				return false, s.translate(ctx, "write", loc, err)
			}
		}
		_, err = s.client.PutObject(ctx, &s3.PutObjectInput{
			Bucket: &loc.Bucket, Key: &loc.Key, IfNoneMatch: aws.String("*"),
			Body: bytes.NewReader(body), ContentType: &contentType,
		})
		switch status := statusOf(err); {
		case err == nil:
			return true, nil
		case status == http.StatusPreconditionFailed:
			return false, nil
		case status == http.StatusNotImplemented:
			return false, s.unfit(loc.Bucket)
		case status != http.StatusConflict:
			return false, s.translate(ctx, "write", loc, err)
		}
	}
	return false, &fault.Fault{
		Kind: fault.Retryable, Code: fault.CodeStoreFault, HTTPStatus: http.StatusConflict,
		Message: "write " + loc.String() + ": other writers of the same object are in the way",
		Cause:   err,
	}
}

// Copy copies an object of at most 5 GiB inside the store.
func (s *Store) Copy(ctx context.Context, from, to Location) error {
	source := (&url.URL{Path: from.Bucket + "/" + from.Key}).EscapedPath()
	source = strings.ReplaceAll(source, "+", "%2B") // some stores decode it as a space
	_, err := s.client.CopyObject(ctx, &s3.CopyObjectInput{Bucket: &to.Bucket, Key: &to.Key, CopySource: &source})
	return s.translate(ctx, "copy to "+to.String()+" from", from, err)
}

// Delete removes an object; that there is none is no error.
func (s *Store) Delete(ctx context.Context, loc Location) error {
	_, err := s.Remove(ctx, loc)
	return err
}

// Remove is Delete that tells what became of the content: in a bucket with
// versions the object is hidden, and its content is kept until a lifecycle
// rule or somebody with s3:DeleteObjectVersion takes it away.
func (s *Store) Remove(ctx context.Context, loc Location) (kept bool, err error) {
	out, err := s.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &loc.Bucket, Key: &loc.Key})
	if apiCodeOf(err) == "NoSuchKey" {
		return false, nil
	}
	if err != nil {
		return false, s.translate(ctx, "delete", loc, err)
	}
	return aws.ToBool(out.DeleteMarker) || aws.ToString(out.VersionId) != "", nil
}
