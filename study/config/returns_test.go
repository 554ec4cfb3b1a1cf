package config

import (
	"strings"
	"testing"
)

// A browser is sent to listed addresses, and to no others that look like them.
func TestMayReturn(t *testing.T) {
	c := Rules{RedirectURLs: []string{"https://app.example.org/back", "https://app.example.org/fixed?a=1", "http://localhost:3000/", "org.example.app:/back"}}
	for address, want := range map[string]bool{
		"https://app.example.org/back":                               true,
		"https://APP.example.org/back?session=7&state=x":             true,
		"https://app.example.org/fixed?a=1":                          true,
		"http://localhost:3000/":                                     true,
		"http://localhost:3000/?a=b":                                 true,
		"http://localhost:3000?a=b":                                  true,
		"org.example.app:/back":                                      true,
		"org.example.app:/back?a=b":                                  true,
		"":                                                           false,
		"https://app.example.org/fixed":                              false,
		"https://app.example.org/fixed?a=2":                          false,
		"https://app.example.org/back/":                              false,
		"https://app.example.org/back/../x":                          false,
		"https://app.example.org/b%61ck":                             false,
		"https://app.example.org:444/back":                           false,
		"https://app.example.org/back#x":                             false,
		"https://me@app.example.org/back":                            false,
		"https://app.example.org@evil.example/back":                  false,
		`https://app.example.org\@evil.example/back`:                 false,
		"https://app.example.org.evil.example/back":                  false,
		"http://app.example.org/back":                                false,
		"//app.example.org/back":                                     false,
		"javascript:alert(1)":                                        false,
		"https://app.example.org/back\r\nX: y":                       false,
		"https://app.example.org/back?" + strings.Repeat("x", 2_000): false,
	} {
		if got := c.MayReturn(address); got != want {
			t.Errorf("%.60q: %t, want %t", address, got, want)
		}
	}
}
