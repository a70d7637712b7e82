// Package webhook posts messages to a URL, signed as Standard Webhooks
// (https://www.standardwebhooks.com) says: the headers webhook-id,
// webhook-timestamp and webhook-signature. The worker's activities use it. It
// never repeats a message by itself, follows no redirect, and prints neither
// the secret nor the address, which may hold a token.
package webhook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/f0a90b9a/ferry/internal/fault"
)

const (
	timeout    = 15 * time.Second
	minKeySize = 24 // bytes, as the specification asks
	answerRead = 64 << 10
)

// Sender posts to one URL. It is safe for concurrent use.
type Sender struct {
	address string
	signer  *standardwebhooks.Webhook
	client  *http.Client
	now     func() time.Time
}

// New checks an address and a secret (base64 of 24 bytes or more, with whsec_
// before it or without). The address is https, or http on loopback.
func New(address, secret string) (*Sender, error) {
	u, err := url.Parse(address)
	if err != nil || !safe(u) {
		return nil, errors.New("must be an https address (http on loopback alone)")
	}
	signer, err := standardwebhooks.NewWebhook(secret)
	if err != nil || !longEnough(secret) {
		return nil, fmt.Errorf("its secret must be base64 of at least %d bytes (openssl rand -base64 32 makes one)", minKeySize)
	}
	return &Sender{
		address: address, signer: signer, now: time.Now,
		client: &http.Client{
			Timeout:       timeout,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

func safe(u *url.URL) bool {
	switch u.Scheme {
	case "https":
		return u.Host != ""
	case "http":
		ip := net.ParseIP(u.Hostname())
		return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
	}
	return false
}

// longEnough is a lower bound by the length of the text.
func longEnough(secret string) bool { return len(secret)*3/4 >= minKeySize }

// Send posts a message once. The id is the same for every repeat of a message,
// and holds no full stop. Faults: NOTIFY_FAILED, retryable unless the receiver
// has said that it is gone (410).
func (s *Sender) Send(ctx context.Context, id string, body []byte) error {
	at := s.now()
	signature, err := s.signer.Sign(id, at, body)
	if err != nil {
		return failed(fault.Final, "the message can't be signed", 0)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.address, bytes.NewReader(body))
	if err != nil {
		return failed(fault.Final, "the address can't be used", 0)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "ferry")
	request.Header.Set(standardwebhooks.HeaderWebhookID, id)
	request.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(at.Unix(), 10))
	request.Header.Set(standardwebhooks.HeaderWebhookSignature, signature)
	response, err := s.client.Do(request)
	if err != nil {
		// Its text would quote the address.
		return failed(fault.Retryable, "the receiver of notify.url does not answer", 0)
	}
	defer func() { _ = response.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, answerRead))
	return judge(response.StatusCode)
}

func judge(status int) error {
	switch {
	case status >= 200 && status < 300:
		return nil
	case status == http.StatusGone:
		return failed(fault.Final, "the receiver of notify.url wants no more messages (410)", status)
	}
	return failed(fault.Retryable, fmt.Sprintf("the receiver of notify.url answered %d", status), status)
}

func failed(kind fault.Kind, message string, status int) error {
	return &fault.Fault{Kind: kind, Code: fault.CodeNotifyFailed, Message: message, HTTPStatus: status}
}
