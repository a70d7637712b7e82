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
func (c *Client) judge(k call, got answer) *fault.Fault {
	var e resaleapi.Envelope
	if json.Unmarshal(got.body, &e) != nil || !codeShape.MatchString(e.ResponseCode) {
		return k.foreign(got)
	}
	success := e.ResponseCode == codeOK || e.ResponseCode == codeClientAction
	switch {
	case success && (got.status == http.StatusOK || got.status == http.StatusAccepted):
		return nil
	case success:
		return k.unexpected(got, fmt.Sprintf("%s with status %d", e.ResponseCode, got.status))
	}
	return c.refused(k, got, &e)
}

// refused is the fault of an answer of the API that is no success.
func (c *Client) refused(k call, got answer, e *resaleapi.Envelope) *fault.Fault {
	f := k.fault(got)
	f.Kind, f.Code = kindOf(e.ResponseCode, got.status), e.ResponseCode
	// A server's own trouble may come before the write or after it.
	f.Unclear = k.write && (got.status >= http.StatusInternalServerError || serversFault(f.Code))
	f.Message = fmt.Sprintf("%s: status %d", k.name, got.status)
	if said := c.said(k, e.ResponseMessage); said != "" {
		f.Message += ": " + said
	}
	switch {
	case f.Kind == fault.Unauthorized:
		f.Code = fault.CodeUnauthorized
	case f.Code == fault.CodeBadRequest && limitReached.MatchString(e.ResponseMessage):
		f.Code = fault.CodeCustomerLimit
	case f.Code == fault.CodeTooManyRequests:
		f.Unclear = false
	case f.Code == fault.CodeAlreadyExists && e.Parameters != nil:
		f.EntitlementID = text(e.Parameters.EntitlementID)
	}
	return f
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
func (k call) foreign(got answer) *fault.Fault {
	f := k.fault(got)
	f.Kind, f.Code = fault.Retryable, fault.CodeGateway
	f.Message = fmt.Sprintf("%s: status %d and not an answer of the API", k.name, got.status)
	switch got.status {
	case http.StatusUnauthorized, http.StatusForbidden:
		f.Kind, f.Code = fault.Unauthorized, fault.CodeUnauthorized
	case http.StatusTooManyRequests:
		f.Code = fault.CodeTooManyRequests
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusProxyAuthRequired,
		http.StatusRequestTimeout, http.StatusMisdirectedRequest, http.StatusTooEarly:
		// A gateway that doesn't know its backend says nothing about a record.
	default:
		if got.status >= 400 && got.status < 500 {
			f.Kind = fault.Final
		} else {
			f.Unclear = k.write
		}
	}
	if got.status < 300 && strings.HasPrefix(got.header.Get("Content-Type"), "application/json") {
		f.Code = fault.CodeUnexpected
	}
	return f
}

// unexpected is the fault of a success that can't be one.
func (k call) unexpected(got answer, why string) *fault.Fault {
	f := k.fault(got)
	f.Kind, f.Code, f.Unclear = fault.Retryable, fault.CodeUnexpected, k.write
	f.Message = fmt.Sprintf("%s: the answer makes no sense: %s", k.name, why)
	return f
}

func (k call) fault(got answer) *fault.Fault {
	return &fault.Fault{HTTPStatus: got.status, RetryAfter: retryAfter(got.header)}
}
