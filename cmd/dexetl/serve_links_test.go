package main

import (
	"bytes"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/dexetl/dexetl/access"
	"github.com/dexetl/dexetl/extract/dexsim"
)

// A link of the API leads to where serve has the consent pages, or is not made; who starts
// serve is told what to set.
func TestLinksLeadToServe(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := openBench(t, dexsim.Config{Seed: 5, Participants: 1, Days: 1}, demoNow)
	b.must("participants", "add", "P001", "--start", "2026-04-01")
	for _, tt := range []struct {
		public, addr string
		status       int
		told, warned string
	}{
		{"", "127.0.0.1:8086", http.StatusBadRequest, "lead to http://localhost:8085/i/, and serve listens at 127.0.0.1:8086: set connect.public_url of the study, or serve.listen", "serve.listen to 127.0.0.1:8085"},
		{"", "127.0.0.1:8085", http.StatusOK, "http://localhost:8085/i/", ""},
		{"", "none", http.StatusBadRequest, "serve listens at none", ""},
		{"http://localhost:8086", "127.0.0.1:8086", http.StatusOK, "http://localhost:8086/i/", ""},
		{"http://localhost:8086", "127.0.0.1:9000", http.StatusBadRequest, "serve listens at 127.0.0.1:9000", "serve.listen to 127.0.0.1:8086"},
		{"https://study.example.org", "127.0.0.1:8086", http.StatusOK, "https://study.example.org/i/", ""},
	} {
		b.env["DEXETL_CONNECT_PUBLIC_URL"] = tt.public
		v := b.service()
		var log bytes.Buffer
		v.addr, v.log = tt.addr, slog.New(slog.NewTextHandler(&log, nil))
		c := &caller{b: b, api: v.api(), front: v.front()}
		key := c.key("app-"+v.study.Store.NewID(), access.Rights{Scope: access.Manage})
		for _, ask := range []struct{ path, body string }{{"/v2/link/token", `{"user_id":"` + c.user("P001") + `"}`}, {"/v2/link/code/create?user_id=" + c.user("P001"), ""}} {
			if status, text := c.ask("POST", ask.path, key, ask.body); status != tt.status || !strings.Contains(text, tt.told) {
				t.Errorf("%s of %q at %s: %d %s, want %d %s", ask.path, tt.public, tt.addr, status, text, tt.status, tt.told)
			}
		}
		v.warnOfLinks(true)
		if said := log.String(); strings.Contains(said, "no links for consent") != (tt.warned != "") || !strings.Contains(said, tt.warned) {
			t.Errorf("%q at %s: the log says %q, want %q", tt.public, tt.addr, said, tt.warned)
		}
	}
}
