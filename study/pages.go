package study

import (
	"cmp"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"

	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/extract/consent/page"
	"github.com/dexetl/dexetl/study/config"
)

// Pages are the study's consent pages, with texts, nil for the English ones.
func (s *Study) Pages(g *consent.Grants, texts *page.Texts) *page.Server {
	return &page.Server{Grants: g, Texts: texts, BaseURL: s.Config.Connect.PublicURL, ClientHeader: s.Config.Connect.ClientHeader,
		MayReturn: func(address string) bool { return s.Rules().MayReturn(address) }, Programs: func() []string { return s.Rules().RedirectURLs },
		Study: page.Study{Name: cmp.Or(s.Config.Study.Name, s.Config.Study.ID), Contact: s.Config.Study.Contact, AllHistory: s.Config.Study.History == "all"}}
}

// A TextsError says why the study's own texts of the pages cannot be used.
type TextsError struct {
	Path string
	Read bool // it could be read, and is wrong
	Err  error
}

func (e *TextsError) Error() string {
	if e.Read {
		return fmt.Sprintf("connect.texts %s: %v", e.Path, e.Err)
	}
	return fmt.Sprintf("connect.texts: %v", e.Err)
}

func (e *TextsError) Unwrap() error { return e.Err }

// Texts are the study's own texts, nil for the English ones. The error is a *TextsError.
func (s *Study) Texts() (*page.Texts, error) {
	if s.Config.Connect.Texts == "" {
		return nil, nil
	}
	path := s.Path(s.Config.Connect.Texts)
	file, err := os.ReadFile(path)
	if err != nil {
		return nil, &TextsError{path, false, err}
	}
	texts, err := page.ParseTexts(file)
	if err != nil {
		return nil, &TextsError{path, true, err}
	}
	return texts, nil
}

// A PlainHTTPError says that pages would be served to other machines in the clear.
type PlainHTTPError struct{ Addr string }

func (e *PlainHTTPError) Error() string {
	return "--serve " + e.Addr + ": plain http is for this machine only"
}

// A RedirectsElsewhereError says that browsers come back from Dexcom to another place than
// the links lead to.
type RedirectsElsewhereError struct{ Region, RedirectURI, PublicURL string }

func (e *RedirectsElsewhereError) Error() string {
	return fmt.Sprintf("region %s: redirect URI %s: participants who follow a link to %s do not come back there", e.Region, e.RedirectURI, e.PublicURL)
}

// CheckServing refuses to speak plain http to other machines, at host, unless links are
// https, that is, unless a proxy stands in front.
func (s *Study) CheckServing(addr, host string) error {
	if config.IsLoopback("http://"+net.JoinHostPort(host, "0")) || strings.HasPrefix(s.Config.Connect.PublicURL, "https://") {
		return nil
	}
	return &PlainHTTPError{addr}
}

// CheckRedirects makes sure that browsers come back from Dexcom to the place
// the links lead to, which on a participant's phone localhost is not.
func (s *Study) CheckRedirects(apps map[string]consent.App) error {
	if s.Config.Connect.PublicURL == "" {
		return nil
	}
	public, err := url.Parse(s.Config.Connect.PublicURL)
	if err != nil {
		return err // checked with the configuration
	}
	for region, app := range apps {
		back, err := url.Parse(app.RedirectURI)
		if err != nil || back.Scheme != public.Scheme || back.Host != public.Host {
			return &RedirectsElsewhereError{region, app.RedirectURI, s.Config.Connect.PublicURL}
		}
	}
	return nil
}

// CallbackPages are the pages shown to a browser that comes back to `dexetl connect`.
func (s *Study) CallbackPages(g *consent.Grants) (consent.Pages, error) {
	texts, err := s.Texts()
	if err != nil {
		return nil, err
	}
	return s.Pages(g, texts).Pages()
}
