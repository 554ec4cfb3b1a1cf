package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/dexetl/dexetl/access"
	"github.com/dexetl/dexetl/extract/dexsim"
	"github.com/dexetl/dexetl/serve/api"
)

// A caller asks a served study, in this process.
type caller struct {
	b     *bench
	api   *api.API
	front http.Handler
	team  string // the study's id
}

// calling is a caller of the study as it is now.
func (b *bench) calling() *caller {
	b.t.Helper()
	v := b.service()
	c := &caller{b: b, api: v.api(), front: v.front()}
	team, err := c.api.Identities.Study(b.t.Context())
	check(b.t, err)
	c.team = team.String()
	return c
}

// key makes a key of these rights, and returns its secret.
func (c *caller) key(name string, r access.Rights) string {
	c.b.t.Helper()
	secret, _, err := c.api.Keys.Add(c.b.t.Context(), name, r)
	check(c.b.t, err)
	return string(secret)
}

// user is the id by which the API knows a participant.
func (c *caller) user(participant string) string {
	c.b.t.Helper()
	user, err := c.api.Identities.User(c.b.t.Context(), participant)
	check(c.b.t, err)
	return user.String()
}

// ask sends a request with a key, "" for none.
func (c *caller) ask(method, target, key, body string) (status int, text string) {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if key != "" {
		r.Header.Set(api.KeyHeader, key)
	}
	w := httptest.NewRecorder()
	c.front.ServeHTTP(w, r)
	all, _ := io.ReadAll(w.Result().Body)
	return w.Code, string(all)
}

// path is a route's path about a user, or the first webhook.
func (c *caller) path(route api.Route, user string) string {
	return strings.NewReplacer("{org_id}", c.team, "{team_id}", c.team, "{environment}", "production", "{webhook_id}", "ep1",
		"{user_id}", user, "{client_user_id}", "nobody", "{provider}", "dexcom_v3", "{slug}", "dexcom_v3", "{table}", "participants").Replace(route.Path)
}

// Every route, with every kind of key: who has no key that works is told so, who lacks a
// right is told which, in a blinded study as in others, and all others are answered.
func TestEveryRouteByEveryKey(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBench(t, dexsim.Config{Seed: 5, Participants: 2, Days: 1})
	b.must("sync")
	c := b.calling()
	keys := map[string]access.Rights{
		"read": {Scope: access.Read}, "read-notes": {Scope: access.Read, Notes: true}, "read-unblinded": {Scope: access.Read, Unblinded: true},
		"manage": {Scope: access.Manage}, "all": {Scope: access.Manage, Notes: true, Unblinded: true}, "cohort": {Scope: access.Read, Cohort: "none of these"},
	}
	secrets := make(map[string]string)
	for name, r := range keys {
		secrets[name] = c.key(name, r)
	}
	nobody := "2c7e0bd2-8a2b-4d7a-9d4e-0b3a0e7d7a11"
	routes := c.api.Routes()
	if len(routes) < 25 {
		t.Fatalf("only %d routes", len(routes))
	}
	for _, blinded := range []bool{false, true} {
		b.configure("study", fmt.Sprintf("blinding: %t", blinded))
		for _, table := range []string{"glucose", "egvs", "events", "alerts"} { // what is needed depends on the table
			status, text := c.ask("GET", "/v1/tables/"+table+"?format=csv", secrets["read"], "")
			if want := map[bool]int{false: http.StatusOK, true: http.StatusForbidden}[blinded]; status != want {
				t.Errorf("table %s by a blinded key in a study, blinded %t: %d %.200s, want %d", table, blinded, status, text, want)
			}
		}
		for _, route := range routes {
			path, name := c.path(route, nobody), fmt.Sprintf("%s %s, blinded: %t", route.Method, route.Path, blinded)
			for _, key := range []string{"", "dxk_not_a_key"} {
				if status, text := c.ask(route.Method, path, key, "{}"); status != http.StatusUnauthorized || !json.Valid([]byte(text)) {
					t.Errorf("%s with key %q: %d %s, want 401", name, key, status, text)
				}
			}
			if route.Needs.LinkToken {
				continue
			}
			for key, r := range keys {
				may := r.Scope.Includes(route.Needs.Scope) && (r.Notes || !route.Needs.Notes) && (r.Unblinded || !blinded || !route.Needs.Glucose)
				if r.Cohort != "" && (route.Path == "/v1/snapshots" || route.Path == "/v1/runs") {
					may = false // they tell of the whole study
				}
				status, text := c.ask(route.Method, path, secrets[key], "{}")
				if refused := status == http.StatusForbidden; refused == may || status == http.StatusUnauthorized || status >= 500 {
					t.Errorf("%s by %s: %d %.200s, want it allowed: %t", name, key, status, text, may)
				}
			}
		}
	}
}

