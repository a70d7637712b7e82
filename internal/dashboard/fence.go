package dashboard

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// policy lets a page use what this server serves and nothing else: no inline
// script or style, no frame, no form to elsewhere.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// fence is what every request must pass.
type fence struct {
	door       *doorkeeper
	publicHost string // of the configured public URL, without its scheme's own port; may be empty
	publicPort string // which that scheme has of its own
	origins    *http.CrossOriginProtection
}

func newFence(door *doorkeeper, publicURL string) (*fence, error) {
	f := &fence{door: door, origins: http.NewCrossOriginProtection()}
	if publicURL == "" {
		return f, nil
	}
	u, err := url.Parse(publicURL)
	if err != nil {
		return nil, err
	}
	if door.open() && !loopback(u.Hostname()) {
		return nil, errors.New("a public URL without users would let everybody in")
	}
	f.publicPort = map[string]string{"http": ":80", "https": ":443"}[u.Scheme]
	f.publicHost = strings.TrimSuffix(u.Host, f.publicPort)
	return f, f.origins.AddTrustedOrigin(u.Scheme + "://" + u.Host)
}

// guard lets a request through to next with its user known.
func (f *fence) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		secure(w.Header(), r.TLS != nil)
		if (f.door.open() || f.publicHost != "") && !f.ours(r.Host) {
			// A page elsewhere whose name was made to lead to this machine.
			http.Error(w, "This dashboard is not called that.", http.StatusForbidden)
			return
		}
		if reason := f.forged(r); reason != "" {
			f.door.log.Warn("A forged request was refused.", "remote", r.RemoteAddr, "why", reason)
			http.Error(w, "This request does not come from a page of this dashboard: "+reason+".", http.StatusForbidden)
			return
		}
		u, ok := f.door.identify(w, r)
		if !ok {
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), userKey{}, u)))
	})
}

// secure sets the headers that every answer has.
func secure(h http.Header, tls bool) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
	h.Set("Cache-Control", "no-store")
	if tls {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}

// ours reports whether a Host header names this machine as such, or by its
// public name.
func (f *fence) ours(host string) bool {
	if f.publicHost != "" && strings.EqualFold(strings.TrimSuffix(host, f.publicPort), f.publicHost) {
		return true
	}
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = host
	}
	return loopback(strings.Trim(name, "[]"))
}

// loopback reports whether a host is this machine by its very name.
func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

// forged says why a request that changes something is not believed to come
// from a page of ours. Every browser of today says where its requests come
// from; what says nothing is no browser, or one too old to be safe.
func (f *fence) forged(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return ""
	}
	if r.Header.Get("Sec-Fetch-Site") == "" && r.Header.Get("Origin") == "" {
		return "it does not say where it comes from (for scripts there is the ferry command)"
	}
	if err := f.origins.Check(r); err != nil {
		return "it comes from another site"
	}
	return ""
}
