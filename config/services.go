package config

import (
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
)

// serviceVariables are the names and values of what Kubernetes puts into a
// pod's environment for each Service of its namespace, after the convention of
// Docker links: for a Service ferry-worker FERRY_WORKER_SERVICE_HOST,
// FERRY_WORKER_PORT_8081_TCP_ADDR and more, for one called ferry FERRY_PORT. A
// variable is one only if its value is of the kind, too.
var serviceVariables = []struct {
	name  *regexp.Regexp
	value func(string) bool
}{
	{regexp.MustCompile(`^FERRY_(?:[A-Z0-9_]+_)?SERVICE_HOST$`), isIP},
	{regexp.MustCompile(`^FERRY_(?:[A-Z0-9_]+_)?SERVICE_PORT(?:_[A-Z0-9_]+)?$`), isPort},
	{regexp.MustCompile(`^FERRY_(?:[A-Z0-9_]+_)?PORT$`), isEndpoint},
	{regexp.MustCompile(`^FERRY_(?:[A-Z0-9_]+_)?PORT_[0-9]+_(?:TCP|UDP|SCTP)$`), isEndpoint},
	{regexp.MustCompile(`^FERRY_(?:[A-Z0-9_]+_)?PORT_[0-9]+_(?:TCP|UDP|SCTP)_PROTO$`), isProtocol},
	{regexp.MustCompile(`^FERRY_(?:[A-Z0-9_]+_)?PORT_[0-9]+_(?:TCP|UDP|SCTP)_PORT$`), isPort},
	{regexp.MustCompile(`^FERRY_(?:[A-Z0-9_]+_)?PORT_[0-9]+_(?:TCP|UDP|SCTP)_ADDR$`), isIP},
}

// ofService reports whether a variable is Kubernetes' own.
func ofService(name, value string) bool {
	for _, v := range serviceVariables {
		if v.name.MatchString(name) && v.value(value) {
			return true
		}
	}
	return false
}

func isIP(value string) bool {
	_, err := netip.ParseAddr(value)
	return err == nil
}

func isPort(value string) bool {
	n, err := strconv.ParseUint(value, 10, 16)
	return err == nil && n > 0
}

func isProtocol(value string) bool { return slices.Contains([]string{"tcp", "udp", "sctp"}, value) }

// isEndpoint reports whether a value is like tcp://10.0.0.7:8081.
func isEndpoint(value string) bool {
	u, err := url.Parse(value)
	return err == nil && isProtocol(u.Scheme) && isIP(u.Hostname()) && isPort(u.Port()) && u.Path == "" && u.User == nil
}