// ownHook adds a webhook over the API, with the rights of a key.
func ownHook(t testing.TB, c *caller, key string) {
	t.Helper()
	for _, route := range c.api.Routes() {
		if route.Method == "POST" && strings.HasSuffix(route.Path, "/webhook") {
			if status, text := c.ask("POST", c.path(route, ""), key, `{"url":"https://hooks.example.org/x"}`); status != http.StatusOK || !strings.Contains(text, `"ep1"`) {
				t.Fatalf("%d %s", status, text)
			}
		}
	}
}

// A webhook of whom a key may not see is answered like one that does not exist.
func TestNoWebhookOfOthers(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBench(t, dexsim.Config{Seed: 5, Participants: 1, Days: 1})
	b.must("sync")
	c := b.calling()
	ownHook(t, c, c.key("a", access.Rights{Scope: access.Manage, Notes: true, Unblinded: true, Cohort: "A"}))
	other := c.key("b", access.Rights{Scope: access.Manage, Notes: true, Unblinded: true, Cohort: "B"})
	asked := 0
	for _, route := range c.api.Routes() {
		if !strings.Contains(route.Path, "/webhook") {
			continue
		}
		path := c.path(route, "")
		if !strings.Contains(route.Path, "{webhook_id}") {
			if status, text := c.ask("GET", path, other, ""); status != http.StatusOK || strings.Contains(text, "ep1") {
				t.Errorf("GET %s: %d %s", path, status, text)
			}
			continue
		}
		body := map[string]string{"PATCH": `{"disabled":true}`, "PUT": `{"headers":{}}`, "POST": `{}`}[route.Method]
		status, text := c.ask(route.Method, path, other, body)
		_, none := c.ask(route.Method, strings.Replace(path, "ep1", "ep9", 1), other, body)
		if status != http.StatusNotFound || text != none {
			t.Errorf("%s %s: of another cohort %d %s, of nobody %s", route.Method, path, status, text, none)
		}
		asked++
	}
	if asked < 7 {
		t.Errorf("only %d routes", asked)
	}
}

// Somebody whom a key may not see is answered like somebody who does not exist.
func TestNobodyIsTold(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBench(t, dexsim.Config{Seed: 5, Participants: 2, Days: 1})
	b.must("sync")
	c := b.calling()
	key := c.key("others", access.Rights{Scope: access.Manage, Notes: true, Unblinded: true, Cohort: "none of these"})
	participant := b.query("select participant_id from participants")[0][0]
	someone, nobody := c.user(participant), "2c7e0bd2-8a2b-4d7a-9d4e-0b3a0e7d7a11"
	about := func(route api.Route, id, participant string) (target, body string) {
		target = strings.ReplaceAll(route.Path, "{client_user_id}", participant)
		target = c.path(api.Route{Path: target}, id) + "?" + url.Values{"start_date": {"2026-01-01"}, "user_id": {id}}.Encode()
		return target, `{"user_id":"` + id + `"}`
	}
	asked := 0
	for _, route := range c.api.Routes() {
		if route.Needs.LinkToken || strings.HasPrefix(route.Path, "/v1/") || route.Path == "/v2/user" { // those about nobody alone, or about webhooks
			continue
		}
		target, body := about(route, someone, participant)
		other, otherBody := about(route, nobody, "nobody")
		status, text := c.ask(route.Method, target, key, body)
		want, wantText := c.ask(route.Method, other, key, otherBody)
		if status != want || strings.ReplaceAll(text, someone, nobody) != wantText {
			t.Errorf("%s %s: about somebody of another cohort %d %s, about nobody %d %s", route.Method, route.Path, status, text, want, wantText)
		}
		if status == http.StatusNotFound {
			asked++
		}
	}
	if asked < 12 {
		t.Errorf("only %d routes say that there is no such user", asked)
	}
}
