package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
)

// ValidateDashboard judges every value and what a dashboard can't do without.
// One that other machines can reach needs users, and a way for their passwords
// that others can't read.
func (c *Config) ValidateDashboard() error {
	var p problems
	d := c.Dashboard
	p.check(c.S3.WorkBucket != "", "s3.work_bucket: is required (past migrations and their files come from it)")
	p.check(d.Address != "", "dashboard.address: is empty (the default is 127.0.0.1:8088)")
	p.check(d.UsersFile != "" || d.Address == "" || d.Loopback(),
		"dashboard.address: %q can be reached from other machines, which needs dashboard.users_file", d.Address)
	p.check(d.UsersFile != "" || !d.public(),
		"dashboard.public_url: without dashboard.users_file whoever reaches that address could start and steer migrations (set users_file, or leave public_url empty)")
	p.check(d.UsersFile == "" || d.Loopback() || d.encrypted(),
		"dashboard.address: %q takes passwords from other machines unencrypted (set dashboard.tls_cert_file and tls_key_file; or, behind a proxy with TLS, "+
			"its name as dashboard.public_url, https://…; or dashboard.allow_http if that network is to be trusted)", d.Address)
	return errors.Join(c.Validate(), errors.Join(p...))
}

// Loopback reports whether only this machine can reach the dashboard.
func (d Dashboard) Loopback() bool {
	host, _, err := net.SplitHostPort(d.Address)
	return err == nil && loopbackHost(host)
}

// public reports whether browsers of other machines are to use it.
func (d Dashboard) public() bool {
	u, err := url.Parse(d.PublicURL)
	return d.PublicURL != "" && (err != nil || !loopbackHost(u.Hostname()))
}

// encrypted reports whether passwords are safe on their way here, or need not
// be. A trusted proxy's address alone says nothing of how it is reached.
func (d Dashboard) encrypted() bool {
	return d.TLSCertFile != "" || d.AllowHTTP || strings.HasPrefix(strings.ToLower(d.PublicURL), "https://")
}

// Proxies are the networks whose user header is believed. A single address is
// a network of one.
func (d Dashboard) Proxies() ([]netip.Prefix, error) {
	var found []netip.Prefix
	for _, text := range list(d.TrustedProxies) {
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			ip, ipErr := netip.ParseAddr(text)
			if ipErr != nil {
				return nil, fmt.Errorf("%q is neither an address nor a network such as 10.0.0.0/8", text)
			}
			prefix = netip.PrefixFrom(ip, ip.BitLen())
		}
		found = append(found, prefix.Masked())
	}
	return found, nil
}

// list splits a value at its commas; empty parts are dropped.
func list(value string) []string {
	var parts []string
	for part := range strings.SplitSeq(value, ",") {
		if part = strings.TrimSpace(part); part != "" {
			parts = append(parts, part)
		}
	}
	return parts
}

var headerName = regexp.MustCompile(`^[A-Za-z0-9-]+$`)

func (c *Config) validateDashboard(p *problems) {
	d := c.Dashboard
	p.address("dashboard.address", d.Address)
	_, err := d.Proxies()
	p.check(err == nil, "dashboard.trusted_proxies: %v", err)
	p.check((d.UserHeader == "") == (d.TrustedProxies == ""),
		"dashboard.user_header and dashboard.trusted_proxies: only one is set (set both, or none)")
	p.check(d.UserHeader == "" || headerName.MatchString(d.UserHeader), "dashboard.user_header: %q is not a header's name", d.UserHeader)
	p.check(d.UserHeader == "" || d.UsersFile != "", "dashboard.user_header: needs dashboard.users_file, which says what each user may do")
	p.url("dashboard.public_url", d.PublicURL)
	p.url("dashboard.temporal_ui", d.TemporalUI)
	p.check((d.TLSCertFile == "") == (d.TLSKeyFile == ""),
		"dashboard.tls_cert_file and dashboard.tls_key_file: only one is set (set both, or none)")
	p.between("dashboard.max_upload_mb", d.MaxUploadMB, 1, 1<<20)
}
