package study

import (
	"errors"
	"testing"

	"github.com/dexetl/dexetl/study/config"
)

// Beyond this machine nothing is served in the clear, unless TLS ends at a proxy.
func TestCheckListening(t *testing.T) {
	for _, tt := range []struct {
		addr  string
		serve config.Serve
		ok    bool
	}{
		{"127.0.0.1:8086", config.Serve{}, true},
		{"[::1]:8086", config.Serve{}, true},
		{"localhost:8086", config.Serve{}, true},
		{"none", config.Serve{}, true},
		{"0.0.0.0:8086", config.Serve{}, false},
		{":8086", config.Serve{}, false},
		{"[::]:8086", config.Serve{}, false},
		{"192.0.2.7:8086", config.Serve{}, false},
		{"study.example.org:443", config.Serve{}, false},
		{"0.0.0.0:8086", config.Serve{BehindProxy: true}, true},
		{"0.0.0.0:8086", config.Serve{TLSCert: "cert.pem", TLSKey: "key.pem"}, true},
	} {
		s := &Study{Config: config.Config{Serve: tt.serve}}
		if err := s.CheckListening(tt.addr); (err == nil) != tt.ok {
			t.Errorf("listen at %s with %+v: %v, want it allowed: %t", tt.addr, tt.serve, err, tt.ok)
		}
	}
}

// The pages are where links and redirect URIs lead, and nowhere else.
func TestPages(t *testing.T) {
	for _, tt := range []struct {
		public, redirect, addr string
		served                 bool
		pages, others          []string
	}{
		{"", "http://localhost:8085/callback", "127.0.0.1:8086", false, nil, nil},
		{"", "http://localhost:8086/callback", "127.0.0.1:8086", true, []string{"/i/abc", "/done/ok", "/callback"}, []string{"/callback/", "/", "/v2/user", "/healthz", "/i"}},
		{"http://localhost:8085", "http://localhost:8085/callback", "127.0.0.1:8086", false, nil, nil},
		{"http://localhost:8085", "http://localhost:8085/callback", "127.0.0.1:8085", true, nil, nil},
		{"", "https://c.example.org/callback", "127.0.0.1:8086", false, nil, nil},
		{"https://c.example.org", "https://c.example.org/callback", "0.0.0.0:443", true, []string{"/i/abc", "/callback"}, []string{"/v2/user", "/inside"}},
		{"https://c.example.org/glucose/", "https://c.example.org/back", "0.0.0.0:443", true, []string{"/glucose/i/abc", "/glucose/", "/back"}, []string{"/i/abc", "/glucoses"}},
	} {
		s := &Study{Config: config.Config{Connect: config.Connect{PublicURL: tt.public}, API: config.App{RedirectURI: tt.redirect}}}
		if got := s.ServesPages(tt.addr); got != tt.served {
			t.Errorf("%s, back to %s, at %s: pages served: %t", tt.public, tt.redirect, tt.addr, got)
		}
		var elsewhere *ElsewhereError
		if err := s.CheckLinks(tt.addr); errors.As(err, &elsewhere) == tt.served || !tt.served && elsewhere.Links != s.LinkURL("") {
			t.Errorf("%s, back to %s, at %s: %v", tt.public, tt.redirect, tt.addr, err)
		}
		for _, path := range tt.pages {
			if !s.IsPage(path) {
				t.Errorf("%s, back to %s: %s is no page", tt.public, tt.redirect, path)
			}
		}
		for _, path := range tt.others {
			if s.IsPage(path) {
				t.Errorf("%s, back to %s: %s is a page", tt.public, tt.redirect, path)
			}
		}
	}
}
