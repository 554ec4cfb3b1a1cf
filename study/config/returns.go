package config

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
)

// longestReturn is what browsers take everywhere.
const longestReturn = 2000 // bytes

// MayReturn reports whether a program may have browsers sent to an address: one of
// redirect_urls, with any query, or with the same one if it is listed with a query.
func (r Rules) MayReturn(address string) bool {
	u, err := url.Parse(address)
	if err != nil || len(address) > longestReturn || checkRedirectURL(address) != nil {
		return false
	}
	return slices.ContainsFunc(r.RedirectURLs, func(text string) bool {
		listed, err := url.Parse(text)
		return err == nil && u.Scheme == listed.Scheme && strings.EqualFold(u.Host, listed.Host) && pathOf(u) == pathOf(listed) &&
			(listed.RawQuery == "" || u.RawQuery == listed.RawQuery)
	})
}

// pathOf is the path of an address, of which a browser makes a slash where it is empty.
func pathOf(u *url.URL) string {
	if u.Host != "" {
		return cmp.Or(u.EscapedPath(), "/")
	}
	return u.EscapedPath()
}
