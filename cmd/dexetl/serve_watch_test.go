package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// Strangers learn whether the service lives, and nothing about the study.
func TestWatchers(t *testing.T) {
	health := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/readyz" {
			http.Error(w, "figures", http.StatusServiceUnavailable)
			return
		}
		w.Write([]byte("figures"))
	})
	known := func(r *http.Request) bool { return r.Header.Get("x-vital-api-key") == "good" }
	for _, tt := range []struct {
		from, key string
		proxy     bool
		told      bool
	}{
		{"127.0.0.1:4000", "", false, true}, {"[::1]:4000", "", false, true}, {"[::ffff:127.0.0.1]:4000", "", false, true},
		{"127.0.0.1:4000", "", true, false}, {"127.0.0.1:4000", "good", true, true},
		{"192.0.2.1:4000", "", false, false}, {"192.0.2.1:4000", "bad", false, false}, {"192.0.2.1:4000", "good", false, true},
	} {
		for path, statuses := range map[string][2]int{"/metrics": {200, 401}, "/healthz": {200, 200}, "/readyz": {503, 503}} {
			r, w := httptest.NewRequest(http.MethodGet, path, nil), httptest.NewRecorder()
			r.RemoteAddr = tt.from
			r.Header.Set("x-vital-api-key", tt.key)
			forWatchers(health, tt.proxy, known).ServeHTTP(w, r)
			want := statuses[1]
			if tt.told {
				want = statuses[0]
			}
			if told := strings.Contains(w.Body.String(), "figures"); told != tt.told || w.Code != want {
				t.Errorf("%s for %+v: %d %q, want %d", path, tt, w.Code, w.Body, want)
			}
		}
	}
}
