package objectstore

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/f0a90b9a/ferry/internal/fault"
)

// errCredentials marks that no credentials could be had at all, which the SDK
// tells in as many ways as it has sources of them.
var errCredentials = errors.New("no credentials for the object store")

// namedCredentials makes a failure to get credentials recognisable.
type namedCredentials struct{ next aws.CredentialsProvider }

// Retrieve asks the wrapped provider.
func (c *namedCredentials) Retrieve(ctx context.Context) (aws.Credentials, error) {
	creds, err := c.next.Retrieve(ctx)
	if err != nil {
		return creds, fmt.Errorf("%w: %w", errCredentials, err)
	}
	return creds, nil
}

// translate turns an error of the SDK into one that callers can decide on. op
// is a verb ("read"), loc what it was about.
func (s *Store) translate(ctx context.Context, op string, loc Location, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%s %s: %w", op, loc, ctx.Err())
	}
	if f, ok := fault.As(err); ok {
		return f
	}
	kind, code, what := s.judge(loc, err)
	return &fault.Fault{
		Kind:       kind,
		Code:       code,
		Message:    fmt.Sprintf("%s %s: %s", op, loc, what),
		HTTPStatus: statusOf(err),
		Cause:      err,
	}
}

// judge gives kind, code and an explanation for an error of the SDK.
func (s *Store) judge(loc Location, err error) (kind fault.Kind, code, what string) {
	if errors.Is(err, errCredentials) {
		return fault.Retryable, fault.CodeStoreFault,
			"no credentials: set s3.access_key_id and s3.secret_access_key, the AWS_* environment variables, or an IAM role"
	}
	api := apiCodeOf(err)
	switch {
	case api == "NoSuchBucket":
		return fault.Final, fault.CodeFileNotFound, s.noBucket(loc)
	case api == "NoSuchUpload":
		return fault.Retryable, fault.CodeStoreFault, "the store lost the upload; it must be started again"
	case slices.Contains(busyCodes, api):
		return fault.Retryable, fault.CodeStoreFault, "the store is busy (" + api + ")"
	case regionNamedIn(err) != "", statusOf(err)/100 == 3:
		return fault.Final, fault.CodeStoreFault, s.elsewhere(loc, err)
	}
	if code, what := explainRefusal(err); what != "" {
		return fault.Final, code, what
	}
	return s.judgeStatus(loc, api, err)
}

// judgeStatus is for answers whose HTTP status says it all.
func (s *Store) judgeStatus(loc Location, api string, err error) (kind fault.Kind, code, what string) {
	status := statusOf(err)
	switch {
	case status == 0:
		return fault.Retryable, fault.CodeStoreFault, "no answer from the store: " + networkCause(err)
	case status == http.StatusNotFound:
		return fault.Final, fault.CodeFileNotFound,
			fmt.Sprintf("there is no such object; look with: aws s3 ls s3://%s/%s%s", loc.Bucket, parent(loc.Key), s.endpointFlag())
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return fault.Final, fault.CodeFileUnreadable, denied(err)
	case status == http.StatusPreconditionFailed:
		return fault.Final, fault.CodeFileChanged, "the object was replaced since it was first looked at"
	case status == http.StatusRequestedRangeNotSatisfiable:
		return fault.Final, fault.CodeFileChanged, "the object is shorter than expected"
	case status >= http.StatusInternalServerError, status == http.StatusTooManyRequests, status == http.StatusRequestTimeout:
		return fault.Retryable, fault.CodeStoreFault, fmt.Sprintf("the store answered with HTTP %d %s", status, api)
	}
	return fault.Final, fault.CodeStoreFault, fmt.Sprintf("the store refused the call with HTTP %d %s", status, api)
}

func statusOf(err error) int {
	var response *smithyhttp.ResponseError
	if errors.As(err, &response) && response.Response != nil {
		return response.HTTPStatusCode()
	}
	return 0
}

func apiCodeOf(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode()
	}
	return ""
}

// networkCause is the part of an SDK error that an operator can act on.
func networkCause(err error) string {
	if request, ok := errors.AsType[*url.Error](err); ok {
		return request.Err.Error()
	}
	return err.Error()
}

func (s *Store) noBucket(loc Location) string {
	return fmt.Sprintf("there is no bucket %s; check its name and s3.endpoint with: aws s3 ls%s", loc.Bucket, s.endpointFlag())
}

func (s *Store) endpointFlag() string {
	if s.endpoint == "" {
		return ""
	}
	return " --endpoint-url " + s.endpoint
}

// parent is the key's folder with its slash, or nothing.
func parent(key string) string {
	if dir := path.Dir(key); dir != "." {
		return dir + "/"
	}
	return ""
}

// final makes a fault of our own that no retry can mend.
func final(code, format string, args ...any) error {
	return &fault.Fault{Kind: fault.Final, Code: code, Message: fmt.Sprintf(format, args...)}
}
