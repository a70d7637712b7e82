package resale

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/resale/resaleapi"
)

// The target's responseCodes of success.
const (
	codeOK           = "OK"
	codeClientAction = "CLIENT_ACTION_REQUIRED"
)

// limitReached finds the only sign by which the target tells the customer's
// limit from any other BAD_REQUEST.
var limitReached = regexp.MustCompile(`(?i)maximum number of (\w+ )?(subscriptions?|entitlements?)\b`)

// codeShape is what a responseCode may look like before it is shown or kept.
var codeShape = regexp.MustCompile(`^[A-Z][A-Z0-9_]{1,63}$`)

// judge gives nil for a success and the fault for everything else. The
// responseCode decides where there is one; the HTTP status where there is none.
// doubtful says that the answer alone doesn't tell whether this call is turned
// away or every one: see attribute.
func (c *Client) judge(k call, got answer) (f *fault.Fault, doubtful bool) {
	var e resaleapi.Envelope
	if json.Unmarshal(got.body, &e) != nil || !codeShape.MatchString(e.ResponseCode) {
		return k.foreign(got)
	}
	success := isSuccess(e.ResponseCode)
	switch {
	case success && got.ok():
		return nil, false
	case success:
		return k.unexpected(got, fmt.Sprintf("%s with status %d", e.ResponseCode, got.status)), false
	}
	return c.refused(k, got, &e)
}

func isSuccess(code string) bool { return code == codeOK || code == codeClientAction }

// ok reports whether the status is one of success. The API knows 200 and 202;
// what stands before it may make a 201 or 204 of them.
func (a answer) ok() bool { return a.status >= 200 && a.status < 300 }

// refused is the fault of an answer of the API that is no success.
func (c *Client) refused(k call, got answer, e *resaleapi.Envelope) (f *fault.Fault, doubtful bool) {
	f = k.fault(got)
	f.Kind, f.Code = kindOf(e.ResponseCode, got.status), e.ResponseCode
	// A server's own trouble may come before the write or after it.
	f.Unclear = k.write && (got.status >= http.StatusInternalServerError || serversFault(f.Code))
	k.say(f, fmt.Sprintf("status %d", got.status))
	if said := c.said(k, e.ResponseMessage); said != "" {
		f.Message += ": " + said
	}
	switch {
	case f.Kind == fault.Unauthorized && f.Code != fault.CodeUnauthorized && got.status == http.StatusForbidden:
		return f, true
	case f.Kind == fault.Unauthorized:
		f.Code = fault.CodeUnauthorized
	case f.Code == fault.CodeBadRequest && limitReached.MatchString(e.ResponseMessage):
		f.Code = fault.CodeCustomerLimit
	case f.Code == fault.CodeTooManyRequests:
		f.Unclear = false
	case f.Code == fault.CodeAlreadyExists && e.Parameters != nil:
		f.EntitlementID = text(e.Parameters.EntitlementID)
	}
	return f, false
}

func kindOf(code string, status int) fault.Kind {
	switch code {
	case fault.CodeTooManyRequests, fault.CodeInternalError, fault.CodeServiceUnavailable:
		return fault.Retryable
	case fault.CodeUnauthorized:
		return fault.Unauthorized
	case fault.CodeBadRequest, fault.CodeNotFound, fault.CodeNotAvailable,
		fault.CodeAlreadyExists, fault.CodeConflict:
		return fault.Final
	}
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return fault.Unauthorized
	case status == http.StatusTooManyRequests || status >= http.StatusInternalServerError:
		return fault.Retryable
	default:
		return fault.Final
	}
}

func serversFault(code string) bool {
	return code == fault.CodeInternalError || code == fault.CodeServiceUnavailable
}

// foreign is the fault of an answer that isn't the API's: a proxy's or a
// gateway's page, or half an answer. Its text is never shown.
func (k call) foreign(got answer) (f *fault.Fault, doubtful bool) {
	f = k.fault(got)
	f.Kind, f.Code = fault.Retryable, fault.CodeGateway
	k.say(f, fmt.Sprintf("status %d and not an answer of the API", got.status))
	switch got.status {
	case http.StatusUnauthorized:
		f.Kind, f.Code = fault.Unauthorized, fault.CodeUnauthorized
	case http.StatusTooManyRequests:
		f.Code = fault.CodeTooManyRequests
	case http.StatusRequestTimeout, http.StatusTooEarly:
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusMisdirectedRequest:
		// A gateway that doesn't know its backend may learn of it soon.
		return f, true
	default:
		return k.foreignByClass(got, f)
	}
	return f, false
}

func (k call) foreignByClass(got answer, f *fault.Fault) (_ *fault.Fault, doubtful bool) {
	switch {
	case got.ok() && strings.HasPrefix(got.header.Get("Content-Type"), "application/json"):
		f.Code, f.Unclear = fault.CodeUnexpected, k.write
		return f, false
	case got.ok():
		f.Unclear = k.write
		return f, true
	case got.status >= 300 && got.status < 400:
		f.Kind = fault.Unauthorized
		// A web application's answer to a form that it has taken, perhaps.
		f.Unclear = k.write && (got.status == http.StatusFound || got.status == http.StatusSeeOther)
		k.say(f, fmt.Sprintf("status %d redirects to %s, which is never followed", got.status, redirectedTo(got)))
		return f, true
	case got.status >= 400 && got.status < 500:
		f.Kind = fault.Unauthorized
		return f, true
	default:
		f.Unclear = k.write
		return f, false
	}
}

// unexpected is the fault of a success that can't be one.
func (k call) unexpected(got answer, why string) *fault.Fault {
	f := k.fault(got)
	f.Kind, f.Code, f.Unclear = fault.Retryable, fault.CodeUnexpected, k.write
	k.say(f, "the answer makes no sense: "+why)
	return f
}

func (k call) fault(got answer) *fault.Fault {
	return &fault.Fault{HTTPStatus: got.status, RetryAfter: retryAfter(got.header)}
}

// say gives a fault its message, which is Ferry's own so far.
func (k call) say(f *fault.Fault, words string) {
	f.Message = k.name + ": " + words
	f.OwnWords = len(f.Message)
}
