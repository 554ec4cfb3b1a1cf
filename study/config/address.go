package config

import (
	"fmt"
	"net"
	"net/url"

	"github.com/dexetl/dexetl/extract/plain"
)

// CheckPublicURL says what keeps links from beginning with address.
func CheckPublicURL(address string) error {
	if err := plain.SchemeMissing(address); err != nil {
		return err
	}
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return fmt.Errorf("%q: not an address such as https://consent.example.org", address)
	case u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		return fmt.Errorf("%q: scheme, host and path only", address)
	case u.Scheme == "http" && !IsLoopback(address):
		return fmt.Errorf("%q: https is required, except on this machine", address)
	}
	return nil
}

// IsLoopback reports whether a URL leads to this machine.
func IsLoopback(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}
