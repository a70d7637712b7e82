package resale

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"

	"github.com/f0a90b9a/ferry/internal/fault"
)

// bodyLimit is the longest answer that is read, in bytes.
const bodyLimit = 1 << 20

// call is one request and what is needed to judge its answer.
type call struct {
	name          string // for messages
	write         bool   // it may change something at the target
	entitlementID string // the answer must be about it, if set
	externalID    string // the same, for create, whose success makes an entitlement
	scrub         func(string) string
	send          func(ctx context.Context) (*http.Response, error)
}

// answer is a whole answer, read to its end.
type answer struct {
	status int
	header http.Header
	body   []byte
	from   *url.URL // what was asked
}

// do makes the call once and gives an answer that is a success by its code, or
// a fault, with the answer if one came.
func (c *Client) do(ctx context.Context, k call) (answer, error) {
	got, err := c.exchange(ctx, k)
	if err != nil {
		return got, err
	}
	f, doubtful := c.judge(k, got)
	if f == nil {
		return got, nil
	}
	if doubtful {
		c.attribute(ctx, k, f)
	}
	return got, f
}

// exchange makes the call once and reads whatever answer it has.
func (c *Client) exchange(ctx context.Context, k call) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	// Before a connection is there nothing can have been sent, so nothing can
	// have taken effect: names that don't resolve, refused connections, failed
	// handshakes.
	var sent atomic.Bool
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { sent.Store(true) }}
	resp, err := k.send(httptrace.WithClientTrace(ctx, trace))
	if err != nil {
		return answer{}, k.broken(err, 0, sent.Load())
	}
	defer func() { _ = resp.Body.Close() }()
	got, err := read(resp)
	if err != nil {
		return answer{}, k.broken(err, resp.StatusCode, true)
	}
	return got, nil
}

var errTooLong = errors.New("the answer is longer than 1 MiB")

func read(resp *http.Response) (answer, error) {
	body, err := io.ReadAll(io.LimitReader(resp.Body, bodyLimit+1))
	if err != nil {
		return answer{}, err
	}
	if len(body) > bodyLimit {
		return answer{}, errTooLong
	}
	got := answer{status: resp.StatusCode, header: resp.Header, body: body}
	if resp.Request != nil {
		got.from = resp.Request.URL
	}
	return got, nil
}

// broken is the fault of a call without a whole answer. status is 0 if none
// began.
func (k call) broken(err error, status int, sent bool) *fault.Fault {
	f := k.cut(err, status, sent)
	f.OwnWords = len(f.Message)
	return f
}

func (k call) cut(err error, status int, sent bool) *fault.Fault {
	f := &fault.Fault{Kind: fault.Retryable, HTTPStatus: status, Unclear: k.write && sent, Cause: err}
	timeout := errors.Is(err, context.DeadlineExceeded)
	if urlError, ok := errors.AsType[*url.Error](err); ok {
		timeout = timeout || urlError.Timeout()
		f.Cause = urlError.Err // without the address
	} else if status == 0 {
		// Not the network's error: the request could not be made at all.
		f.Kind, f.Code, f.Unclear = fault.Final, fault.CodeBadRequest, false
		f.Message = k.name + ": the request can't be written"
		return f
	}
	switch {
	case errors.Is(err, errTooLong):
		f.Code, f.Message = fault.CodeUnexpected, k.name+": "+errTooLong.Error()
	case timeout:
		f.Code, f.Message = fault.CodeTimeout, k.name+": no answer in time"
	case errors.Is(err, context.Canceled):
		f.Code, f.Message = fault.CodeConnection, k.name+": the call was cancelled"
	case !sent:
		f.Code, f.Message = fault.CodeConnection, k.name+": no connection"+why(f.Cause)
	default:
		f.Code, f.Message = fault.CodeConnection, k.name+": the connection broke"+why(f.Cause)
	}
	return f
}

// why is the text of a network's error, of those kinds that quote neither what
// the other side sent nor a proxy's address, which may hold credentials.
func why(err error) string {
	var (
		operation   *net.OpError
		name        *net.DNSError
		certificate *tls.CertificateVerificationError
	)
	if errors.As(err, &operation) || errors.As(err, &name) || errors.As(err, &certificate) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return ": " + clean(err.Error())
	}
	return ""
}
