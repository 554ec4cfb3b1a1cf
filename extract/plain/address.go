package plain

import (
	"fmt"
	"net"
	"net/url"
	"strings"
)

// SchemeMissing is what is wrong with an address such as 127.0.0.1:8099, which has
// neither http:// nor https:// in front; nil for others, and for one with a password in it.
func SchemeMissing(address string) error {
	if address == "" || strings.Contains(address, "://") || strings.Contains(address, "@") {
		return nil
	}
	scheme := "https://"
	if u, err := url.Parse("//" + address); err == nil {
		if ip := net.ParseIP(u.Hostname()); u.Hostname() == "localhost" || ip != nil && ip.IsLoopback() {
			scheme = "http://"
		}
	}
	return fmt.Errorf("%q lacks %s in front: %s%s", address, scheme, scheme, address)
}
