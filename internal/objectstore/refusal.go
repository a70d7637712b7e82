package objectstore

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/f0a90b9a/ferry/internal/fault"
)

const (
	checkSecret  = "check s3.access_key_id, s3.secret_access_key (or where the AWS SDK takes them from), and s3.region"
	checkToken   = "get new temporary credentials, and restart what holds the old ones" //nolint:gosec // advice, no secret
	checkAccount = "ask the owner of the store's account"
	checkKMS     = "ask the owner of the bucket's encryption to enable it again"
)

// refusedCredentials are the protocol's codes, of AWS and of stores like it,
// that speak of who asks: what is wrong, and the remedy.
var refusedCredentials = map[string]string{
	"InvalidAccessKeyId":           "it does not know the access key id, or the key was deleted or disabled; " + checkSecret,
	"InvalidClientTokenId":         "it does not know the access key id, or the key was deleted or disabled; " + checkSecret,
	"XAdminUserNotFound":           "it does not know the access key id; " + checkSecret, // versitygw
	"AccessKeyDisabled":            "the access key was disabled; enable it, or set another; " + checkSecret,
	"SignatureDoesNotMatch":        "the secret in s3.secret_access_key does not belong to s3.access_key_id (or a proxy changes what is signed); " + checkSecret,
	"AuthorizationHeaderMalformed": "it can't read what was signed; " + checkSecret,
	"InvalidSecurity":              "it does not take them; " + checkSecret,
	"ExpiredToken":                 "the session token has expired; " + checkToken,
	"TokenRefreshRequired":         "the session token has to be refreshed; " + checkToken,
	"InvalidToken":                 "the session token is none that it gave, or goes with another key; " + checkToken,
	"RequestExpired":               "the call had expired when it came; check this machine's clock",
	"NotSignedUp":                  "the account has no such service; " + checkAccount,
	"AccountProblem":               "there is a problem with the account, such as a bill; " + checkAccount,
	"AllAccessDisabled":            "all access to it was disabled; " + checkAccount,
	"UserSuspended":                "the user was suspended; " + checkAccount,
	"InvalidPayer":                 "access to it was disabled for whoever pays; " + checkAccount,
}

// refusedObjects are codes that speak of the object.
var refusedObjects = map[string]string{
	"InvalidObjectState":           "the object is archived; restore it first (aws s3api restore-object), and start again when that is done",
	"KMS.DisabledException":        "the key that encrypts the object is disabled; " + checkKMS,
	"KMS.NotFoundException":        "the key that encrypts the object does not exist any more; " + checkKMS,
	"KMS.KMSInvalidStateException": "the key that encrypts the object is not usable, for instance about to be deleted; " + checkKMS,
	"KMS.InvalidStateException":    "the key that encrypts the object is not usable, for instance about to be deleted; " + checkKMS,
	"KMS.AccessDeniedException":    "it may not use the key that encrypts the object; the credentials need kms:Decrypt and, to write, kms:GenerateDataKey",
}

// busyCodes are refusals that pass.
var busyCodes = []string{
	"RequestTimeout", "SlowDown", "SlowDownRead", "SlowDownWrite", "InternalError", "ServiceUnavailable", "OperationAborted",
	"Throttling", "ThrottlingException", "RequestLimitExceeded", "BandwidthLimitExceeded", "KMS.ThrottlingException",
}

// explainRefusal puts a code of the protocol into words; what is empty if the
// code says no more than its HTTP status does.
func explainRefusal(err error) (code, what string) {
	api := apiCodeOf(err)
	if why, ok := refusedCredentials[api]; ok {
		return fault.CodeFileUnreadable, fmt.Sprintf("the store refuses the credentials (%s): %s", api, why)
	}
	if why, ok := refusedObjects[api]; ok {
		return fault.CodeFileUnreadable, why
	}
	switch api {
	case "RequestTimeTooSkewed":
		return fault.CodeFileUnreadable, "this machine's clock differs too much from the store's" + storeTime(err) + "; set it right"
	case "KeyTooLong", "KeyTooLongError":
		return fault.CodeBadInput, "the key, or a part of it between slashes, is longer than the store takes; use a shorter name"
	}
	return "", ""
}

// storeTime is the time that the store has, if its answer told it.
func storeTime(err error) string {
	var response *smithyhttp.ResponseError
	if !errors.As(err, &response) || response.Response == nil {
		return ""
	}
	at, parseErr := http.ParseTime(response.Response.Header.Get("Date"))
	if parseErr != nil {
		return ""
	}
	return ", where it is " + at.UTC().Format(time.RFC3339)
}

var missingRight = regexp.MustCompile(`not authorized to perform: ([a-z0-9]+:[A-Za-z]+)`)

// denied says what a denial is about. AWS names the right, in a text that also
// names whom it was denied, which is nobody's business.
func denied(err error) string {
	const usual = "the credentials need s3:GetObject, s3:PutObject and, to take things back or to purge, " +
		"s3:DeleteObject on the bucket's objects, and s3:ListBucket on the bucket (without the last, a missing object is denied too)"
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return "the store denies access; " + usual
	}
	found := missingRight.FindStringSubmatch(api.ErrorMessage())
	switch {
	case found == nil:
		return "the store denies access; " + usual
	case strings.Contains(api.ErrorMessage(), "explicit deny"):
		return "the store denies " + found[1] + ": a policy denies it explicitly; change that policy. Besides, " + usual
	}
	return "the store denies " + found[1] + ": no policy allows it; add it. Besides, " + usual
}

// elsewhere says that a bucket is in another region than it was asked in.
func (s *Store) elsewhere(loc Location, err error) string {
	if region := regionNamedIn(err); region != "" {
		return fmt.Sprintf("bucket %s is in region %s, and the store refuses it there too; s3.region (%s) is the work bucket's, and each other bucket is asked where it is: check s3.endpoint",
			loc.Bucket, region, s.region)
	}
	return fmt.Sprintf("bucket %s is in another region than %s, and the store does not say which; s3.region is the work bucket's: set it, or use a bucket in that region",
		loc.Bucket, s.region)
}
