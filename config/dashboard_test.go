package config_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/f0a90b9a/ferry/config"
)

// dashboardOf is a configuration that a dashboard can run with, at an address.
func dashboardOf(address string) config.Config {
	c := config.Default()
	c.S3.WorkBucket = "ferry"
	c.Dashboard.Address = address
	return c
}

func TestDashboardBeyondLoopbackNeedsUsers(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"127.0.0.1:8088", "localhost:8088", "[::1]:0", "127.8.8.8:1"} {
		c := dashboardOf(address)
		require.NoError(t, c.ValidateDashboard(), address)
	}
	for _, address := range []string{":8088", "0.0.0.0:8088", "[::]:8088", "10.1.2.3:8088", "dashboard.example.com:8088"} {
		c := dashboardOf(address)
		require.ErrorContains(t, c.ValidateDashboard(), "dashboard.users_file", address)
		c.Dashboard.UsersFile = "users"
		c.Dashboard.TLSCertFile, c.Dashboard.TLSKeyFile = "cert.pem", "key.pem"
		require.NoError(t, c.ValidateDashboard(), address)
	}
}

func TestDashboardNeeds(t *testing.T) {
	t.Parallel()
	c := dashboardOf("")
	c.S3.WorkBucket = ""
	err := c.ValidateDashboard()
	require.ErrorContains(t, err, "s3.work_bucket: is required")
	require.ErrorContains(t, err, "dashboard.address: is empty")
}

func TestTrustedProxies(t *testing.T) {
	t.Parallel()
	d := config.Dashboard{TrustedProxies: " 10.1.2.3/8, 192.0.2.7,, fd00::1"}
	found, err := d.Proxies()
	require.NoError(t, err)
	var texts []string
	for _, prefix := range found {
		texts = append(texts, prefix.String())
	}
	require.Equal(t, []string{"10.0.0.0/8", "192.0.2.7/32", "fd00::1/128"}, texts)
}

func TestPasswordsFromOtherMachinesNeedTLS(t *testing.T) {
	t.Parallel()
	for _, change := range []func(*config.Dashboard){
		func(d *config.Dashboard) { d.TLSCertFile, d.TLSKeyFile = "cert.pem", "key.pem" },
		func(d *config.Dashboard) { d.PublicURL = "https://ferry.example.com" },
		func(d *config.Dashboard) { d.AllowHTTP = true },
		func(d *config.Dashboard) { d.Address = "127.0.0.1:8088" },
	} {
		c := dashboardOf("0.0.0.0:8088")
		c.Dashboard.UsersFile = "users"
		require.ErrorContains(t, c.ValidateDashboard(), "takes passwords from other machines unencrypted")
		change(&c.Dashboard)
		require.NoError(t, c.ValidateDashboard())
	}
	for _, change := range []func(*config.Dashboard){
		func(d *config.Dashboard) { d.PublicURL = "http://ferry.example.com" },
		func(d *config.Dashboard) { d.UserHeader, d.TrustedProxies = "X-User", "10.0.0.1" },
	} {
		c := dashboardOf(":8088")
		c.Dashboard.UsersFile = "users"
		change(&c.Dashboard)
		require.ErrorContains(t, c.ValidateDashboard(), "takes passwords from other machines unencrypted")
	}
}

func TestPublicURLNeedsUsers(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"https://ferry.example.com", "http://10.1.2.3:8088"} {
		c := dashboardOf("127.0.0.1:8088")
		c.Dashboard.PublicURL = url
		require.ErrorContains(t, c.ValidateDashboard(), "dashboard.public_url: without dashboard.users_file")
		c.Dashboard.UsersFile = "users"
		require.NoError(t, c.ValidateDashboard())
	}
	for _, url := range []string{"", "http://localhost:9000", "https://[::1]"} {
		c := dashboardOf("127.0.0.1:8088")
		c.Dashboard.PublicURL = url
		require.NoError(t, c.ValidateDashboard())
	}
}
