package objectstore

import (
	"context"
	"errors"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/f0a90b9a/ferry/internal/fault"
)

// probeKey is written once in the life of a work bucket.
const probeKey = "probe/if-none-match"

var probeContent = []byte("Ferry writes this once, to see that the store refuses to write it twice.\n")

// CheckConditionalPut proves that the work bucket's store honours
// If-None-Match, on which claims rest: after one write of the probe object a
// second must be refused. If it isn't, the error is a final fault STORE_UNFIT.
// It may run at the same time anywhere.
func (s *Store) CheckConditionalPut(ctx context.Context) error {
	if s.workBucket == "" {
		return errors.New("object store: no work bucket is configured; set s3.work_bucket")
	}
	created, err := s.PutIfAbsent(ctx, s.Work(probeKey), probeContent, "text/plain")
	if err != nil || !created {
		return err
	}
	created, err = s.PutIfAbsent(ctx, s.Work(probeKey), probeContent, "text/plain")
	if err == nil && created {
		return s.unfit(s.workBucket)
	}
	return err
}

func (s *Store) unfit(bucket string) error {
	return final(fault.CodeStoreUnfit,
		"the store of bucket %s does not honour If-None-Match, without which two runs could take the same file; "+
			"use AWS S3 or a store with conditional writes as s3.work_bucket", bucket)
}

// EnsureBucket makes a bucket unless we have it already. It is for the demo
// and for tests; a real bucket is made by who owns its rules.
func (s *Store) EnsureBucket(ctx context.Context, bucket string) error {
	in := &s3.CreateBucketInput{Bucket: &bucket}
	if region := s.client.Options().Region; s.endpoint == "" && region != defaultRegion {
		in.CreateBucketConfiguration = &types.CreateBucketConfiguration{
			LocationConstraint: types.BucketLocationConstraint(region),
		}
	}
	_, err := s.client.CreateBucket(ctx, in)
	if statusOf(err) == http.StatusConflict && apiCodeOf(err) == "BucketAlreadyOwnedByYou" {
		return nil
	}
	return s.translate(ctx, "make bucket", Location{Bucket: bucket}, err)
}
