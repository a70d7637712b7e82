package objectstore

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/internal/fault"
)

// A HEAD has no body that could say why it is refused; the same question asked
// by GET has one.
func TestARefusedHeadSaysWhy(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status int
		api    string
		code   string
		kind   fault.Kind
		says   string
	}{
		{403, "SignatureDoesNotMatch", fault.CodeFileUnreadable, fault.Final, "s3.secret_access_key does not belong to s3.access_key_id"},
		{403, "InvalidAccessKeyId", fault.CodeFileUnreadable, fault.Final, "deleted or disabled"},
		{403, "RequestTimeTooSkewed", fault.CodeFileUnreadable, fault.Final, "clock"},
		{400, "ExpiredToken", fault.CodeFileUnreadable, fault.Final, "has expired"},
		{400, "InvalidToken", fault.CodeFileUnreadable, fault.Final, "session token"},
		{403, "AccountProblem", fault.CodeFileUnreadable, fault.Final, "account"},
		{403, "AllAccessDisabled", fault.CodeFileUnreadable, fault.Final, "disabled"},
		{403, "InvalidObjectState", fault.CodeFileUnreadable, fault.Final, "archived"},
		{400, "KMS.DisabledException", fault.CodeFileUnreadable, fault.Final, "key that encrypts"},
		{400, "KMS.NotFoundException", fault.CodeFileUnreadable, fault.Final, "key that encrypts"},
		{403, "AccessDenied", fault.CodeFileUnreadable, fault.Final, "s3:GetObject"},
		{404, "NoSuchBucket", fault.CodeFileNotFound, fault.Final, "there is no bucket partner"},
		{404, "NoSuchKey", fault.CodeFileNotFound, fault.Final, "there is no such object"},
		{400, "KeyTooLongError", fault.CodeBadInput, fault.Final, "longer than the store takes"},
		{400, "InvalidRequest", fault.CodeStoreFault, fault.Final, "HTTP 400 InvalidRequest"},
		{403, "", fault.CodeFileUnreadable, fault.Final, "denies access"},
	} {
		t.Run(fmt.Sprint(c.status, c.api), func(t *testing.T) {
			t.Parallel()
			s := fakeStore(t, answer(c.status, c.api))
			_, err := s.Head(t.Context(), Location{"partner", "input/acme.json"})
			requireFault(t, err, c.code, c.kind)
			require.ErrorContains(t, err, "look at s3://partner/input/acme.json: ")
			require.ErrorContains(t, err, c.says)
		})
	}
}

func TestARefusedHeadReadsOneByte(t *testing.T) {
	t.Parallel()
	var ranged atomic.Value
	s := fakeStore(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			ranged.Store(r.Header.Get("Range"))
			w.Header().Set("Content-Range", "bytes 0-0/4")
			w.WriteHeader(http.StatusPartialContent)
			_, _ = w.Write([]byte("d"))
			return
		}
		w.WriteHeader(http.StatusForbidden)
	})
	_, err := s.Head(t.Context(), Location{"partner", "input/acme.json"})
	requireFault(t, err, fault.CodeFileUnreadable, fault.Final)
	require.ErrorContains(t, err, "refuses HEAD with HTTP 403 though it lets the object be read")
	require.Equal(t, "bytes=0-0", ranged.Load())
}

// What may be wrong with a policy is in the message alone.
func TestADenialNamesTheRightThatIsMissing(t *testing.T) {
	t.Parallel()
	for message, says := range map[string]string{
		"User: arn:aws:iam::1:user/u is not authorized to perform: kms:Decrypt on resource: arn:aws:kms:::key/k": "kms:Decrypt",
		"User: arn:aws:iam::1:user/u is not authorized to perform: s3:GetObjectTagging on resource":              "s3:GetObjectTagging",
	} {
		s := fakeStore(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/xml")
			w.WriteHeader(http.StatusForbidden)
			_, _ = fmt.Fprintf(w, `<Error><Code>AccessDenied</Code><Message>%s</Message></Error>`, message)
		})
		_, err := s.Head(t.Context(), Location{"partner", "input/acme.json"})
		requireFault(t, err, fault.CodeFileUnreadable, fault.Final)
		require.ErrorContains(t, err, "denies "+says)
		require.NotContains(t, err.Error(), "arn:")
	}
}

// The embedded server is real: a wrong secret is a wrong secret.
func TestAWrongSecretIsNotADenial(t *testing.T) {
	t.Parallel()
	o := optionsOf(t, server)
	o.SecretAccessKey = "very-wrong-secret"
	_, err := newStore(t, o).Head(t.Context(), Location{"any-bucket", "k"})
	requireFault(t, err, fault.CodeFileUnreadable, fault.Final)
	require.ErrorContains(t, err, "SignatureDoesNotMatch")
	o = optionsOf(t, server)
	o.AccessKeyID = "nobody"
	_, err = newStore(t, o).Head(t.Context(), Location{"any-bucket", "k"})
	requireFault(t, err, fault.CodeFileUnreadable, fault.Final)
	require.ErrorContains(t, err, "does not know the access key id")
}
