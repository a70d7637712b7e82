package objectstore

import (
	"bytes"
	"context"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/f0a90b9a/ferry/internal/fault"
)

// PutIfMatch replaces an object that is still the one with this ETag. Replaced
// is false if it isn't, or is gone; what is there may be this very write, whose
// answer was lost, so a caller to whom it matters reads and compares. A store
// that doesn't know the condition, or passes over it, is a fault STORE_UNFIT.
func (s *Store) PutIfMatch(ctx context.Context, loc Location, etag string, body []byte, contentType string) (replaced bool, err error) {
	if err := s.checkIfMatch(ctx); err != nil {
		return false, err
	}
	return s.putIfMatch(ctx, loc, etag, body, contentType)
}

func (s *Store) putIfMatch(ctx context.Context, loc Location, etag string, body []byte, contentType string) (replaced bool, err error) {
	for try := range conflictTries {
		if try > 0 {
			if err := s.pause(ctx, try-1); err != nil {
				return false, s.translate(ctx, "write", loc, err)
			}
		}
		_, err = s.client.PutObject(ctx, &s3.PutObjectInput{
			Bucket: &loc.Bucket, Key: &loc.Key, IfMatch: &etag,
			Body: bytes.NewReader(body), ContentType: &contentType,
		})
		switch status := statusOf(err); {
		case err == nil:
			return true, nil
		case status == http.StatusPreconditionFailed, apiCodeOf(err) == "NoSuchKey":
			return false, nil
		case status == http.StatusNotImplemented:
			return false, unfitToReplace(loc.Bucket)
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

// noETag is that of no object.
const noETag = `"00000000000000000000000000000000"`

// checkIfMatch proves once that the work bucket's store honours If-Match: a
// write over an object that nobody has may not succeed.
func (s *Store) checkIfMatch(ctx context.Context) error {
	if s.ifMatch.Load() {
		return nil
	}
	replaced, err := s.putIfMatch(ctx, s.Work(probeKey), noETag, probeContent, "text/plain")
	if err == nil && replaced {
		err = unfitToReplace(s.workBucket)
	}
	s.ifMatch.Store(err == nil)
	return err
}

func unfitToReplace(bucket string) error {
	return final(fault.CodeStoreUnfit,
		"the store of bucket %s does not honour If-Match, without which two runs could take over the same name; "+
			"upload the file under a new name, and start it under a new id", bucket)
}
