package objectstore

import (
	"context"
	"errors"
	"io"
	"net/http"
	"regexp"
	"slices"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// regionalClient asks each bucket in its own region. The configured region is
// the work bucket's; a partner's may be elsewhere, which the store says when it
// is asked in the wrong one. Only calls about one bucket go through it.
type regionalClient struct {
	*s3.Client

	regions sync.Map // bucket → the region that the store named
}

// region is where a bucket is taken to be.
func (c *regionalClient) region(bucket string) string {
	if region, ok := c.regions.Load(bucket); ok {
		return region.(string)
	}
	return c.Options().Region
}

// askRegion makes a call in the bucket's region, and once more where the store
// says that the bucket is in another. A body must be one that can seek.
func askRegion[In, Out any](
	ctx context.Context, c *regionalClient, bucket *string, body io.Reader, in In,
	call func(context.Context, In, ...func(*s3.Options)) (Out, error), options []func(*s3.Options),
) (Out, error) {
	asked := c.region(aws.ToString(bucket))
	again := rewinder(body)
	out, err := call(ctx, in, inRegion(options, asked)...)
	named := regionNamedIn(err)
	if named == "" || named == asked || again() != nil {
		return out, err
	}
	c.regions.Store(aws.ToString(bucket), named)
	return call(ctx, in, inRegion(options, named)...)
}

func inRegion(options []func(*s3.Options), region string) []func(*s3.Options) {
	return append(slices.Clip(options), func(o *s3.Options) { o.Region = region })
}

// rewinder gives what puts a body back to where it stands now.
func rewinder(body io.Reader) func() error {
	if body == nil {
		return func() error { return nil }
	}
	seeker, ok := body.(io.Seeker)
	if !ok {
		return func() error { return errors.New("the body can't be sent again") }
	}
	at, err := seeker.Seek(0, io.SeekCurrent)
	return func() error {
		if err == nil {
			_, err = seeker.Seek(at, io.SeekStart)
		}
		return err
	}
}

var (
	regionName     = regexp.MustCompile(`^[a-z0-9-]{1,40}$`)
	expectedRegion = regexp.MustCompile(`expecting '([a-z0-9-]{1,40})'`)
)

// regionNamedIn is the bucket's region as a refusal tells it; empty if it
// doesn't.
func regionNamedIn(err error) string {
	if !isWrongRegion(err) {
		return ""
	}
	var response *smithyhttp.ResponseError
	if errors.As(err, &response) && response.Response != nil {
		if region := response.Response.Header.Get("X-Amz-Bucket-Region"); regionName.MatchString(region) {
			return region
		}
	}
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		if found := expectedRegion.FindStringSubmatch(api.ErrorMessage()); found != nil {
			return found[1]
		}
	}
	return ""
}

// isWrongRegion reports whether a refusal may be for the region that was asked.
// A HEAD's has no code.
func isWrongRegion(err error) bool {
	switch apiCodeOf(err) {
	case "PermanentRedirect", "TemporaryRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException":
		return true
	}
	status := statusOf(err)
	return status/100 == 3 || status == http.StatusBadRequest
}

// The calls that are about one bucket.

func (c *regionalClient) GetObject(ctx context.Context, in *s3.GetObjectInput, o ...func(*s3.Options)) (*s3.GetObjectOutput, error) {
	return askRegion(ctx, c, in.Bucket, nil, in, c.Client.GetObject, o)
}

func (c *regionalClient) HeadObject(ctx context.Context, in *s3.HeadObjectInput, o ...func(*s3.Options)) (*s3.HeadObjectOutput, error) {
	return askRegion(ctx, c, in.Bucket, nil, in, c.Client.HeadObject, o)
}

func (c *regionalClient) ListObjectsV2(ctx context.Context, in *s3.ListObjectsV2Input, o ...func(*s3.Options)) (*s3.ListObjectsV2Output, error) {
	return askRegion(ctx, c, in.Bucket, nil, in, c.Client.ListObjectsV2, o)
}

func (c *regionalClient) PutObject(ctx context.Context, in *s3.PutObjectInput, o ...func(*s3.Options)) (*s3.PutObjectOutput, error) {
	return askRegion(ctx, c, in.Bucket, in.Body, in, c.Client.PutObject, o)
}

func (c *regionalClient) CopyObject(ctx context.Context, in *s3.CopyObjectInput, o ...func(*s3.Options)) (*s3.CopyObjectOutput, error) {
	return askRegion(ctx, c, in.Bucket, nil, in, c.Client.CopyObject, o)
}

func (c *regionalClient) DeleteObject(ctx context.Context, in *s3.DeleteObjectInput, o ...func(*s3.Options)) (*s3.DeleteObjectOutput, error) {
	return askRegion(ctx, c, in.Bucket, nil, in, c.Client.DeleteObject, o)
}

func (c *regionalClient) CreateMultipartUpload(
	ctx context.Context, in *s3.CreateMultipartUploadInput, o ...func(*s3.Options),
) (*s3.CreateMultipartUploadOutput, error) {
	return askRegion(ctx, c, in.Bucket, nil, in, c.Client.CreateMultipartUpload, o)
}

func (c *regionalClient) UploadPart(ctx context.Context, in *s3.UploadPartInput, o ...func(*s3.Options)) (*s3.UploadPartOutput, error) {
	return askRegion(ctx, c, in.Bucket, in.Body, in, c.Client.UploadPart, o)
}

func (c *regionalClient) CompleteMultipartUpload(
	ctx context.Context, in *s3.CompleteMultipartUploadInput, o ...func(*s3.Options),
) (*s3.CompleteMultipartUploadOutput, error) {
	return askRegion(ctx, c, in.Bucket, nil, in, c.Client.CompleteMultipartUpload, o)
}

func (c *regionalClient) AbortMultipartUpload(
	ctx context.Context, in *s3.AbortMultipartUploadInput, o ...func(*s3.Options),
) (*s3.AbortMultipartUploadOutput, error) {
	return askRegion(ctx, c, in.Bucket, nil, in, c.Client.AbortMultipartUpload, o)
}
