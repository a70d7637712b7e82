package objectstore

import (
	"context"
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// List gives the objects under a prefix in the order of their keys, page by
// page as they are asked for. The sequence ends after its first error.
func (s *Store) List(ctx context.Context, bucket, prefix string) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		for page, err := range s.pages(ctx, bucket, prefix, "") {
			if err != nil {
				yield(Object{}, err)
				return
			}
			for _, o := range page.Contents {
				found := Object{
					Location:     Location{Bucket: bucket, Key: aws.ToString(o.Key)},
					ETag:         aws.ToString(o.ETag),
					Size:         aws.ToInt64(o.Size),
					LastModified: aws.ToTime(o.LastModified),
				}
				if !yield(found, nil) {
					return
				}
			}
		}
	}
}

// ListPrefixes gives the "folders" directly under a prefix that ends in a
// slash, in order, each with its own slash at the end: under "migrations/"
// first "migrations/a/", then "migrations/b/". The sequence ends after its
// first error.
func (s *Store) ListPrefixes(ctx context.Context, bucket, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for page, err := range s.pages(ctx, bucket, prefix, "/") {
			if err != nil {
				yield("", err)
				return
			}
			for _, p := range page.CommonPrefixes {
				if !yield(aws.ToString(p.Prefix), nil) {
					return
				}
			}
		}
	}
}

func (s *Store) pages(ctx context.Context, bucket, prefix, delimiter string) iter.Seq2[*s3.ListObjectsV2Output, error] {
	in := &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: &prefix}
	if delimiter != "" {
		in.Delimiter = &delimiter
	}
	return func(yield func(*s3.ListObjectsV2Output, error) bool) {
		pager := s3.NewListObjectsV2Paginator(s.client, in)
		for pager.HasMorePages() {
			page, err := pager.NextPage(ctx)
			if err != nil {
				yield(nil, s.translate(ctx, "list", Location{Bucket: bucket, Key: prefix}, err))
				return
			}
			if !yield(page, nil) {
				return
			}
		}
	}
}
