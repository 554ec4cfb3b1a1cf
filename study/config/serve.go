package config

import (
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/dexetl/dexetl/extract/plain"
)

// Serve is about `dexetl serve`.
type Serve struct {
	Listen         string   `yaml:"listen"` // host:port of everything that it serves
	TLSCert        string   `yaml:"tls_cert"`
	TLSKey         string   `yaml:"tls_key"`
	BehindProxy    bool     `yaml:"behind_proxy"`    // TLS ends at a proxy in front
	RedirectURLs   []string `yaml:"redirect_urls"`   // to which link tokens may lead back
	Schedule       Duration `yaml:"schedule"`        // 0: 10 minutes if the API is on
	DefaultHistory Duration `yaml:"default_history"` // of a participant added over the API
}

// Webhooks is about where events are sent.
type Webhooks struct {
	AllowPrivate bool `yaml:"allow_private"` // to this machine and private networks, too
}

// MinSchedule keeps a typing error from spending the hourly limit.
const MinSchedule = time.Minute

func (c Serve) check() error {
	if err := CheckListen(c.Listen); err != nil {
		return wrong("serve.listen", c.Listen, "%w", err)
	}
	switch {
	case c.TLSCert != "" && c.TLSKey == "":
		return wrong("serve.tls_key", nil, "missing: tls_cert and tls_key go together")
	case c.TLSKey != "" && c.TLSCert == "":
		return wrong("serve.tls_cert", nil, "missing: tls_cert and tls_key go together")
	case c.TLSCert != "" && c.BehindProxy:
		return wrong("serve.behind_proxy", nil, "behind_proxy and tls_cert exclude each other: TLS ends at the proxy, or here")
	case c.Schedule != 0 && time.Duration(c.Schedule) < MinSchedule:
		return wrong("serve.schedule", nil, "at least %s", MinSchedule)
	case c.DefaultHistory <= 0:
		return wrong("serve.default_history", nil, "more than nothing, such as 90d")
	}
	for _, address := range c.RedirectURLs {
		if err := checkRedirectURL(address); err != nil {
			return wrong("serve.redirect_urls", nil, "%w", err)
		}
	}
	return nil
}

// CheckListen says what keeps addr from being listened at: it is host:port, or none.
func CheckListen(addr string) error {
	if addr == "none" {
		return nil
	}
	if _, port, err := net.SplitHostPort(addr); err != nil || port == "" {
		return fmt.Errorf("host:port such as 127.0.0.1:8086, or none")
	}
	return nil
}

// checkRedirectURL says what keeps a browser from being sent to address: it is a page
// with TLS, one of this machine, or a scheme that an app has for itself, which by
// RFC 8252 has a dot.
func checkRedirectURL(address string) error {
	u, err := url.Parse(address)
	ofApp := err == nil && strings.Contains(u.Scheme, ".") && u.Opaque == ""
	if lacking := plain.SchemeMissing(address); lacking != nil && !ofApp {
		return lacking
	}
	switch {
	case err != nil || u.Fragment != "" || u.User != nil:
		return fmt.Errorf("%q: an address such as https://app.example.org/back, without name and #", address)
	case ofApp, u.Scheme == "https" && u.Host != "", u.Scheme == "http" && IsLoopback(address):
		return nil
	}
	return fmt.Errorf("%q: https is required, except on this machine", address)
}
