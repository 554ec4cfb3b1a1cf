package webhook

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"syscall"
)

// A URLError says why nothing is sent to a URL, which it does not quote: a path may be
// a secret.
type URLError struct{ Host, Reason string }

func (e *URLError) Error() string {
	if e.Host == "" {
		return "the URL of an endpoint " + e.Reason
	}
	return fmt.Sprintf("the URL of an endpoint at %s %s", e.Host, e.Reason)
}

// maxURL is how long a URL may be.
const maxURL = 2000

// CheckURL makes sure that events may be sent to a URL: https to a public host, or with
// allowPrivate http, too, and to any host. A name is looked up when it is dialled.
func CheckURL(text string, allowPrivate bool) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || len(text) > maxURL:
		return &URLError{"", fmt.Sprintf("is none, or longer than %d characters", maxURL)}
	case u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http":
		return &URLError{"", "begins with https:// and a host"}
	case u.User != nil:
		return &URLError{u.Hostname(), "holds a name or a password; events are signed instead"}
	case u.Fragment != "":
		return &URLError{u.Hostname(), "has a fragment (#), which is never sent"}
	case allowPrivate:
		return nil
	case u.Scheme != "https":
		return &URLError{u.Hostname(), "must be https; plain http is for private addresses, with webhooks.allow_private: true"}
	}
	if ip, err := netip.ParseAddr(u.Hostname()); err == nil {
		if why := refused(ip); why != "" {
			return &URLError{u.Hostname(), "is " + why + ", which webhooks.allow_private: true would allow"}
		}
	}
	if host := strings.TrimSuffix(strings.ToLower(u.Hostname()), "."); host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return &URLError{u.Hostname(), "is this machine, which webhooks.allow_private: true would allow"}
	}
	return nil
}

// hostOf is the host of a URL.
func hostOf(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	return u.Host
}

// An AddressError says why an address is not dialled.
type AddressError struct {
	Address netip.Addr
	Why     string
}

func (e *AddressError) Error() string {
	return fmt.Sprintf("%s is %s, and nothing is sent there unless webhooks.allow_private is true", e.Address, e.Why)
}

// guard refuses addresses that are not public. It is asked for the very address that is
// about to be dialled, after the name was looked up: whatever a name led to before.
func guard(_, address string, _ syscall.RawConn) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return err
	}
	if why := refused(ip); why != "" {
		return &AddressError{ip, why}
	}
	return nil
}

// A reserved is a range of addresses at which no public service is.
type reserved struct {
	prefix netip.Prefix
	what   string
}

// reservedRanges are those that netip does not know (IANA's registries of special
// addresses), and those of clouds' metadata that look public.
var reservedRanges = sync.OnceValue(func() (all []reserved) {
	for _, r := range [][2]string{
		{"0.0.0.0/8", "this network"}, {"100.64.0.0/10", "shared with a provider (CGNAT)"}, {"192.0.0.0/24", "reserved"},
		{"192.0.2.0/24", "for documentation"}, {"192.88.99.0/24", "reserved"}, {"198.18.0.0/15", "for benchmarks"},
		{"198.51.100.0/24", "for documentation"}, {"203.0.113.0/24", "for documentation"}, {"240.0.0.0/4", "reserved"},
		{"168.63.129.16/32", "a cloud's metadata"},
		{"::/96", "reserved"}, {"::ffff:0:0:0/96", "translated to one of IPv4"}, {"64:ff9b:1::/48", "translated to a private one"}, {"100::/64", "discarded"},
		{"2001::/23", "reserved or a tunnel"}, {"2001:db8::/32", "for documentation"}, {"3fff::/20", "for documentation"},
		{"5f00::/16", "reserved"}, {"fec0::/10", "private"},
	} {
		all = append(all, reserved{netip.MustParsePrefix(r[0]), r[1]})
	}
	return all
})

// refused says why an address is not dialled; "" if it is.
func refused(ip netip.Addr) string {
	ip = ip.WithZone("").Unmap()
	if inner, ok := embedded(ip); ok {
		return refused(inner)
	}
	switch {
	case ip.IsLoopback():
		return "this machine"
	case ip.IsPrivate():
		return "private"
	case ip.IsLinkLocalUnicast():
		return "link-local"
	case ip.IsMulticast():
		return "for many"
	case ip.IsUnspecified():
		return "no address"
	}
	for _, r := range reservedRanges() {
		if r.prefix.Contains(ip) {
			return r.what
		}
	}
	return ""
}

// embedded is the IPv4 address to which a translator (NAT64) or tunnel (6to4) leads.
func embedded(ip netip.Addr) (netip.Addr, bool) {
	if !ip.Is6() {
		return ip, false
	}
	b := ip.As16()
	switch {
	case netip.MustParsePrefix("64:ff9b::/96").Contains(ip):
		return netip.AddrFrom4([4]byte(b[12:16])), true
	case netip.MustParsePrefix("2002::/16").Contains(ip):
		return netip.AddrFrom4([4]byte(b[2:6])), true
	}
	return ip, false
}
