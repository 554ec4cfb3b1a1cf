package study

import (
	"cmp"
	"net"
	"net/url"
	"strings"

	"github.com/dexetl/dexetl/study/config"
)

// A BareHTTPError says that the API would be served to other machines in the clear.
type BareHTTPError struct{ Addr string }

func (e *BareHTTPError) Error() string {
	return "serve at " + e.Addr + ": plain http is for this machine only"
}

// CheckListening refuses to serve keys and data in the clear beyond this machine, unless a
// proxy stands in front.
func (s *Study) CheckListening(addr string) error {
	c := s.Config.Serve
	if addr == "none" || config.IsLoopback("http://"+addr) || c.TLSCert != "" || c.BehindProxy {
		return nil
	}
	return &BareHTTPError{addr}
}

// ServesPages reports whether links lead to a listener at addr, so that the consent pages
// belong there: there is a public address, which a proxy or the network leads here; or the
// address, or else the redirect URI, is its port of this machine.
func (s *Study) ServesPages(addr string) bool {
	leads := cmp.Or(s.Config.Connect.PublicURL, s.Config.API.RedirectURI)
	if !config.IsLoopback(leads) {
		return s.Config.Connect.PublicURL != ""
	}
	_, port, err := net.SplitHostPort(addr)
	to, wrong := url.Parse(leads)
	return cmp.Or(err, wrong) == nil && to.Port() == port
}

// An ElsewhereError says that links to the consent pages lead to an address at which a
// listener does not have them.
type ElsewhereError struct {
	Links  string // what they begin with; "": the study does not know its address
	Listen string
}

func (e *ElsewhereError) Error() string {
	if e.Links == "" {
		return "the address of the consent pages is not known"
	}
	return "links to the consent pages lead to " + e.Links + ", and serve listens at " + e.Listen
}

// CheckLinks is an *ElsewhereError if links lead nowhere, as far as a listener at addr
// shows: see ServesPages.
func (s *Study) CheckLinks(addr string) error {
	if s.ServesPages(addr) {
		return nil
	}
	return &ElsewhereError{s.LinkURL(""), addr}
}

// IsPage reports whether a path is one of the consent pages'.
func (s *Study) IsPage(path string) bool {
	prefix := ""
	if base, err := url.Parse(s.Config.Connect.PublicURL); err == nil {
		prefix = strings.TrimRight(base.Path, "/")
	}
	if prefix != "" && strings.HasPrefix(path, prefix+"/") || strings.HasPrefix(path, prefix+"/i/") || strings.HasPrefix(path, prefix+"/done/") {
		return true
	}
	for _, address := range s.redirectURIs() {
		if back, err := url.Parse(address); err == nil && cmp.Or(back.Path, "/") == path {
			return true
		}
	}
	return false
}

// redirectURIs are those of all apps.
func (s *Study) redirectURIs() []string {
	all := []string{s.Config.API.RedirectURI}
	for _, app := range s.Config.Apps {
		all = append(all, cmp.Or(app.RedirectURI, s.Config.API.RedirectURI))
	}
	return all
}
