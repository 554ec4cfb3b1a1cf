package main

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/dexetl/dexetl/access"
	"github.com/dexetl/dexetl/extract/dexsim"
	"github.com/dexetl/dexetl/webhook"
)

// Endpoints are managed by Vital's routes as by the command, within the rights of a key.
func TestManageWebhooks(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBench(t, dexsim.Config{Seed: 5, Participants: 2, Days: 1})
	b.allowPrivate()
	b.must("sync")
	c := b.calling()
	all := c.key("all", access.Rights{Scope: access.Manage, Notes: true, Unblinded: true})
	blind := c.key("blind", access.Rights{Scope: access.Manage})
	team, err := c.api.Identities.Study(t.Context())
	check(t, err)
	hooks := fmt.Sprintf("/v1/org/%s/team/%s/sandbox/webhook", team, team)
	ask := func(method, path, key, body string, want int, says string) map[string]any {
		t.Helper()
		status, text := c.ask(method, path, key, body)
		if status != want || !strings.Contains(text, says) {
			t.Errorf("%s %s %s: %d %s; want %d, %s", method, path, body, status, text, want, says)
		}
		var out map[string]any
		_ = json.Unmarshal([]byte(text), &out)
		return out
	}
	r := newReceiver(t)
	var key string
	r.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		key = request.Header.Get("X-Proxy-Key")
		r.take(w, request)
	})
	const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="
	ask("GET", hooks, all, "", 200, `{"data":[],"next_cursor":null}`)
	ask("POST", hooks, all, `{"url":"`+r.URL+`","description":"in","disabled":false,"rate_limit":null,"filter_types":null,"secret":"`+secret+`"}`, 200, `"id":"ep1"`)
	ask("POST", hooks, all, `{"url":"ftp://x"}`, 422, `"loc":["body","url"]`)
	ask("POST", hooks, all, `{"url":"https://x.example","filter_types":["daily"]}`, 422, `"loc":["body","filter_types"]`)
	ask("POST", hooks, all, `{"url":"https://x.example","filter_types":[]}`, 422, `it names no event`)
	ask("PATCH", hooks+"/ep1", all, `{"filter_types":[]}`, 422, `it names no event`)
	ask("POST", hooks, blind, `{"url":"https://x.example","filter_types":["daily.data.note.created"]}`, 422, `daily.data.note.created would never come: the endpoint has not the right notes`)
	ask("POST", hooks, all, `{"url":"https://x.example","secret":"short"}`, 422, `whsec_ and 24 to 64 bytes`)
	ask("POST", hooks, blind, `{"url":"https://x.example","filter_types":["dexetl.snapshot.created"],"rate_limit":5,"disabled":true}`, 200, `"rate_limit":5,"disabled":true,"filter_types":["dexetl.snapshot.created"]`)
	ask("GET", hooks, all, "", 200, `"id":"ep2"`)
	ask("GET", hooks+"/ep1", blind, "", 404, `{"detail":"there is no such webhook"}`)
	ask("GET", hooks+"/ep9", all, "", 404, `{"detail":"there is no such webhook"}`)
	ask("DELETE", hooks+"/ep1", blind, "", 404, "no such webhook")
	ask("GET", strings.Replace(hooks, team.String(), "2c7e0bd2-8a2b-4d7a-9d4e-0b3a0e7d7a11", 1), all, "", 404, "no such team")
	if _, text := c.ask("GET", hooks, blind, ""); strings.Contains(text, "ep1") || !strings.Contains(text, "ep2") {
		t.Errorf("a blinded key sees %s", text)
	}
	ask("GET", hooks+"/ep1/secret", all, "", 200, `{"key":"`+secret+`"}`)
	if next := ask("POST", hooks+"/ep1/secret/rotate", all, `{}`, 200, "whsec_")["key"]; next == secret {
		t.Error("rotated to the same secret")
	}
	ask("POST", hooks+"/ep1/secret/rotate", all, ``, 200, "whsec_")
	for range webhook.MaxOldSecrets - 2 {
		ask("POST", hooks+"/ep1/secret/rotate", all, ``, 200, "whsec_")
	}
	ask("POST", hooks+"/ep1/secret/rotate", all, ``, 400, "the next rotation can be at")
	ask("GET", hooks+"/ep1/headers", all, "", 200, `{"headers":{}}`)
	ask("PUT", hooks+"/ep1/headers", all, `{"headers":{"X-Proxy-Key":"let me in"}}`, 200, "let me in")
	ask("PUT", hooks+"/ep1/headers", all, `{"headers":{"webhook-id":"x"}}`, 422, "cannot be set")
	ask("PUT", hooks+"/ep1/headers", all, `{"headers":{"X":"a\r\nb"}}`, 422, "not ASCII")
	ask("PATCH", hooks+"/ep1", all, `{"disabled":true,"description":"out"}`, 200, `"description":"out","rate_limit":null,"disabled":true`)
	ask("PATCH", hooks+"/ep1", all, `{"disabled":false,"rate_limit":100,"filter_types":["dexetl.snapshot.created"]}`, 200, `"rate_limit":100,"disabled":false`)
	b.must("replay")
	b.deliver()
	if got := r.kinds(); fmt.Sprint(got) != "map[dexetl.snapshot.created:1]" || key != "let me in" {
		t.Errorf("events %v, header %q", got, key)
	}
	ask("DELETE", hooks+"/ep1", all, "", 200, `{"success":true}`)
	ask("GET", hooks+"/ep1", all, "", 404, "")
	// ep3 is made by the key blind, which moves nothing of others; the URL of ep2 is that of
	// the key all from now on.
	ask("POST", hooks, blind, `{"url":"https://y.example"}`, 200, `"id":"ep3"`)
	ask("PATCH", hooks+"/ep2", all, `{"url":"https://z.example","disabled":false}`, 200, `"disabled":false`)
	if code, _, said := b.run("keys", "revoke", "blind"); code != 0 || !strings.Contains(said, "are disabled: ep3\n") {
		t.Errorf("keys revoke: %d %s", code, said)
	}
	ask("GET", hooks+"/ep2", all, "", 200, `"disabled":false`)
	ask("GET", hooks+"/ep3", all, "", 200, `"disabled":true`)
	if trail := b.must("audit", "--csv"); !strings.Contains(trail, "key all (") || strings.Contains(trail, "let me in") || strings.Contains(trail, "whsec_") {
		t.Errorf("the trail:\n%s", trail)
	}
}

// Nothing is told while the state is older than its trail.
func TestOlderStateTellsNothing(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBench(t, dexsim.Config{Seed: 5, Participants: 2, Days: 1})
	b.allowPrivate()
	r := newReceiver(t)
	b.must("webhooks", "add", r.URL)
	b.must("webhooks", "add", "https://removed.example")
	b.must("sync")
	restore := b.backup("state.db")
	b.must("withdraw", "P001", "--yes", "--effective", "2026-03-01", "--reason", "asked")
	b.must("webhooks", "disable", "ep2")
	restore()
	p, s := b.inProcess()
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	if err := p.deliverer(s, log).Ready(t.Context()); err == nil || !strings.Contains(err.Error(), "P001") {
		t.Errorf("ready: %v", err)
	}
	if e, err := p.endpoints(s).Find(t.Context(), "ep2"); err != nil || e.Enabled() {
		t.Errorf("ep2: %+v, %v", e, err)
	}
}
