package objectstore

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/devstack"
	"github.com/f0a90b9a/ferry/internal/fault"
)

func TestAnswersBecomeFaults(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status int
		api    string
		code   string
		kind   fault.Kind
		says   string
	}{
		{404, "NoSuchKey", fault.CodeFileNotFound, fault.Final, "aws s3 ls s3://partner/input/ --endpoint-url http://"},
		{404, "NoSuchBucket", fault.CodeFileNotFound, fault.Final, "there is no bucket partner"},
		{404, "NoSuchUpload", fault.CodeStoreFault, fault.Retryable, "lost the upload"},
		{403, "AccessDenied", fault.CodeFileUnreadable, fault.Final, "s3:GetObject"},
		{401, "", fault.CodeFileUnreadable, fault.Final, "denies access"},
		{403, "InvalidAccessKeyId", fault.CodeFileUnreadable, fault.Final, "refuses the credentials (InvalidAccessKeyId)"},
		{403, "SignatureDoesNotMatch", fault.CodeFileUnreadable, fault.Final, "s3.secret_access_key"},
		{400, "ExpiredToken", fault.CodeFileUnreadable, fault.Final, "ExpiredToken"},
		{403, "RequestTimeTooSkewed", fault.CodeFileUnreadable, fault.Final, "clock"},
		{403, "InvalidObjectState", fault.CodeFileUnreadable, fault.Final, "archived"},
		{412, "PreconditionFailed", fault.CodeFileChanged, fault.Final, "was replaced"},
		{416, "InvalidRange", fault.CodeFileChanged, fault.Final, "shorter"},
		{301, "PermanentRedirect", fault.CodeStoreFault, fault.Final, "another region"},
		{400, "RequestTimeout", fault.CodeStoreFault, fault.Retryable, "busy"},
		{503, "SlowDown", fault.CodeStoreFault, fault.Retryable, "busy"},
		{500, "InternalError", fault.CodeStoreFault, fault.Retryable, "busy"},
		{502, "", fault.CodeStoreFault, fault.Retryable, "HTTP 502"},
		{429, "TooManyRequests", fault.CodeStoreFault, fault.Retryable, "HTTP 429"},
		{400, "InvalidArgument", fault.CodeStoreFault, fault.Final, "refused the call with HTTP 400 InvalidArgument"},
	} {
		t.Run(fmt.Sprint(c.status, c.api), func(t *testing.T) {
			t.Parallel()
			s := fakeStore(t, answer(c.status, c.api))
			_, _, err := s.Read(t.Context(), Location{"partner", "input/acme.json"}, 100)
			f := requireFault(t, err, c.code, c.kind)
			require.ErrorContains(t, err, "read s3://partner/input/acme.json: ")
			require.ErrorContains(t, err, c.says)
			require.Equal(t, c.status, f.HTTPStatus)
		})
	}
}

// answer is a refusal in the protocol's form, or a proxy's page without a code.
func answer(status int, api string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if api == "" {
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(status)
			_, _ = w.Write([]byte("<html><body>gateway</body></html>"))
			return
		}
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, `<?xml version="1.0"?><Error><Code>%s</Code><Message>m</Message></Error>`, api)
	}
}

func TestNoAnswerIsARetryableFault(t *testing.T) {
	t.Parallel()
	port, err := devstack.FreePort()
	require.NoError(t, err)
	s := newStore(t, Options{
		Endpoint: fmt.Sprintf("http://127.0.0.1:%d", port), PathStyle: true,
		AccessKeyID: "id", SecretAccessKey: "secret", attempts: 1,
	})
	_, err = s.Head(t.Context(), Location{"partner", "k"})
	requireFault(t, err, fault.CodeStoreFault, fault.Retryable)
	require.ErrorContains(t, err, "look at s3://partner/k: no answer from the store: dial tcp")
}

func TestTheEndOfTheContextIsNoFault(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	s := fakeStore(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	_, err := s.Head(ctx, s.Work("k"))
	require.ErrorIs(t, err, context.Canceled)
	_, isFault := fault.As(err)
	require.False(t, isFault)
}

func TestHeadSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	s := setup(t)

	_, err := s.Head(t.Context(), s.Work("input/acme.json"))
	requireFault(t, err, fault.CodeFileNotFound, fault.Final)
	require.ErrorContains(t, err, "there is no such object; look with: aws s3 ls s3://"+s.WorkBucket()+"/input/ --endpoint-url "+server.Endpoint)

	_, err = s.Head(t.Context(), Location{"not-there", "acme.json"})
	requireFault(t, err, fault.CodeFileNotFound, fault.Final)
	require.ErrorContains(t, err, "there is no bucket not-there")
}

func TestWrongCredentialsAreNamedWithoutBeingShown(t *testing.T) {
	t.Parallel()
	o := optionsOf(t, server)
	o.SecretAccessKey = "very-wrong-secret"
	s := newStore(t, o)

	_, _, err := s.Read(t.Context(), s.Work("k"), 10)

	f := requireFault(t, err, fault.CodeFileUnreadable, fault.Final)
	require.NotContains(t, f.Error(), "very-wrong-secret")
	_, err = s.Head(t.Context(), s.Work("k"))
	requireFault(t, err, fault.CodeFileUnreadable, fault.Final)
}

// Not parallel: it changes the environment.
func TestMissingCredentialsNameTheRemedy(t *testing.T) {
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("HOME", t.TempDir())
	t.Setenv("AWS_CONFIG_FILE", "/dev/null")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
	s := newStore(t, Options{Endpoint: server.Endpoint, PathStyle: true, attempts: 1})
	_, err := s.Head(t.Context(), Location{"partner", "k"})
	requireFault(t, err, fault.CodeStoreFault, fault.Retryable)
	require.ErrorContains(t, err, "no credentials: set s3.access_key_id")
}

func TestNewRefusesBadOptions(t *testing.T) {
	t.Parallel()
	_, err := New(t.Context(), Options{Endpoint: "minio:9000", AccessKeyID: "id", WorkBucket: "No_Bucket"})
	require.ErrorContains(t, err, `endpoint "minio:9000"`)
	require.ErrorContains(t, err, "go together")
	require.ErrorContains(t, err, `work bucket "No_Bucket"`)
	_, err = New(t.Context(), Options{CAFile: "/does/not/exist"})
	require.ErrorContains(t, err, "certificate authorities")
}
