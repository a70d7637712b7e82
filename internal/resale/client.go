// Package resale is the client of the target, the Resale API in its migration
// profile: it makes the calls and turns every answer into the domain's
// entitlement or into a fault. Activities and the programs use it. It never
// repeats a call, never follows a redirect, and keeps no state but its
// connections.
package resale

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/f0a90b9a/ferry/internal/migrator"
	"github.com/f0a90b9a/ferry/internal/resale/resaleapi"
)

var _ migrator.Target = (*Client)(nil)

const (
	defaultTimeout   = 30 * time.Second
	defaultUserAgent = "ferry"
	idlePerHost      = 256
)

// Options says where the target is and who calls it.
type Options struct {
	// BaseURL is http or https, with a path or without; credentials, a query
	// or a fragment in it are refused. Required.
	BaseURL string
	// Username and Password are sent as HTTP Basic with every call. Both are
	// required.
	Username, Password string
	// Timeout bounds one request from dialling to the answer's last byte; 0 is
	// 30 seconds.
	Timeout time.Duration
	// Transport carries the requests; nil is one that verifies certificates,
	// asks for TLS 1.2 at least and keeps 256 idle connections.
	Transport http.RoundTripper
	// UserAgent names the caller; empty is "ferry".
	UserAgent string
}

// Client calls the target. It is safe for concurrent use.
type Client struct {
	api      *resaleapi.Client
	timeout  time.Duration
	password string
}

// NewClient makes a client; it doesn't call the target. An option that can't
// be used is an error that names it and quotes no secret.
func NewClient(o Options) (*Client, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	if o.Timeout == 0 {
		o.Timeout = defaultTimeout
	}
	if o.UserAgent == "" {
		o.UserAgent = defaultUserAgent
	}
	if o.Transport == nil {
		o.Transport = defaultTransport()
	}
	doer := &http.Client{
		Transport: o.Transport,
		// A redirected POST would become a GET, and might carry the
		// credentials elsewhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	sign := func(_ context.Context, r *http.Request) error {
		r.SetBasicAuth(o.Username, o.Password)
		r.Header.Set("Accept", "application/json")
		r.Header.Set("User-Agent", o.UserAgent)
		return nil
	}
	api, err := resaleapi.NewClient(o.BaseURL, resaleapi.WithHTTPClient(doer), resaleapi.WithRequestEditorFn(sign))
	if err != nil {
		return nil, fmt.Errorf("target client: %w", err)
	}
	return &Client{api: api, timeout: o.Timeout, password: o.Password}, nil
}

// Close gives up idle connections; calls in flight go on.
func (c *Client) Close() {
	if doer, ok := c.api.Client.(*http.Client); ok {
		doer.CloseIdleConnections()
	}
}

func (o Options) validate() error {
	u, err := url.Parse(o.BaseURL)
	switch {
	case o.BaseURL == "":
		return errors.New("target base URL: it is empty")
	case err != nil:
		// The parser's error quotes the URL, which may hold a password.
		return errors.New("target base URL: it isn't a URL")
	case u.Scheme != "http" && u.Scheme != "https":
		return errors.New("target base URL: it has to begin with https:// or http://")
	case u.Host == "":
		return errors.New("target base URL: it names no host")
	case u.User != nil:
		return errors.New("target base URL: credentials don't belong in it")
	case u.RawQuery != "" || u.Fragment != "":
		return errors.New("target base URL: a query or a fragment doesn't belong in it")
	case o.Username == "" || o.Password == "":
		return errors.New("target credentials: user name and password are required")
	case o.Timeout < 0:
		return errors.New("target timeout: it is negative")
	}
	return nil
}

func defaultTransport() http.RoundTripper {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConns = 0
	t.MaxIdleConnsPerHost = idlePerHost
	t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	return t
}
