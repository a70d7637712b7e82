package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"strings"
)

// ValidateDashboard judges every value and what a dashboard can't do without.
// One that other machines can reach needs users.
func (c *Config) ValidateDashboard() error {
	var p problems
	d := c.Dashboard
	p.check(c.S3.WorkBucket != "", "s3.work_bucket: is required (past migrations and their files come from it)")
	p.check(d.Address != "", "dashboard.address: is empty (the default is 127.0.0.1:8088)")
	p.check(d.UsersFile != "" || d.Address == "" || d.Loopback(),
		"dashboard.address: %q can be reached from other machines, which needs dashboard.users_file", d.Address)
	return errors.Join(c.Validate(), errors.Join(p...))
}

// Loopback reports whether only this machine can reach the dashboard.
func (d Dashboard) Loopback() bool {
	host, _, err := net.SplitHostPort(d.Address)
	if err != nil {
		return false
	}
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
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
